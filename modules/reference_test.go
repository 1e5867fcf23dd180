package modules_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/modules"
)

// TestReference keeps README.md what the modules say of themselves.
func TestReference(t *testing.T) {
	got := reference(modules.All())
	if *update {
		if err := os.WriteFile("README.md", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("README.md is not what the modules say; write it with\n    go test ./modules -run TestReference -update\n(-want +got):\n%s", d)
	}
}

// reference is the page of all modules, with a table of contents.
func reference(reg *module.Registry) string {
	var b strings.Builder
	b.WriteString(`# Modules

This page is generated from the modules themselves; ` + "`ferry modules show NAME`" + ` prints one of its parts.
A task brings a host into a state, a check looks and never changes anything. Arguments that every task
takes (` + "`when`, `for_each`, `retry`, `notify`" + ` …) are not repeated here.
`)
	for _, kind := range []string{"task", "check"} {
		fmt.Fprintf(&b, "\n| %s | |\n|---|---|\n", kind)
		for _, i := range reg.All() {
			if i.Kind() == kind {
				fmt.Fprintf(&b, "| [`%s`](#%s-%s) | %s |\n", i.Name, kind, i.Name, strings.ReplaceAll(i.Summary, "|", "\\|"))
			}
		}
	}
	for _, i := range reg.All() {
		b.WriteString("\n" + module.Markdown(i))
	}
	return b.String()
}
