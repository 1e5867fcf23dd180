package host_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/local"
	"github.com/ferry-ops/ferry/engine/schema"
)

// What is sent compressed arrives as it was, with its attributes, and nothing is
// left beside it.
func TestUploadPacked(t *testing.T) {
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "to", "dst")
	text := strings.Repeat("a line that repeats\n", 20000)
	if err := os.WriteFile(src, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Dir(dst), 0o700); err != nil {
		t.Fatal(err)
	}
	c, err := local.New(local.Options{StateDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	h := host.New("local", c)
	if err := h.Upload(t.Context(), dst, schema.NewFiles().Local(src), host.Attr{Mode: 0o640}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(dst)
	if err != nil || string(got) != text {
		t.Fatalf("%d bytes arrived of %d: %v", len(got), len(text), err)
	}
	if st, _ := os.Stat(dst); st.Mode().Perm() != 0o640 {
		t.Errorf("mode %o", st.Mode().Perm())
	}
	if left, _ := os.ReadDir(filepath.Dir(dst)); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	if err := h.Upload(t.Context(), filepath.Join(dir, "none", "x"), schema.NewFiles().Local(src), host.Attr{}); err == nil || !strings.Contains(err.Error(), "its directory does not exist") {
		t.Errorf("into no directory: %v", err)
	}
}
