package cli

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ferry-ops/ferry/modules"
)

// Every command has a page that names it, says what it does and has its flags,
// and the pages are well-formed.
func TestManual(t *testing.T) {
	dir := t.TempDir()
	if code := Main([]string{"man", dir}, strings.NewReader(""), io.Discard, io.Discard); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	a := &app{reg: modules.All()}
	root := a.root()
	root.InitDefaultCompletionCmd("man") // as Execute does
	pages := 0
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		pages++
		page, err := os.ReadFile(filepath.Join(dir, "man1", pageName(c)+".1"))
		if err != nil {
			t.Error(err)
			return
		}
		text := strings.NewReplacer(`\-`, "-", `\fB`, "", `\fR`, "", `\fP`, "").Replace(string(page))
		for _, want := range []string{`.TH "` + strings.ToUpper(pageName(c)) + `"`, ".SH NAME", c.Short[:10]} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing", pageName(c), want)
			}
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && !strings.Contains(text, "--"+f.Name) {
				t.Errorf("%s: the flag --%s is missing", pageName(c), f.Name)
			}
		})
		for _, sub := range documented(c) {
			walk(sub)
		}
	}
	walk(root)
	if written, _ := filepath.Glob(filepath.Join(dir, "man1", "*")); len(written) != pages {
		t.Errorf("%d pages for %d commands", len(written), pages)
	}
	for _, p := range []string{"man5/ferry-playbook.5", "man5/ferry-inventory.5", "man7/ferry-modules.7"} {
		b, err := os.ReadFile(filepath.Join(dir, p))
		if err != nil || !bytes.Contains(b, []byte(".SH NAME")) || len(b) < 2000 {
			t.Errorf("%s: %d bytes, %v", p, len(b), err)
		}
	}
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Log("mandoc is not installed, so the pages were not checked by it")
		return
	}
	files, _ := filepath.Glob(filepath.Join(dir, "man*", "*"))
	if out, err := exec.Command(mandoc, append([]string{"-T", "lint", "-W", "error"}, files...)...).CombinedOutput(); err != nil {
		t.Errorf("mandoc: %v\n%s", err, out)
	}
}
