package inventory_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"github.com/ferry-ops/ferry/inventory"
)

// recorded has facts of some hosts.
func recorded(of map[string]map[string]string) inventory.RecordedFacts {
	return inventory.RecordedFacts{
		Names: []string{"os_id", "os_version", "arch"},
		Of: func(host, _ string, _ time.Duration) map[string]cty.Value {
			out := map[string]cty.Value{}
			for n, v := range of[host] {
				out[n] = cty.StringVal(v)
			}
			return out
		},
	}
}

const fleetHCL = `
group "web" {
  vars = { role = "web" }
  host "web[1:3]" {}
}
group "db" {
  vars = { role = "db", tags = ["a", "b"] }
  host "db1" { vars = { size = 10, tags = ["c"] } }
  host "db2" { vars = { size = 2 } }
}
host "lonely" { vars = { role = "none" } }
`

func TestConstructed(t *testing.T) {
	facts := recorded(map[string]map[string]string{
		"web1": {"os_id": "centos", "os_version": "7"}, "web2": {"os_id": "openeuler", "os_version": "22.03"}, "web3": {"os_id": "centos", "os_version": "8"},
		"db1": {"os_id": "centos", "os_version": "7"}, "db2": {"os_id": "Kylin Linux/V10", "os_version": "10"}, "lonely": {"os_id": "", "os_version": ""},
	})
	for text, want := range map[string]string{
		`constructed "x" { when = host.vars.role == "db" }`:                                                                     "x: db1 db2",
		`constructed "x" { when = host.vars.size > 5 }`:                                                                         "ERROR Variable without a value",
		"constructed \"x\" {\n when = host.vars.size > 5\n unknown = \"skip\"\n}":                                               "x: db1",
		`constructed "x" { when = host.vars.role == "db" && host.vars.size > 5 }`:                                               "x: db1",
		`constructed "x" { when = try(host.vars.size, 0) > 5 }`:                                                                 "x: db1",
		`constructed "x" { when = groups.db && !startswith(host.name, "db2") }`:                                                 "x: db1",
		"constructed \"x\" { when = groups.y }\nconstructed \"y\" { when = groups.web }":                                        "x: web1 web2 web3; y: web1 web2 web3",
		"constructed \"x\" { when = groups.y }\nconstructed \"y\" { when = !groups.x }":                                         "ERROR Cycle of constructed groups",
		`constructed "x" { when = groups.x }`:                                                                                   "ERROR Cycle of constructed groups",
		"constructed \"x\" { when = groups.big }\ngroup \"big\" { children = [\"x\"] }":                                         "ERROR Cycle of constructed groups",
		"constructed \"x\" { when = groups.db }\ngroup \"big\" { children = [\"x\"] }\nconstructed \"y\" { when = groups.big }": "x: db1 db2; y: db1 db2; big: db1 db2",
		`constructed "x" { when = facts.os_id == "centos" && facts.os_version == "7" }`:                                         "x: web1 db1",
		`constructed "x" { when = facts.arch == "x86_64" }`:                                                                     "ERROR Fact not recorded",
		"constructed \"x\" {\n when = facts.arch == \"x86_64\"\n unknown = \"skip\"\n}":                                         "x:",
		`constructed "x" { when = facts.os == "x" }`:                                                                            "ERROR Unknown fact",
		`constructed "x" { when = host.vars.role }`:                                                                             "ERROR Wrong type of value",
		`constructed "x" { when = host.groups == [] }`:                                                                          "ERROR Reference not possible here",
		`constructed "x" { when = groups.wbe }`:                                                                                 "ERROR Unknown group",
		`constructed "x" { when = var.x }`:                                                                                      "ERROR Unknown reference",
		`constructed "x" { }`:                                                                                                   "ERROR Missing argument",
		`constructed "x" { wen = true }`:                                                                                        "ERROR Unknown argument|Missing argument",
		`constructed "all" { when = true }`:                                                                                     "ERROR Invalid group name",
		`group "g" { constructed "x" { when = true } }`:                                                                         "ERROR Argument definition required|Block not possible here|Argument or block expected",
		"group \"g\" {\n constructed \"x\" { when = true }\n}":                                                                  "ERROR Block not possible here",
		"constructed \"x\" { when = true }\nconstructed \"x\" { when = true }":                                                  "ERROR Set twice",
		"constructed \"x\" {\n when = true\n unknown = \"maybe\"\n}":                                                            "ERROR Invalid value",
		"constructed \"x\" {\n when = true\n max_age = \"soon\"\n}":                                                             "ERROR Invalid value",
		`constructed "x" { when = nofunc(1) }`:                                                                                  "ERROR Call to unknown function|Unknown function",
		`keyed "os" { key = facts.os_id }`:                                                                                      "os_centos: web1 web3 db1; os_openeuler: web2; os_Kylin_Linux_V10: db2",
		"keyed \"role\" {\n key = host.vars.role\n separator = \"-\"\n}":                                                        "role-web: web1 web2 web3; role-db: db1 db2; role-none: lonely",
		`keyed "tag" { key = try(host.vars.tags, null) }`:                                                                       "tag_c: db1; tag_a: db2; tag_b: db2",
		"keyed \"os\" { key = facts.os_id }\nconstructed \"x\" { when = groups.os_centos && groups.db }":                        "x: db1; os_centos: web1 web3 db1",
		`keyed "v" { key = host.vars }`:                                                                                         "ERROR Wrong type of value",
	} {
		dir := tree(t, map[string]string{"hosts.hcl": fleetHCL + text + "\n"})
		inv, set := inventory.Load(context.Background(), []string{dir + "/hosts.hcl"}, inventory.Options{Facts: facts})
		if summaries, ok := strings.CutPrefix(want, "ERROR "); ok {
			if !set.HasErrors() || !strings.Contains("|"+summaries+"|", "|"+set.Diags[0].Summary+"|") {
				t.Errorf("%s\n  got %v, want %s", text, set.Diags, want)
			}
			continue
		}
		if set.HasErrors() {
			t.Errorf("%s\n  %v", text, set.Diags)
			continue
		}
		for _, line := range strings.Split(want, "; ") {
			group, hosts, _ := strings.Cut(line, ":")
			g := inv.Group(group)
			if g == nil {
				t.Errorf("%s\n  no group %q", text, group)
				continue
			}
			if got := strings.Join(names(g.Hosts()), " "); got != strings.TrimSpace(hosts) {
				t.Errorf("%s\n  %s: %q, want %q", text, group, got, strings.TrimSpace(hosts))
			}
		}
	}
}

// A group that is constructed gives its variables and connection arguments to
// its members, and a host in it is not ungrouped.
func TestConstructedGroupsAreGroups(t *testing.T) {
	dir := tree(t, map[string]string{
		"a":                   "lonely role=x\n",
		"b.hcl":               "constructed \"made\" { when = try(host.vars.role, \"\") == \"x\" }\ngroup \"made\" {\n  user = \"op\"\n  vars = { v = 1 }\n}\n",
		"group_vars/made.yml": "w: 2\n",
	})
	inv := mustLoad(t, dir)
	h := inv.Host("lonely")
	if h.Connection.User != "op" || strings.Join(h.GroupNames(), " ") != "made" {
		t.Errorf("%+v %v", h.Connection, h.GroupNames())
	}
	for _, v := range []string{"v", "w"} {
		if _, ok := h.Var(v); !ok {
			t.Errorf("no variable %q", v)
		}
	}
	if len(inv.Group("ungrouped").Hosts()) != 0 || len(inv.Group("made").Parents()) != 1 {
		t.Error("ungrouped has the host, or the parents are wrong")
	}
	if hosts, diags := inv.Select("made:!ungrouped", nil); diags.HasErrors() || len(hosts) != 1 {
		t.Error(hosts, diags)
	}
}

// Facts of the wrong age or of another machine are not used, and who only looks
// is not stopped.
func TestRecordedFacts(t *testing.T) {
	dir := tree(t, map[string]string{"h.hcl": "host \"a\" { address = \"10.0.0.1\" }\nconstructed \"x\" {\n  when    = facts.os_id == \"centos\"\n  max_age = \"2h\"\n}\n"})
	var asked string
	o := inventory.Options{Facts: inventory.RecordedFacts{Of: func(host, address string, age time.Duration) map[string]cty.Value {
		asked = fmt.Sprint(host, " ", address, " ", age)
		return nil
	}}}
	_, set := inventory.Load(context.Background(), []string{dir + "/h.hcl"}, o)
	if !set.HasErrors() || asked != "a 10.0.0.1 2h0m0s" {
		t.Errorf("%v, asked %q", set.Diags, asked)
	}
	if d := set.Diags[0].Detail; !strings.Contains(d, "ferry facts --all") || !strings.Contains(d, "in the last 2h for a") {
		t.Errorf("%s", d)
	}
	o.Facts.Lenient = true
	if inv, set := inventory.Load(context.Background(), []string{dir + "/h.hcl"}, o); set.HasErrors() || len(inv.Group("x").Hosts()) != 0 {
		t.Error(set.Diags)
	}
}

// Hosts that are alike are looked at once; that changes nothing.
func TestAlikeHosts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for i := range rapid.IntRange(1, 12).Draw(t, "hosts") {
			fmt.Fprintf(&b, "host \"h%d\" { vars = {", i)
			for _, v := range []string{"a", "b"} {
				if x := rapid.SampledFrom([]string{"", "1", "\"1\"", "\"\"", "true", "\"true\"", "null", "[1]", "\"x;s1:y\"", "sensitive(\"1\")"}).Draw(t, v); x != "" {
					fmt.Fprintf(&b, "%s = %s, ", v, x)
				}
			}
			b.WriteString("} }\n")
		}
		expr := rapid.SampledFrom([]string{`host.vars.a == host.vars.b`, `host.vars.a == 1`, `try(host.vars.a, "") == "1"`, `can(host.vars.b)`, `host.vars.a == null`}).Draw(t, "expr")
		fmt.Fprintf(&b, "constructed \"once\" {\n when = %s\n unknown = \"skip\"\n}\nconstructed \"each\" {\n when = (%s) && host.name != \"\"\n unknown = \"skip\"\n}\n", expr, expr)
		dir := mkdir(t)
		path := dir + "/h.hcl"
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		inv, set := inventory.Load(context.Background(), []string{path}, inventory.Options{})
		if set.HasErrors() {
			t.Fatalf("%v\n%s", set.Diags, b.String())
		}
		once, each := names(inv.Group("once").Hosts()), names(inv.Group("each").Hosts())
		if strings.Join(once, " ") != strings.Join(each, " ") {
			t.Fatalf("%v, want %v\n%s", once, each, b.String())
		}
	})
}

func mkdir(t *rapid.T) string {
	dir, err := os.MkdirTemp("", "alike")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
