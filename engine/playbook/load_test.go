package playbook_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/schema"
)

// thing is a module with one argument of each sort that matters to loading.
type thing struct {
	module.Step
	text, file string
	n          int
	out        string
}

func (s *thing) Schema(b *schema.Block) {
	b.String(&s.text, "text", "A text.", schema.MaySensitive)
	b.File(&s.file, "src", "A file.")
	b.Int(&s.n, "n", "A number.")
}

func (s *thing) Results(r *schema.Results) { r.String(&s.out, "out", "What it said.") }

func registry() *module.Registry {
	return module.NewRegistry(module.Info{Name: "thing", Summary: "Does a thing.", New: func() module.Step { return &thing{} }})
}

func load(t testing.TB, src string) (*playbook.Playbook, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "p.hcl")
	if err := os.WriteFile(path, []byte(src), 0o644); err != nil {
		t.Fatal(err)
	}
	pb, set := playbook.Load(path, registry(), "0.1.0")
	text := ""
	for _, d := range set.Diags {
		text += d.Summary + ": " + d.Detail + "\n"
	}
	if (pb == nil) != set.HasErrors() {
		t.Errorf("playbook %v with errors %v", pb != nil, set.HasErrors())
	}
	return pb, text
}

func TestLoadProblems(t *testing.T) {
	play := func(body string) string { return "play \"p\" {\n  hosts = \"all\"\n" + body + "\n}\n" }
	for src, want := range map[string]string{
		"":                                     "declares no play",
		"play \"p\" {}":                        `needs the argument "hosts"`,
		play(`task "thin" "a" {}`):             `Did you mean "thing"?`,
		play(`task "thing" "a" { txt = "x" }`): `Did you mean "text"?`,
		play(`task "thing" "a" { n = "x" }`):   `must be a number`,
		play(`task "thing" "a" { src = "missing" }`):                           `does not exist on this machine`,
		play(`task "thing" "a" { text = var.x }`):                              `variable`,
		play(`task "thing" "a" { text = facts.kernl }`):                        `Did you mean "kernel"?`,
		play("task \"thing\" \"a\" { text = task.thing.b.out }"):               `b`,
		play("task \"thing\" \"a\" {}\ntask \"thing\" \"a\" {}"):               `already has a task`,
		play(`task "thing" "a" { notify = [handler.thing.h] }`):                `declares no handler`,
		play("rollout {\n batches = [\"x\"]\n}\ntask \"thing\" \"a\" {}"):      `neither a number of hosts`,
		"locals {\n  a = local.b\n  b = local.a\n}\n" + play(""):               `Cycle`,
		"ferry {\n  required_version = \">= 9\"\n}\n" + play(""):               `needs ferry >= 9`,
		"variable \"v\" {\n  type = number\n  default = \"x\"\n}\n" + play(""): `is declared as number`,
	} {
		if _, text := load(t, src); !strings.Contains(text, want) {
			t.Errorf("%s\ngives %q, want %q", src, text, want)
		}
	}
}

func TestLoadFacts(t *testing.T) {
	pb, text := load(t, `
locals { a = facts.arch }
play "p" {
  hosts = "all"
  task "thing" "a" {
    when = facts.memory_mb > 1
    text = "${facts.kernel} ${local.a}"
  }
}
`)
	if pb == nil {
		t.Fatal(text)
	}
	if got := strings.Join(pb.Facts, " "); got != "arch kernel memory_mb" {
		t.Errorf("facts %q", got)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("play \"p\" {\n  hosts = \"all\"\n  task \"thing\" \"a\" {\n    text = facts.arch\n  }\n}\n")
	f.Add("play \"p\" {\n  hosts = var.h\n  rollout {\n    batches = [\"1\", \"10%\"]\n    max_failed = \"2%\"\n  }\n  block \"b\" {\n    when = true\n    task \"thing\" \"a\" {\n      for_each = [1]\n      n = each.value\n      retry {\n        attempts = 2\n        until = self.changed\n      }\n    }\n    rescue {}\n    always {}\n  }\n  handler \"thing\" \"h\" {}\n}\nvariable \"h\" {\n  type = string\n  default = null\n  validation {\n    condition = var.h != 3\n    error_message = \"x\"\n  }\n}\n")
	f.Add("locals {\n  a = local.a\n  b = [for x in local.c : x if x]\n  c = { for k in [1] : k => k... }\n}\nplay \"p\" { hosts = \"\" }")
	f.Add("ferry { required_version = 1 }\nplay {}\nplay \"a\" \"b\" {}\nvariable \"\" {}")
	f.Add("play \"p\" {\n  hosts = \"all\"\n  task \"thing\" \"a\" {\n    text = templatefile(\"x\", {})\n    n = task.thing.a.n\n    tags = null\n    timeout = -1\n    environment = 3\n  }\n}")
	f.Add("stack \"s\" {\n  source = \"./s\"\n}\nplay \"p\" {\n  hosts = \"all\"\n  use \"u\" {\n    source = \".\"\n    for_each = [1]\n    x = each.value\n  }\n  call \"drain\" { stacks = [stack.s] }\n  task \"thing\" \"a\" { text = use.u[\"0\"].out }\n}")
	f.Add("play \"p\" {\n  hosts = \"all\"\n  use \"u\" {\n    source = \"git::https://h/x//y?ref=v1\"\n    version = \"~> 1\"\n  }\n  task \"thing\" \"a\" { text = use.u.out }\n}")
	reg := registry()
	f.Fuzz(func(t *testing.T, src string) {
		path := filepath.Join(t.TempDir(), "p.hcl")
		if err := os.WriteFile(path, []byte(src), 0o644); err != nil {
			t.Fatal(err)
		}
		pb, set := playbook.Load(path, reg, "0.1.0")
		if (pb == nil) != set.HasErrors() {
			t.Errorf("playbook %v with errors %v", pb != nil, set.HasErrors())
		}
	})
}
