package playbook_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// Functions whose result is decided by their arguments alone. Whoever adds one
// to the language says here that it is one, or adds it to those that are not kept
// (unkept in classes.go) and to the list after this one.
var pureFunctions = []string{
	"abs", "abspath", "alltrue", "anytrue", "base64decode", "base64encode", "basename", "can", "ceil", "chomp", "chunklist",
	"cidrhost", "cidrnetmask", "cidrsubnet", "cidrsubnets", "coalesce", "coalescelist", "compact", "concat", "contains",
	"csvdecode", "dirname", "distinct", "element", "endswith", "flatten", "floor", "format", "formatdate", "formatlist",
	"indent", "index", "join", "jsondecode", "jsonencode", "keys", "length", "log", "lookup", "lower", "max", "md5", "merge",
	"min", "nonsensitive", "one", "parseint", "pathexpand", "pow", "range", "regex", "regexall", "replace", "reverse",
	"rpmcmp", "setintersection", "setproduct", "setsubtract", "setunion", "sha1", "sha256", "sha512", "signum", "slice",
	"sort", "split", "startswith", "strcontains", "strrev", "substr", "sum", "timeadd", "title", "tobool", "tolist",
	"tomap", "tonumber", "toset", "tostring", "trim", "trimprefix", "trimspace", "trimsuffix", "try", "upper", "urlencode",
	"values", "version_at_least", "yamldecode", "yamlencode", "zipmap",
}

var otherFunctions = []string{"file", "filebase64", "fileexists", "fileset", "secret", "secretfile", "sensitive", "templatefile"}

func TestFunctionsArePureOrNot(t *testing.T) {
	for _, f := range playbook.Functions() {
		if slices.Contains(pureFunctions, f) == slices.Contains(otherFunctions, f) {
			t.Errorf("whether the function %s is pure is not said", f)
		}
	}
}

// contents are the texts that the task "t" of a playbook has on hosts in turn.
func contents(t *testing.T, pb *playbook.Playbook, between func(), hosts ...playbook.HostInfo) (out []string) {
	t.Helper()
	g, _ := pb.Globals(playbook.Inputs{})
	for _, h := range hosts {
		s, diags := pb.NewScope(pb.Plays[0], g, h)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		b, step := playbook.Bind(pb.Plays[0].Items[0].(*playbook.Task))
		if _, diags := s.Decode(b, pb.Plays[0].Items[0].(*playbook.Task), nil); diags.HasErrors() {
			t.Fatal(diags)
		}
		out = append(out, step.(*wide).content)
		between()
	}
	return out
}

func loadIn(t *testing.T, dir, src string, opts ...playbook.Option) *playbook.Playbook {
	t.Helper()
	file := filepath.Join(dir, "p.hcl")
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	pb, set := playbook.Load(file, benchRegistry(), "", opts...)
	if pb == nil {
		t.Fatal(set.Diags)
	}
	return pb
}

// What is read from the disk is read when a host needs it: an earlier task may
// have written it.
func TestFilesAreReadForEveryHost(t *testing.T) {
	for expr, want := range map[string][]string{
		`file("text")`:                            {"one", "two"},
		`templatefile("text", {})`:                {"one", "two"},
		`base64decode(filebase64("text"))`:        {"one", "two"},
		`fileexists("new") ? "there" : "away"`:    {"away", "there"},
		`join(",", fileset(".", "{text,new}"))`:   {"text", "new,text"},
		`local.text`:                              {"one", "two"},
		`"${var.a}-${upper(file("text"))}"`:       {"x-ONE", "x-TWO"},
		`upper("${local.text} ${local.nothing}")`: {"ONE ", "TWO "},
	} {
		dir := t.TempDir()
		write := func(name, text string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("text", "one")
		pb := loadIn(t, dir, "variable \"a\" { default = \"x\" }\nlocals {\n  nothing = lower(\"\")\n  text = file(\"text\")\n}\nplay \"p\" {\n  hosts = \"all\"\n  task \"wide\" \"t\" { content = "+expr+" }\n}\n")
		got := contents(t, pb, func() { write("text", "two"); write("new", "") }, playbook.HostInfo{Name: "a"}, playbook.HostInfo{Name: "b"})
		if !slices.Equal(got, want) {
			t.Errorf("%s gives %q, want %q", expr, got, want)
		}
	}
}

// Numbers that are equal and of another precision do not divide alike.
func TestClassesTellPrecision(t *testing.T) {
	src := "variable \"n\" { type = number }\nplay \"p\" {\n  hosts = \"all\"\n  task \"wide\" \"t\" { content = tostring(var.n / length(\"seven..\")) }\n}\n"
	var hosts []playbook.HostInfo
	for _, v := range []cty.Value{cty.NumberFloatVal(3), cty.MustParseNumberVal("3"), cty.NumberIntVal(3)} {
		hosts = append(hosts, playbook.HostInfo{Name: "h", Vars: map[string]cty.Value{"n": v}})
	}
	got := contents(t, loadIn(t, t.TempDir(), src), func() {}, hosts...)
	want := contents(t, loadIn(t, t.TempDir(), src, playbook.EveryHost()), func() {}, hosts...)
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if want[0] == want[1] {
		t.Error("the precision makes no difference, so nothing was tested")
	}
}

// The second host of a class costs a fraction of the first; what is another on
// every host costs no more than without classes.
func TestClassesSaveWork(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage allocates")
	}
	allocs := func(kind string, opts ...playbook.Option) float64 {
		pb := benchPlaybook(t, benchPlays[kind], opts...)
		g, _ := pb.Globals(playbook.Inputs{})
		benchHost(t, pb, g, 0)
		n := 0
		return testing.AllocsPerRun(20, func() { n++; benchHost(t, pb, g, n) })
	}
	for kind, most := range map[string]float64{"constants": 0.6, "facts": 0.2, "template": 0.1, "host": 1, "mixed": 0.3} {
		if class, every := allocs(kind), allocs(kind, playbook.EveryHost()); class > every*most {
			t.Errorf("%s: %.0f allocations with classes, %.0f without; at most %.0f are allowed", kind, class, every, every*most)
		}
	}
}

// A fact that is another one on every host is given up: what mentions it costs
// the ten-thousandth host what it costs without classes, and nothing is kept.
func TestClassesGiveUp(t *testing.T) {
	src := "play \"p\" {\n  hosts = \"all\"\n  task \"wide\" \"t\" { content = upper(\"${facts.hostname}-x\") }\n}\n"
	last := func(opts ...playbook.Option) float64 {
		pb := loadIn(t, t.TempDir(), src, opts...)
		n := 0
		one := func() {
			n++
			s, _ := pb.NewScope(pb.Plays[0], playbook.Globals{}, playbook.HostInfo{Name: "h"})
			s.SetFacts(host.Facts{"hostname": "host" + string(rune('a'+n%26)) + string(rune(0x4e00+n))})
			task := pb.Plays[0].Items[0].(*playbook.Task)
			b, _ := playbook.Bind(task)
			if _, diags := s.Decode(b, task, nil); diags.HasErrors() {
				t.Fatal(diags)
			}
		}
		for range 5000 {
			one()
		}
		return testing.AllocsPerRun(100, one)
	}
	if class, every := last(), last(playbook.EveryHost()); class > every+2 { // the classes of the host, the function that finds them
		t.Errorf("%.0f allocations, %.0f without classes", class, every)
	}
}
