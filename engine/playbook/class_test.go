package playbook_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/schema"
)

// draw makes expressions out of everything that decides whether a value may be
// given to another host. They have a type, or few playbooks would load.
type draw struct {
	t     *rapid.T
	names map[string][]string // by type: s(tring), n(umber), b(ool), l(ist), o(bject)
}

func (d draw) with(kind, name string) draw {
	d.names = maps.Clone(d.names)
	d.names[kind] = append(slices.Clone(d.names[kind]), name)
	return d
}

// made are ways to make a value of a type, in which each letter in brackets stands
// for an expression of that type.
var made = map[string][]string{
	"s": {
		`"a-${<s>}"`, `upper(<s>)`, `<b> ? <s> : <s>`, `try(<s>, <s>)`, `sensitive(<s>)`, `nonsensitive(<s>)`, `tostring(<n>)`, `jsonencode(<o>)`, `jsonencode(<l>)`,
		`file("text")`, `secretfile("gone")`, `coalesce(<s>, <s>)`, `templatefile("t.tmpl", { n = <s> })`, `join("-", <l>)`, `try(<o>.k, <s>)`, `format("%s/%v", <s>, <n>)`,
	},
	"n": {`1 / (<n> + 1)`, `<n> + <n>`, `length(<l>)`, `length(<s>)`, `try(tonumber(<s>), <n>)`, `<n> / 7`, `sensitive(<n>)`},
	"b": {`<s> == <s>`, `!<b>`, `<b> && <b>`, `can(<s>)`, `can(regex("^a", <s>))`, `contains(<l>, <s>)`, `<n> < <n>`, `fileexists("text")`, `can(var.one.k)`},
	"l": {`[<s>, <s>]`, `[for x in <l> : "${x}-${<s>}"]`, `concat(<l>, <l>)`, `<b> ? ["p"] : ["q"]`, `keys(<o>)`, `[for x in <l> : x if <b>]`},
	"o": {`{ k = <s> }`, `merge(<o>, { j = <s> })`, `{ for x in toset(<l>) : x => <s> }`},
}

func (d draw) expr(kind string, depth int) string {
	if depth == 0 || rapid.IntRange(0, 4).Draw(d.t, "leaf") == 0 {
		return rapid.SampledFrom(d.names[kind]).Draw(d.t, "name")
	}
	form := rapid.SampledFrom(made[kind]).Draw(d.t, "form")
	var b strings.Builder
	for {
		before, after, more := strings.Cut(form, "<")
		b.WriteString(before)
		if !more {
			return b.String()
		}
		if len(after) < 2 || after[1] != '>' { // less than
			b.WriteString("<")
			form = after
			continue
		}
		b.WriteString(d.expr(after[:1], depth-1))
		form = after[2:]
	}
}

// classPlaybook is a random playbook.
func classPlaybook(t *rapid.T) string {
	d := draw{t, map[string][]string{
		"s": {`"x"`, "var.one", "var.secret", "facts.arch", "facts.os_id", "host.name", "host.vars.k", "host.vars.gone", "path.module"},
		"n": {"3", "var.checked", "length(host.groups)"},
		"b": {"true", "var.flag"},
		"l": {`["a"]`, "var.list", "host.groups"},
		"o": {"{ k = 1 }", "var.object"},
	}}
	var b strings.Builder
	b.WriteString(`variable "one" { default = "d" }
variable "list" {
  type = list(string)
  default = ["a", "b"]
}
variable "secret" {
  default = "hidden"
  sensitive = true
}
variable "checked" {
  default = 3
  type = number
  validation {
    condition = var.checked < 5
    error_message = "More than four."
  }
}
variable "flag" { default = false }
variable "object" { default = { k = "o" } }
locals {
`)
	types := []string{"s", "n", "b", "l", "o"}
	for i := range rapid.IntRange(0, 4).Draw(t, "locals") {
		kind := rapid.SampledFrom(types).Draw(t, "type")
		fmt.Fprintf(&b, "  l%d = %s\n", i, d.expr(kind, 3))
		d = d.with(kind, fmt.Sprintf("local.l%d", i))
	}
	b.WriteString("}\nplay \"p\" {\n  hosts = \"all\"\n")
	args := [][2]string{{"path", "s"}, {"owner", "s"}, {"content", "s"}, {"names", "l"}, {"labels", "o"}, {"vars", "o"}, {"backup", "b"}}
	for i := range rapid.IntRange(1, 4).Draw(t, "tasks") {
		fmt.Fprintf(&b, "  task \"wide\" \"t%d\" {\n", i)
		own := d
		if rapid.Bool().Draw(t, "each") {
			fmt.Fprintf(&b, "    for_each = %s\n", d.expr(rapid.SampledFrom([]string{"l", "o"}).Draw(t, "over"), 2))
			own = d.with("s", "each.key").with("s", "each.value")
		}
		for _, a := range args {
			if !rapid.Bool().Draw(t, "given") {
				continue
			}
			e := own.expr(a[1], 3)
			if a[0] == "path" {
				e = `"/x-${` + e + `}"`
			}
			fmt.Fprintf(&b, "    %s = %s\n", a[0], e)
		}
		if rapid.Bool().Draw(t, "template") {
			b.WriteString("    src = \"t.tmpl\"\n")
		}
		fmt.Fprintf(&b, "    when = %s\n", own.expr("b", 3))
		fmt.Fprintf(&b, "    environment = { A = %s }\n  }\n", own.expr("s", 2))
		if rapid.Bool().Draw(t, "result") {
			d = d.with("b", fmt.Sprintf("task.wide.t%d.changed", i))
		}
		if i == 0 && rapid.Bool().Draw(t, "use") {
			fmt.Fprintf(&b, "  use \"s\" {\n    source = \"./set\"\n    given = %s\n  }\n", d.expr("s", 2))
			d = d.with("s", "use.s.out")
		}
	}
	b.WriteString("}\n")
	return b.String()
}

const classSet = `variable "given" {
  default = "x"
  validation {
    condition = var.given != "b"
    error_message = "Not b."
  }
}
locals { inner = "${try(tostring(var.given), "none")}-${facts.arch}" }
task "wide" "in" {
  content = local.inner
  names = [for n in ["x", "y"] : "${n}${jsonencode(var.given)}"]
}
output "out" { value = upper(local.inner) }
`

// classHost is what the hosts of a test differ in, and often do not.
type classHost struct {
	info    playbook.HostInfo
	facts   host.Facts
	changed host.Facts // what they are after the play was gone through once
	results []cty.Value
}

func drawHost(t *rapid.T, i int) classHost {
	name := fmt.Sprintf("h%d", i)
	h := classHost{info: playbook.HostInfo{Name: name, Vars: map[string]cty.Value{}, Groups: []string{"web"}}, facts: host.Facts{}}
	values := []cty.Value{
		cty.StringVal("a"), cty.StringVal("b"), cty.StringVal("1"), cty.True, cty.NumberIntVal(3), cty.MustParseNumberVal("3"), cty.NumberFloatVal(3), cty.NumberIntVal(9),
		cty.NullVal(cty.String), cty.StringVal("a").Mark(schema.SensitiveMark), cty.UnknownVal(cty.String), cty.TupleVal([]cty.Value{cty.StringVal("a"), cty.StringVal("hush").Mark(schema.SensitiveMark)}),
		cty.ListVal([]cty.Value{cty.StringVal("a"), cty.StringVal("b")}), cty.ObjectVal(map[string]cty.Value{"k": cty.StringVal("v")}),
	}
	for _, v := range []string{"one", "list", "secret", "checked", "k", "flag", "object"} {
		if rapid.Bool().Draw(t, "has "+v) {
			h.info.Vars[v] = rapid.SampledFrom(values).Draw(t, v)
		}
	}
	if rapid.Bool().Draw(t, "grouped") {
		h.info.Groups = append(h.info.Groups, "db")
	}
	h.facts["arch"] = rapid.SampledFrom([]string{"x86_64", "aarch64"}).Draw(t, "arch")
	if rapid.Bool().Draw(t, "known") {
		h.facts["os_id"] = "centos"
	}
	h.changed = host.Facts{"arch": rapid.SampledFrom([]string{"x86_64", "aarch64"}).Draw(t, "changed arch")}
	for range 4 {
		h.results = append(h.results, cty.ObjectVal(map[string]cty.Value{
			"changed": rapid.SampledFrom([]cty.Value{cty.True, cty.False, cty.UnknownVal(cty.Bool)}).Draw(t, "changed"),
		}))
	}
	return h
}

func told(diags hcl.Diagnostics) (out []string) {
	for _, d := range diags {
		out = append(out, fmt.Sprint(d.Severity, d.Summary, d.Detail, d.Subject))
	}
	return out
}

// evaluated is all that a host makes of a playbook.
func evaluated(pb *playbook.Playbook, g playbook.Globals, h classHost) (out []string) {
	say := func(what string, v cty.Value, diags hcl.Diagnostics) {
		out = append(out, fmt.Sprintf("%s %#v %q", what, v, told(diags)))
	}
	h.results = slices.Clone(h.results)
	s, diags := pb.NewScope(pb.Plays[0], g, h.info)
	say("scope", s.Context(nil).Variables["var"], diags)
	say("locals before facts", s.Context(nil).Variables["local"], s.Locals())
	s.SetFacts(h.facts)
	say("locals", s.Context(nil).Variables["local"], s.Locals())
	task := func(s *playbook.Scope, t *playbook.Task, extra map[string]cty.Value) {
		if t.Meta.When != nil {
			v, diags := s.Value(t.Meta.When, extra)
			say("when", v, diags)
		}
		b, step := playbook.Bind(t)
		d, diags := s.Decode(b, t, extra)
		slices.Sort(d.Secrets)
		w := *step.(*wide)
		out = append(out, fmt.Sprintf("%+v %+v %q", w, d, told(diags)))
		if e := t.Meta.Environment; e != nil {
			var env map[string]string
			var eb schema.Block
			eb.StringMap(&env, "environment", "E.", schema.MaySensitive)
			d, diags := s.DecodeExpr(&eb, "environment", e, extra)
			out = append(out, fmt.Sprintf("%v %+v %q", env, d, told(diags)))
		}
	}
	items := func() {
		n := 0
		for _, it := range pb.Plays[0].Items {
			switch it := it.(type) {
			case *playbook.Task:
				if it.Meta.ForEach == nil {
					task(s, it, nil)
				} else {
					v, diags := s.Value(it.Meta.ForEach, nil)
					say("for_each", v, diags)
					if diags.HasErrors() || !v.IsKnown() {
						break
					}
					in, _ := playbook.Instances(v)
					for _, i := range in {
						task(s, it, map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": cty.StringVal(i.Key), "value": i.Value})})
					}
				}
				s.SetResult(it, h.results[n%len(h.results)])
				n++
			case *playbook.Use:
				inner, diags := s.Enter(it, nil)
				say("use", inner.Context(nil).Variables["var"], diags)
				say("use locals", inner.Context(nil).Variables["local"], inner.Locals())
				task(inner, it.Unit.Items[0].(*playbook.Task), nil)
				v, diags := inner.Outputs()
				say("outputs", v, diags)
				s.Leave(it, v)
			}
		}
	}
	items()
	s.SetFacts(h.changed)
	slices.Reverse(h.results)
	items()
	return out
}

// What hosts share must be invisible: for every playbook and all hosts, in
// whatever order they come, values, problems, unknowns and secrets are those of
// evaluating everything on every host.
func TestClassesEqualEveryHost(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"text": "hello", "set/main.hcl": classSet,
		"t.tmpl": "${try(n, k, \"none\")} ${try(upper(facts.arch), var.one, \"\")}",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "p.hcl")
	loaded := 0
	rapid.Check(t, func(t *rapid.T) {
		src := classPlaybook(t)
		if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
		pb, _ := playbook.Load(file, benchRegistry(), "")
		every, set := playbook.Load(file, benchRegistry(), "", playbook.EveryHost())
		if (pb == nil) != (every == nil) {
			t.Fatal("one loads and the other does not", set.Diags)
		}
		if pb == nil {
			t.Skip("the playbook is wrong")
		}
		loaded++
		g, _ := pb.Globals(playbook.Inputs{})
		var hosts []classHost
		for i := range rapid.IntRange(2, 8).Draw(t, "hosts") {
			hosts = append(hosts, drawHost(t, i))
		}
		got := make([][]string, len(hosts))
		if rapid.Bool().Draw(t, "at once") {
			var wg sync.WaitGroup
			for i, h := range hosts {
				wg.Go(func() { got[i] = evaluated(pb, g, h) })
			}
			wg.Wait()
		}
		for i, h := range hosts {
			want := evaluated(every, g, h)
			for _, have := range [][]string{got[i], evaluated(pb, g, h)} {
				if d := cmp.Diff(want, have); have != nil && d != "" {
					t.Fatalf("host %d (-every host, +classes):\n%s\n%s", i, d, src)
				}
			}
		}
	})
	if loaded == 0 {
		t.Error("no playbook loaded, so nothing was compared")
	}
}
