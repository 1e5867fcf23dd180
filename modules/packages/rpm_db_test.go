package packages

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOpenScript opens a database beside which something runs, or nothing.
func TestOpenScript(t *testing.T) {
	for name, c := range map[string]struct {
		runs    string // its name
		lock    bool   // it holds the lock of what changes packages
		refused bool
	}{
		"nothing":                     {"", false, false},
		"a query that hangs":          {"rpm", false, false},
		"rpm that changes packages":   {"rpm", true, true},
		"dnf":                         {"dnf", false, true},
		"another that holds the lock": {"", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir, bin := t.TempDir(), t.TempDir()
			memory := filepath.Join(dir, "__db.001")
			other := exec.Command("sleep", "1000")
			if c.lock {
				lock, err := os.Create(filepath.Join(dir, ".rpm.lock"))
				if err != nil {
					t.Fatal(err)
				}
				other.ExtraFiles = []*os.File{lock}
				defer func() { _ = lock.Close() }()
			}
			if err := other.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() { _ = other.Wait(); close(ended) }()
			defer func() { _ = other.Process.Kill(); <-ended }()
			for file, text := range map[string]string{
				memory:                         "",
				filepath.Join(bin, "rpm"):      "#!/bin/sh\necho " + dir + "\n",
				filepath.Join(bin, "pgrep"):    fmt.Sprintf("#!/bin/sh\n[ \"$2\" != '%s' ] || echo %d\n", c.runs, other.Process.Pid),
				filepath.Join(bin, "find"):     "#!/bin/sh\n" + `[ ! -e ` + dir + `/.rpm.lock ] || echo /proc/` + fmt.Sprint(other.Process.Pid) + "/fd/3\n",
				filepath.Join(dir, "Packages"): "packages",
			} {
				if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command("/bin/sh", "-c", openScript)
			cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
			out, err := cmd.CombinedOutput()
			if refused := err != nil; refused != c.refused || refused != strings.Contains(string(out), "at work") {
				t.Errorf("%v: %s", err, out)
			}
			if _, err := os.Stat(memory); (err == nil) != c.refused {
				t.Errorf("the memory is there: %t", err == nil)
			}
			if text, _ := os.ReadFile(filepath.Join(dir, "Packages")); string(text) != "packages" {
				t.Error("the database was touched")
			}
			if c.runs == "rpm" && !c.lock {
				<-ended
				return
			}
			select {
			case <-ended:
				t.Error("what is no query that hangs was ended")
			default:
			}
		})
	}
}
