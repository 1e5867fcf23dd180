package playbook_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ferry-ops/ferry/engine/playbook"
)

// FuzzValues gives variables values from a file and from the command line.
func FuzzValues(f *testing.F) {
	dir := f.TempDir()
	main := filepath.Join(dir, "main.hcl")
	text := "variable \"s\" { type = string }\nvariable \"n\" { default = 1 }\nvariable \"l\" {\n  type = list(number)\n  validation {\n    condition = length(var.l) < 3\n    error_message = \"Too long: ${var.l[0]}.\"\n  }\n}\nvariable \"o\" { type = object({ a = optional(string, \"x\") }) }\nplay \"p\" { hosts = var.s }\n"
	if err := os.WriteFile(main, []byte(text), 0o600); err != nil {
		f.Fatal(err)
	}
	pb, set := playbook.Load(main, registry(), "")
	if pb == nil {
		f.Fatal(set.Err())
	}
	f.Add("s = \"x\"\nl = [1, 2]\n", "n=2")
	f.Add("o = { a = null }\nn = sensitive(1)\n", "l=[1")
	f.Add("s = file(\"main.hcl\")", "o={}")
	f.Fuzz(func(t *testing.T, file, arg string) {
		path := filepath.Join(t.TempDir(), "values.hcl")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		g, set := pb.Globals(playbook.Inputs{Files: []string{path}, Vars: []string{arg}})
		if set.HasErrors() {
			return
		}
		_, _ = pb.HostPattern(pb.Plays[0], g)
	})
}
