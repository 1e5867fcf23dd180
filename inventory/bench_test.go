package inventory_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-ops/ferry/inventory"
)

// fleet writes an inventory of n hosts, each on a line or block of its own,
// in racks of 50, rooms of 20 racks and sites of 5 rooms.
func fleet(format string, n int) string {
	var b strings.Builder
	racks := (n + 49) / 50
	switch format {
	case "ini":
		for r := range racks {
			fmt.Fprintf(&b, "[rack%d]\n", r)
			for h := r * 50; h < min(n, r*50+50); h++ {
				fmt.Fprintf(&b, "host%06d ansible_host=10.%d.%d.%d serial=%d role=web\n", h, h>>16&255, h>>8&255, h&255, h)
			}
			fmt.Fprintf(&b, "[room%d:children]\nrack%d\n[site%d:children]\nroom%d\n", r/20, r, r/100, r/20)
		}
		b.WriteString("[all:vars]\nansible_user=admin\nmirror=http://mirror.example\n")
	case "hcl":
		for r := range racks {
			fmt.Fprintf(&b, "group \"site%d\" {\n  group \"room%d\" {\n    group \"rack%d\" {\n", r/100, r/20, r)
			for h := r * 50; h < min(n, r*50+50); h++ {
				fmt.Fprintf(&b, "      host \"host%06d\" { address = \"10.%d.%d.%d\" }\n", h, h>>16&255, h>>8&255, h&255)
			}
			b.WriteString("    }\n  }\n}\n")
		}
		b.WriteString("group \"all\" {\n  user = \"admin\"\n  vars = { mirror = \"http://mirror.example\" }\n}\n")
	case "constructed":
		for h := range n {
			fmt.Fprintf(&b, "host \"host%06d\" { vars = { role = \"r%d\" } }\n", h, h%7)
		}
		b.WriteString("constructed \"x\" { when = host.vars.role == \"r1\" }\nconstructed \"y\" { when = groups.x && startswith(host.name, \"host0\") }\nkeyed \"role\" { key = host.vars.role }\n")
	case "range":
		for r := range racks {
			fmt.Fprintf(&b, "group \"site%d\" {\n  group \"room%d\" {\n    group \"rack%d\" {\n      host \"host[%06d:%06d]\" { vars = { rack = %d } }\n    }\n  }\n}\n", r/100, r/20, r, r*50, min(n, r*50+50)-1, r)
		}
	case "yml":
		for r := range racks {
			fmt.Fprintf(&b, "rack%d:\n  hosts:\n", r)
			for h := r * 50; h < min(n, r*50+50); h++ {
				fmt.Fprintf(&b, "    host%06d: {ansible_host: 10.%d.%d.%d, serial: %d}\n", h, h>>16&255, h>>8&255, h&255, h)
			}
		}
		for s := range (racks + 99) / 100 {
			fmt.Fprintf(&b, "site%d:\n  children:\n", s)
			for r := s * 100; r < min(racks, s*100+100); r++ {
				fmt.Fprintf(&b, "    rack%d:\n", r)
			}
		}
	}
	return b.String()
}

func BenchmarkLoad(b *testing.B) {
	for _, format := range []string{"ini", "hcl", "range", "yml", "constructed"} {
		for _, n := range []int{12_500, 25_000, 50_000} {
			b.Run(fmt.Sprintf("%s/%d", format, n), func(b *testing.B) {
				name := format
				if format == "range" || format == "constructed" {
					name = "hcl"
				}
				path := filepath.Join(b.TempDir(), "hosts."+name)
				if err := os.WriteFile(path, []byte(fleet(format, n)), 0o644); err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					inv, set := inventory.Load(context.Background(), []string{path}, inventory.Options{Home: "/"})
					if set.HasErrors() || len(inv.Hosts) != n {
						b.Fatal(len(inv.Hosts), set.Err())
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/host")
			})
		}
	}
}

func BenchmarkSelect(b *testing.B) {
	path := filepath.Join(b.TempDir(), "hosts.hcl")
	if err := os.WriteFile(path, []byte(fleet("range", 50_000)), 0o644); err != nil {
		b.Fatal(err)
	}
	inv, set := inventory.Load(context.Background(), []string{path}, inventory.Options{Home: "/"})
	if set.HasErrors() {
		b.Fatal(set.Err())
	}
	for _, p := range []string{"all", "site1:&room2*:!rack5", "host0*[0:100]", "~host.*7$"} {
		b.Run(strings.NewReplacer("/", "_").Replace(p), func(b *testing.B) {
			for b.Loop() {
				if _, diags := inv.Select(p, nil); diags.HasErrors() {
					b.Fatal(diags)
				}
			}
		})
	}
}
