//go:build lab

package testenv_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ferry-ops/ferry/testenv/lab"
)

const playbook = "../playbooks/migrate/el-to-openeuler"

// ferry is the binary under test with the lab it works on.
type ferry struct {
	t     *testing.T
	bin   string
	lab   *lab.Lab
	state string
	dir   string
}

func newFerry(t *testing.T, l *lab.Lab) *ferry {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "ferry")
	if out, err := exec.Command("go", "build", "-o", bin, "../cmd/ferry").CombinedOutput(); err != nil {
		t.Fatalf("building ferry: %v\n%s", err, out)
	}
	return &ferry{t: t, bin: bin, lab: l, state: t.TempDir(), dir: t.TempDir()}
}

func (f *ferry) command(args ...string) *exec.Cmd {
	pb, err := filepath.Abs(playbook)
	if err != nil {
		f.t.Fatal(err)
	}
	for i, a := range args {
		if a == playbook {
			args[i] = pb
		}
	}
	cmd := exec.Command(f.bin, append(args, "--inventory", f.lab.Inventory(), "--state-dir", f.state)...)
	cmd.Dir = f.dir
	return cmd
}

// run runs ferry to its end and expects an exit code.
func (f *ferry) run(code int, args ...string) string {
	f.t.Helper()
	var out bytes.Buffer
	cmd := f.command(args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != code {
		f.t.Fatalf("ferry %s ended with %d (%v), want %d\n%s", strings.Join(args, " "), got, err, code, out.String())
	}
	return out.String()
}

// runJournal is run for a command that takes its inventory from the journal.
func (f *ferry) runJournal(code int, args ...string) string {
	f.t.Helper()
	cmd := f.command(args...)
	f.journalOnly(cmd)
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code {
		f.t.Fatalf("ferry %s ended with %d (%v), want %d\n%s", strings.Join(args, " "), got, err, code, out)
	}
	return string(out)
}

// journalOnly takes the inventory off a command.
func (f *ferry) journalOnly(cmd *exec.Cmd) {
	i := slices.Index(cmd.Args, "--inventory")
	cmd.Args = slices.Delete(cmd.Args, i, i+2)
}

// running is ferry in the background; its output can be read at any time.
type running struct {
	*logFile
	process *os.Process
	ended   chan struct{} // closed with err set
	err     error
}

// start runs ferry in the background.
func (f *ferry) start(args ...string) *running {
	f.t.Helper()
	log := &logFile{path: filepath.Join(f.t.TempDir(), "out")}
	w, err := os.Create(log.path)
	if err != nil {
		f.t.Fatal(err)
	}
	cmd := f.command(args...)
	if args[0] == "resume" {
		f.journalOnly(cmd)
	}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	_ = w.Close()
	r := &running{logFile: log, process: cmd.Process, ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		r.err = cmd.Wait()
	}()
	f.t.Cleanup(func() {
		r.kill() // where the test ended before it did
		if f.t.Failed() {
			f.t.Log(log.text())
		}
	})
	return r
}

// wait waits for ferry's end.
func (r *running) wait() error {
	<-r.ended
	return r.err
}

// kill kills ferry and waits for its end.
func (r *running) kill() {
	_ = r.process.Kill()
	<-r.ended
}

// until waits for something to hold on a host while ferry works, which is an event
// and not a length of time. If ferry ends before, it is in vain.
func (r *running) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(15 * time.Minute)
	for !holds() {
		select {
		case <-r.ended:
			t.Fatalf("waited in vain: %s. ferry ended with %v", what, r.err)
		case <-time.After(200 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

type logFile struct{ path string }

func (l *logFile) text() string {
	b, err := os.ReadFile(l.path)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// decided is what the owner of the lab's hosts allows.
var decided = []string{"--var", `allow_removal=["centos-*","sysvinit-tools","telnet"]`}

func migrateArgs(more ...string) []string {
	return append(append([]string{"run", playbook}, decided...), more...)
}
