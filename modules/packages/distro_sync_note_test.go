package packages

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ferry-ops/ferry/engine/host/hosttest"
	"github.com/ferry-ops/ferry/modules/internal/rpm"
)

func TestNoteOfSeveralTransactions(t *testing.T) {
	first := note(nil).with(transaction{
		Install: []item{{Name: "new", Arch: "noarch", EVR: "2:1-1.oe1"}},
		Upgrade: []item{{Name: "glibc", Arch: "x86_64", EVR: "2.34-1.oe1"}, {Name: "glibc", Arch: "i686", EVR: "2.34-1.oe1"}, {Name: "pcre", Arch: "x86_64", EVR: "8-1.oe1"}},
	})
	// The healing transaction brings a later version, and something in the place of pcre.
	both := first.with(transaction{Upgrade: []item{{Name: "glibc", Arch: "x86_64", EVR: "2.34-2.oe1"}}, Replace: []item{{Name: "pcre"}}})
	var lines string
	for _, p := range both {
		lines += p.String() + "\n"
	}
	want := "glibc-0:2.34-1.oe1.i686\nglibc-0:2.34-2.oe1.x86_64\nnew-2:1-1.oe1.noarch\n"
	if d := cmp.Diff(want, lines); d != "" {
		t.Error(d)
	}
	s, err := hosttest.Parse("file /var/lib/ferry/distro-sync-oe1.transaction 0644 root root\n"+lines, nil)
	if err != nil {
		t.Fatal(err)
	}
	read, err := (&distroSync{dist: ".oe1"}).readNote(t.Context(), hosttest.New("web1", s))
	if d := cmp.Diff(both, read); d != "" || err != nil {
		t.Errorf("read again: %v\n%s", err, d)
	}
}

func TestNoteMissing(t *testing.T) {
	n := note{{"glibc", "0", "2-1", "i686"}, {"glibc", "0", "2-1", "x86_64"}, {"lsof", "0", "4-1", "x86_64"}, {"tzdata", "0", "1-1", "noarch"}, {"pcre", "0", "8-1", "x86_64"}, {"data", "0", "1-1", "noarch"}}
	pkgs := []rpm.Package{{Name: "glibc", Arch: "x86_64"}, {Name: "tzdata", Arch: "noarch"}, {Name: "data", Arch: "x86_64"}}
	got := n.missing(pkgs, map[string]bool{"pcre": true})
	if d := cmp.Diff([]string{"glibc.i686", "lsof"}, got); d != "" {
		t.Error(d)
	}
}

// TestNoteEnd runs the part of the transaction's script that removes the note,
// with an rpm that lists what the case says.
func TestNoteEnd(t *testing.T) {
	n := note{{"glibc", "0", "2.36-9.oe1", "x86_64"}, {"nginx-mod-http-echo", "1", "0.63-4.oe1", "x86_64"}}
	const all = "glibc-0:2.36-9.oe1.x86_64\nnginx-mod-http-echo-1:0.63-4.oe1.x86_64\ntelnet-0:1-1.el8.x86_64\ngpg-pubkey-0:1-1.(none)\ngpg-pubkey-0:2-1.(none)\nkernel-0:5-1.oe1.x86_64\nkernel-0:4-1.el8.x86_64\n"
	for name, c := range map[string]struct {
		rpm   string
		ended int
		stays bool
	}{
		"complete":       {all, 0, false},
		"old version":    {all + "glibc-0:2.31-1.el8.x86_64\n", 0, true},
		"missing":        {strings.ReplaceAll(all, "glibc-0:2.36-9.oe1.x86_64\n", ""), 0, true},
		"other version":  {strings.ReplaceAll(all, "2.36", "2.31"), 0, true},
		"two arches":     {all + "glibc-0:2.36-9.oe1.i686\n", 1, false},
		"rpm is broken":  {"", 0, true},
		"dnf was killed": {all, 137, true},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "note")
		if err := os.WriteFile(filepath.Join(dir, "rpm"), fmt.Appendf(nil, "#!/bin/sh\nprintf %%s '%s'\n", c.rpm), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+".have", []byte(all), 0o644); err != nil { // of a job that was killed earlier
			t.Fatal(err)
		}
		cmd := exec.Command("/bin/sh", "-c", n.script(path)+fmt.Sprint("ended=", c.ended)+noteEnd)
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "LC_ALL=C")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if _, err := os.Stat(path); (err == nil) != c.stays {
			t.Errorf("%s: the note stays: %v, want %v", name, err == nil, c.stays)
		}
		if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
			t.Errorf("%s: left behind: %v", name, left)
		}
	}
}

// TestRecoverScript completes with rpm only what can be proven to be whole.
func TestRecoverScript(t *testing.T) {
	const ok = "case $1 in -K) shift; for f; do echo \"$f: digests signatures OK\"; done;; -q) exit 1;; *) echo \"$@\";; esac"
	for name, c := range map[string]struct {
		rpm, files string
		code       int
		says       string
	}{
		"complete": {ok, "glibc-2.36-9.oe1.x86_64 lsof-4-1.oe1.x86_64", 0, "--nodeps"},
		"lost":     {ok, "glibc-2.36-9.oe1.x86_64", 5, "lsof-4-1.oe1.x86_64 is neither installed nor in dnf's cache"},
		"unsigned": {`case $1 in -K) echo "x: digests OK";; *) echo installed;; esac`, "glibc-2.36-9.oe1.x86_64 lsof-4-1.oe1.x86_64", 4, "signatures"},
		"all here": {"exit 0", "", 6, "nothing to complete"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "rpm"), []byte("#!/bin/sh\n"+c.rpm+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, f := range strings.Fields(c.files) {
			if err := os.WriteFile(filepath.Join(dir, f+".rpm"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(dir, "note")
		n := note{{"glibc", "0", "2.36-9.oe1", "x86_64"}, {"lsof", "2", "4-1.oe1", "x86_64"}}
		cmd := exec.Command("/bin/sh", "-c", n.script(path)+fmt.Sprintf(recoverScript, path, " "+dir))
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != c.code || !strings.Contains(string(out), c.says) {
			t.Errorf("%s: exit code %d, want %d and %q:\n%s", name, code, c.code, c.says, out)
		}
	}
}
