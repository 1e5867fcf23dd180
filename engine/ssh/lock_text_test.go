package ssh

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestLockText runs the text that takes the lock in every shell a host may have,
// which must go on whatever comes of it.
func TestLockText(t *testing.T) {
	t.Parallel()
	for _, sh := range [][]string{{"dash"}, {"bash", "--posix"}, {"busybox", "sh"}} {
		t.Run(sh[0], func(t *testing.T) {
			path, err := exec.LookPath(sh[0])
			if err != nil {
				t.Skipf("no %s on this machine", sh[0])
			}
			dir := t.TempDir()
			bin, names := filepath.Join(dir, "bin"), filepath.Join(dir, "names")
			if err := os.Mkdir(bin, 0o700); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"mkdir", "flock", "sync", "mv", "ln", "rm", "cat", "rmdir"} {
				p, err := exec.LookPath(name)
				if err != nil {
					t.Fatal(err)
				}
				text := fmt.Sprintf("#!/bin/sh\necho %s >>%s\nexec %s \"$@\"\n", name, names, p)
				if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o700); err != nil { //nolint:gosec // a program
					t.Fatal(err)
				}
			}
			file := filepath.Join(dir, "file")
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			state := filepath.Join(dir, "state")
			for _, c := range []struct {
				what, state string
				epoch       int
				out, starts string
				broken      string // a program that does not run, as in the middle of a transaction
			}{
				{"a new host", state, 5, "held", "mkdir flock sync mv", ""},
				{"the same run", state, 5, "held", "flock", ""},
				{"a later run", state, 6, "held", "flock sync mv", ""},
				{"an older run", state, 5, "stale 6\n6 me@ws T 7 2026-01-02T03:04:05Z", "flock cat rmdir", ""},
				{"a host without mv", state, 7, "held", "flock sync ln rm", "mv"},
				{"once more without mv", state, 8, "held", "flock sync ln rm", ""},
				{"no place for it", file, 5, "", "mkdir", ""},
			} {
				_ = os.Remove(names)
				if c.broken != "" {
					if err := os.Remove(filepath.Join(bin, c.broken)); err != nil {
						t.Fatal(err)
					}
				}
				text := fmt.Sprintf(lockText, fmt.Sprint(c.epoch), "me@ws", "T", "2026-01-02T03:04:05Z", "kill")
				cmd := exec.Command(path, sh[1:]...) //nolint:gosec // shells of this machine
				cmd.Stdin = strings.NewReader(strings.ReplaceAll(text, "$$", "7") + "\necho \"goes on $?\"\n")
				cmd.Env = []string{"PATH=" + bin, "FERRY_STATE=" + c.state}
				var errs bytes.Buffer
				cmd.Stderr = &errs
				out, err := cmd.Output()
				answer, code, on := strings.Cut(string(out), "goes on ")
				if err != nil || !on || strings.TrimSpace(answer) != c.out || (code == "0\n") != (c.out != "") || c.out == "" && errs.Len() == 0 {
					t.Errorf("%s: %q, %v, %s", c.what, out, err, errs.Bytes())
				}
				if b, _ := os.ReadFile(names); strings.Join(strings.Fields(string(b)), " ") != c.starts {
					t.Errorf("%s: it started %q, want %q", c.what, b, c.starts)
				}
			}
			if _, err := os.Stat(filepath.Join(state, "epoch.new")); err == nil {
				t.Error("epoch.new is left: the next run would write into epoch itself")
			}
			if b, _ := os.ReadFile(filepath.Join(state, "holder")); string(b) != "8 me@ws T 7 2026-01-02T03:04:05Z\n" {
				t.Errorf("holder: %q", b)
			}
		})
	}
}
