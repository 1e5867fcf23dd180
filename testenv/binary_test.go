//go:build lab

package testenv_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
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
	return f.launch(f.command(args...)).exits(code)
}

// runJournal is run for a command that takes its inventory from the journal.
func (f *ferry) runJournal(code int, args ...string) string {
	f.t.Helper()
	cmd := f.command(args...)
	f.journalOnly(cmd)
	return f.launch(cmd).exits(code)
}

// journalOnly takes the inventory off a command.
func (f *ferry) journalOnly(cmd *exec.Cmd) {
	i := slices.Index(cmd.Args, "--inventory")
	cmd.Args = slices.Delete(cmd.Args, i, i+2)
}

// running is ferry in the background; its output can be read at any time.
type running struct {
	*logFile
	ferry   *ferry
	args    string
	process *os.Process
	ended   chan struct{} // closed with err set
	err     error
}

// start runs ferry in the background.
func (f *ferry) start(args ...string) *running {
	f.t.Helper()
	cmd := f.command(args...)
	if args[0] == "resume" {
		f.journalOnly(cmd)
	}
	r := f.launch(cmd)
	f.t.Cleanup(func() {
		r.kill() // where the test ended before it did
		if f.t.Failed() {
			f.t.Log(r.text())
		}
	})
	return r
}

func (f *ferry) launch(cmd *exec.Cmd) *running {
	f.t.Helper()
	log := &logFile{path: filepath.Join(f.t.TempDir(), "out")}
	w, err := os.Create(log.path)
	if err != nil {
		f.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	_ = w.Close()
	r := &running{logFile: log, ferry: f, args: strings.Join(cmd.Args[1:], " "), process: cmd.Process, ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		r.err = cmd.Wait()
	}()
	return r
}

// exits waits for ferry's end and expects an exit code.
func (r *running) exits(want int) string {
	r.ferry.t.Helper()
	err := r.wait()
	code := 0
	if err != nil {
		code = -1
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	}
	if code != want {
		r.ferry.t.Fatalf("ferry %s ended with %d (%v), want %d\n%s", r.args, code, err, want, r.text())
	}
	return r.text()
}

// wait waits for ferry's end.
func (r *running) wait() error {
	r.ferry.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(tooLong):
		r.stuck("its end")
	}
	return r.err
}

// kill kills ferry and waits for its end.
func (r *running) kill() {
	_ = r.process.Kill()
	<-r.ended
}

// until waits for something to hold on a host while ferry works, which is an event
// and not a length of time. If ferry ends before, it is in vain.
func (r *running) until(what string, holds func() bool) {
	r.ferry.t.Helper()
	deadline := time.Now().Add(tooLong)
	for !holds() {
		select {
		case <-r.ended:
			r.ferry.t.Fatalf("waited in vain: %s. ferry ended with %v", what, r.err)
		case <-time.After(200 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			r.stuck(what)
		}
	}
}

// tooLong is several times what the longest of what is waited for takes on a slow
// machine with something else to do (217 s were seen), and small enough for the
// test to say where it stands before the limit of all tests ends it.
const tooLong = 12 * time.Minute

// stuck ends a test that waited too long, with what there is to find the reason in:
// where ferry's goroutines are, and what the hosts do.
func (r *running) stuck(what string) {
	t := r.ferry.t
	t.Helper()
	_ = r.process.Signal(syscall.SIGQUIT) // a Go program says where it is
	select {
	case <-r.ended:
	case <-time.After(10 * time.Second):
		r.kill()
	}
	t.Log(r.text())
	for _, h := range r.ferry.lab.Hosts() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		out, err := h.Exec(ctx, "/bin/sh", "-c", "ps -eo pid,ppid,stat,etimes,args --forest; tail -n 3 /var/lib/ferry/jobs/*/log")
		cancel()
		t.Logf("%s (%v, reachable: %t, %v):\n%s%s", h.Name, h.Status(t.Context()), h.Reachable(t.Context()), err, out.Stdout, out.Stderr)
	}
	t.Fatalf("ferry %s: waited %s for %s in vain; what ferry and the hosts did stands above", r.args, tooLong, what)
}

// holds tells whether a command ends with 0 on a host now. In the middle of a
// transaction it may also not run, or not end.
func holds(t *testing.T, h *lab.Host, script string) func() bool {
	return func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		res, err := h.Exec(ctx, "/bin/sh", "-c", script)
		return err == nil && res.Code == 0
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
