package main

import (
	"path/filepath"
	"testing"

	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/modules"
)

func TestPlaybooksLoad(t *testing.T) {
	for _, w := range works() {
		dir := t.TempDir()
		if err := w.prepare(dir); err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(dir, "*.hcl"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if _, set := playbook.Load(f, modules.All(), ""); set.HasErrors() {
				t.Errorf("%s: %v", filepath.Base(f), set)
			}
		}
	}
}
