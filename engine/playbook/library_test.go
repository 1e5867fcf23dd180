package playbook_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ferry-ops/ferry/engine/playbook"
)

// Sets that are part of ferry are found by name, with files of theirs.
func TestLibrary(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	library := fstest.MapFS{
		"roles/a/main.hcl": {Data: []byte("task \"thing\" \"x\" { text = file(\"text\") }\nuse \"b\" { source = \"../b\" }\n")},
		"roles/a/text":     {Data: []byte("hello")},
		"roles/b/main.hcl": {Data: []byte("task \"thing\" \"y\" { src = \"main.hcl\" }\n")},
	}
	file := filepath.Join(t.TempDir(), "p.hcl")
	load := func(src string, opts ...playbook.Option) (*playbook.Playbook, string) {
		text := "play \"p\" {\n  hosts = \"all\"\n  use \"a\" { source = \"" + src + "\" }\n}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		pb, set := playbook.Load(file, registry(), "", opts...)
		all := ""
		for _, d := range set.Diags {
			all += d.Detail
		}
		return pb, all
	}
	for range 2 { // from the library, then from what was unpacked
		if pb, text := load("ferry//roles/a", playbook.WithLibrary(library)); pb == nil {
			t.Fatal(text)
		}
	}
	unpacked, err := filepath.Glob(filepath.Join(cache, "ferry/library/*/roles/a/text"))
	if err != nil || len(unpacked) != 1 {
		t.Fatal(unpacked, err)
	}
	if err := os.WriteFile(unpacked[0], []byte("tampered"), 0o600); err != nil {
		t.Fatal(err)
	}
	if pb, text := load("ferry//roles/a", playbook.WithLibrary(library)); pb == nil {
		t.Fatal(text)
	}
	if got, err := os.ReadFile(unpacked[0]); err != nil || string(got) != "hello" {
		t.Errorf("what was changed is used: %s %v", got, err)
	}
	if _, text := load("ferry//roles/aa", playbook.WithLibrary(library)); !strings.Contains(text, `Did you mean "roles/a"`) {
		t.Error(text)
	}
	if _, text := load("ferry//roles/a"); !strings.Contains(text, "brings no sets") {
		t.Error(text)
	}
}

// Sets that use each other again and again end with an error, not with the
// memory.
func TestUsesAreBounded(t *testing.T) {
	dir := t.TempDir()
	for i := range 20 {
		text := ""
		for j := range 3 {
			text += "use \"" + string(rune('a'+j)) + "\" { source = \"../s" + string(rune('a'+i+1)) + "\" }\n"
		}
		sub := filepath.Join(dir, "s"+string(rune('a'+i)))
		if err := os.MkdirAll(sub, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(sub, "main.hcl"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "p.hcl")
	if err := os.WriteFile(file, []byte("play \"p\" {\n  hosts = \"all\"\n  use \"a\" { source = \"./sa\" }\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, set := playbook.Load(file, registry(), "")
	if !set.HasErrors() || len(set.Diags) > 40 {
		t.Fatalf("%d problems", len(set.Diags))
	}
}
