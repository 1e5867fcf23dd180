package playbook_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/inventory"
	"github.com/ferry-ops/ferry/modules"
)

// blocks returns the HCL examples of a Markdown page.
func blocks(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, part := range strings.Split(string(text), "```hcl\n")[1:] {
		body, _, _ := strings.Cut(part, "```")
		out = append(out, body)
	}
	if len(out) == 0 {
		t.Fatalf("%s holds no example", page)
	}
	return out
}

// Every example in the pages loads.
func TestPlaybookExamplesLoad(t *testing.T) {
	for _, page := range []string{"../../docs/playbooks.md", "../../docs/running.md", "../../docs/secrets.md"} {
		for i, text := range blocks(t, page) {
			file := filepath.Join(t.TempDir(), "main.hcl")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, set := playbook.Load(file, modules.All(), ""); len(set.Diags) > 0 {
				t.Errorf("example %d of %s: %v", i+1, page, set.Diags)
			}
		}
	}
}

func TestInventoryExamplesLoad(t *testing.T) {
	for _, page := range []string{"../../docs/inventory.md", "../../README.md"} {
		for i, text := range blocks(t, page) {
			file := filepath.Join(t.TempDir(), "inventory.hcl")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, set := inventory.Load(t.Context(), []string{file}, inventory.Options{}); len(set.Diags) > 0 {
				t.Errorf("example %d of %s: %v", i+1, page, set.Diags)
			}
		}
	}
}

// The playbooks that ship load without a warning.
func TestShippedPlaybooksLoad(t *testing.T) {
	dirs, err := filepath.Glob("../../playbooks/*/*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no playbooks: %v", err)
	}
	for _, d := range dirs {
		if _, set := playbook.Load(d, modules.All(), ""); len(set.Diags) > 0 {
			t.Errorf("%s: %v", d, set.Diags)
		}
	}
}
