package inventory

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
)

// fuzzSource reads a source of one format; it must neither panic nor give an
// inventory whose views, graph or diagnostics do.
func fuzzSource(t *testing.T, name string, data []byte) {
	l := &loader{b: newBuilder(Options{}), o: Options{Home: "/h"}, seenDirs: map[string]bool{}, seenVars: map[string]bool{}}
	l.b.set.AddSource(name, data)
	l.readSource(source{name: name, data: data, dirs: dirs{base: "/b", home: "/h"}})
	inv, set := l.b.finish()
	if err := diag.Render(io.Discard, set, diag.Options{Width: 80}); err != nil {
		t.Error(err)
	}
	if set.HasErrors() || len(inv.Hosts) > 10_000 {
		return
	}
	if _, err := inv.List(inv.Hosts).JSON(); err != nil {
		t.Error(err)
	}
	_ = inv.Graph(inv.Group("all"))
	for _, h := range inv.Hosts {
		got, diags := inv.Select(h.Name, nil)
		if diags.HasErrors() || len(got) == 0 && inv.Group(h.Name) == nil {
			t.Errorf("host %q cannot be selected: %v", h.Name, diags)
		}
	}
}

func seedFiles(f *testing.F, glob string) {
	files, err := filepath.Glob(glob)
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", glob, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

func FuzzINI(f *testing.F) {
	seedFiles(f, "testdata/ini/*.ini")
	f.Fuzz(func(t *testing.T, data []byte) { fuzzSource(t, "hosts.ini", data) })
}

func FuzzHCL(f *testing.F) {
	seedFiles(f, "testdata/full/*.hcl")
	f.Add([]byte(`host "a[1:2]" { address = "10.0.0.[1:2]" jump = "x" }`))
	f.Add([]byte("host \"a\" { vars = { r = [\"x\", 1] } }\nconstructed \"c\" {\n when = try(host.vars.r[0], \"\") == \"x\" && !groups.k_1 || facts.f\n unknown = \"skip\"\n}\nkeyed \"k\" { key = host.vars.r }\ngroup \"g\" { children = [\"c\"] }\n"))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzSource(t, "hosts.hcl", data) })
}

func FuzzYAML(f *testing.F) {
	seedFiles(f, "testdata/full/group_vars/*.yml")
	f.Add([]byte("all:\n  hosts:\n    a: {x: !vault x}\n  children: {b: {children: [c]}}\n"))
	f.Add([]byte("a: &a {<<: *a, b: [*a]}\n? [x]\n: 1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzSource(t, "hosts.yml", data)
		b := newBuilder(Options{})
		if n, _ := parseYAML(source{name: "v.yml", data: data}); n != nil {
			var l layer
			(&treeReader{b: b}).vars(n, "v.yml", &l)
			for _, v := range l.vars {
				_ = showValue(v.Value)
			}
		}
	})
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"_meta": {"hostvars": {"a": {"x": 1e999, "p": {"__ansible_vault": "x"}}}}, "g": ["a"], "h": {"hosts": ["a"], "children": ["g"]}}`))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzSource(t, "hosts.json", data) })
}

func FuzzSSHConfig(f *testing.F) {
	f.Add([]byte("Host a b\n  HostName 10.0.0.1\n  Port=22\nMatch all\n  User \"x\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzSource(t, "config", append([]byte("Host seed\n"), data...)) })
}

func FuzzRange(f *testing.F) {
	for _, s := range []string{"a[1:3]", "a[01:10:2]b[a:c]", "[::1]", "x[1:]", "[[:]]", "a[999999999999999999:999999999999999999]", "h[0:9223372036854775807:9223372036854775807]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out, err := expandHosts(s, 1000)
		if err == nil && (len(out) == 0 || len(out) > 1000) {
			t.Errorf("%q: %d names", s, len(out))
		}
	})
}

func FuzzPattern(f *testing.F) {
	inv, set := Load(context.Background(), []string{"testdata/ini/ipv6.ini"}, Options{Home: "/h"})
	if set.HasErrors() {
		f.Fatal(set.Err())
	}
	for _, s := range []string{"all", "web:!a,&b", "~x(:|,)[0:2]", "web[0:3]", "[!]]*", "::1", "[::1]:22", "a[-1]", "*[99999999999999999999]", "~("} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		hosts, diags := inv.Select(s, nil)
		if diags.HasErrors() && len(hosts) > 0 {
			t.Errorf("%q: hosts in spite of errors", s)
		}
		seen := map[*Host]bool{}
		for _, h := range hosts {
			if seen[h] {
				t.Errorf("%q: %s twice", s, h.Name)
			}
			seen[h] = true
		}
	})
}

// FuzzLiteral: a value of an INI inventory is always a value, and a string
// without quotation marks, brackets and digits is itself.
func FuzzLiteral(f *testing.F) {
	for _, s := range []string{"1", "'x'", "[1, (2,), {'a': None}]", "0x", "1e-5", "\"\\x4", "r'\\'", "{1, 2}", "- 1", "True", "1_0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v := iniValue(s)
		if !v.IsWhollyKnown() {
			t.Errorf("%q is not known", s)
		}
		_ = showValue(v)
		if strings.Trim(s, "abcdxyz /") == "" && !v.RawEquals(cty.StringVal(s)) {
			t.Errorf("%q became %#v", s, v)
		}
	})
}

// FuzzLimitFile reads a file of hosts as --limit @FILE does.
func FuzzLimitFile(f *testing.F) {
	inv, set := Load(context.Background(), []string{"testdata/ini/ipv6.ini"}, Options{Home: "/h"})
	if set.HasErrors() {
		f.Fatal(set.Err())
	}
	f.Add([]byte("# from a run\nall\n::1, x\n!y\n@z\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "limit")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		hosts, diags := inv.Limit(inv.Hosts, []string{"@" + path})
		if diags.HasErrors() && len(hosts) > 0 {
			t.Error("hosts in spite of errors")
		}
	})
}
