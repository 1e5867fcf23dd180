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
	for _, page := range []string{"playbooks.md", "stacks.md", "running.md", "secrets.md"} {
		dir := t.TempDir()
		for i, text := range blocks(t, "../../docs/"+page) {
			file := filepath.Join(dir, "main.hcl")
			path, part := filePart(text) // of a set or a stack, for what follows
			if part {
				file = filepath.Join(dir, path)
			}
			if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if part {
				continue
			}
			if _, set := playbook.Load(file, modules.All(), ""); len(set.Diags) > 0 {
				t.Errorf("example %d of docs/%s: %v", i+1, page, set.Diags)
			}
		}
	}
}

// filePart reports whether an example is a file of a directory that others use,
// which it says in its first line: # stacks/nginx/stack.hcl.
func filePart(text string) (path string, ok bool) {
	first, _, _ := strings.Cut(text, "\n")
	path, ok = strings.CutPrefix(first, "# ")
	return path, ok && strings.Contains(path, "/") && strings.HasSuffix(path, ".hcl")
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
