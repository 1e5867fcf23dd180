package hosttest_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"testing"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/host/hosttest"
)

const text = `
fact memory_mb 3884
file /etc/motd 0640 root adm
Welcome.
\file of many lines
\
link /etc/x -> motd
pending a-job
$ rpm -q 'a b'
package a b is not installed
[stderr]
warning
[exit 1]

$ /bin/sh -c … sh /etc
[no newline]
x
`

func newHost(t *testing.T) *hosttest.Host {
	t.Helper()
	s, err := hosttest.Parse(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	after, err := hosttest.Parse("$ rpm -q 'a b'\na-b-1\ngone /etc/motd\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	return hosttest.New("web1", s, hosttest.Stage{After: "dnf install 'a b'", State: after})
}

func TestHost(t *testing.T) {
	ctx := context.Background()
	h := newHost(t)
	f, err := h.Facts(ctx, "memory_mb")
	if err != nil || f["memory_mb"] != int64(3884) {
		t.Errorf("%v, %v", f, err)
	}
	if b, err := h.ReadFile(ctx, "/etc/x"); err != nil || string(b) != "Welcome.\nfile of many lines\n\n" {
		t.Errorf("%q, %v", b, err)
	}
	if res, err := h.Query(ctx, "rpm", "-q", "a b"); err != nil || res.Code != 1 || string(res.Stderr) != "warning\n" {
		t.Errorf("%+v, %v", res, err)
	}
	if res, err := h.Query(ctx, "/bin/sh", "-c", "any text", "sh", "/etc"); err != nil || string(res.Stdout) != "x" {
		t.Errorf("%+v, %v", res, err)
	}
	if yes, err := h.JobPending(ctx, "a-job"); err != nil || !yes {
		t.Errorf("%v, %v", yes, err)
	}
	if w := h.Writes(); len(w) != 0 {
		t.Errorf("looking is taken for writing: %v", w)
	}
	if _, err := h.Query(ctx, "chmod", "--", "0600", "/etc/motd"); !errors.Is(err, hosttest.ErrUnscripted) {
		t.Errorf("a query changes a file: %v", err)
	}
	if _, err := h.Exec(ctx, host.Command{Argv: []string{"dnf", "install", "a b"}}); err != nil {
		t.Error(err)
	}
	if res, err := h.Query(ctx, "rpm", "-q", "a b"); err != nil || string(res.Stdout) != "a-b-1\n" {
		t.Errorf("the stage does not show: %+v, %v", res, err)
	}
	if _, err := h.Stat(ctx, "/etc/motd"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
	if got := h.Writes(); !slices.Equal(got, []string{"$ dnf install 'a b'"}) {
		t.Errorf("writes: %q", got)
	}
}

func TestFaults(t *testing.T) {
	ctx := context.Background()
	write := func(h *hosttest.Host) error { return h.WriteFile(ctx, "/etc/new", []byte("x"), host.Attr{}) }
	for fault, effect := range map[hosttest.Fault]bool{hosttest.Unreachable: false, hosttest.Cancelled: false, hosttest.ExitOne: false, hosttest.Lost: true} {
		h := newHost(t)
		h.Kill(2, fault)
		if _, err := h.ReadFile(ctx, "/etc/motd"); err != nil || h.Struck() {
			t.Errorf("%s: the first call fails: %v", fault, err)
		}
		if err := write(h); !fault.Is(err) || !h.Struck() {
			t.Errorf("%s: the second call gives %v", fault, err)
		}
		if _, err := h.Stat(ctx, "/etc/new"); !errors.Is(err, host.ErrUnreachable) {
			t.Errorf("%s: after it the host is still there: %v", fault, err)
		}
		h.Mend()
		if _, err := h.Stat(ctx, "/etc/new"); (err == nil) != effect {
			t.Errorf("%s: the file is there: %v, want %v", fault, err == nil, effect)
		}
	}
}

func TestLostJobIsPending(t *testing.T) {
	ctx := context.Background()
	s, err := hosttest.Parse("job work\ndone\n[exit 3]\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	h := hosttest.New("web1", s)
	h.Break(1, hosttest.Lost)
	if _, err := h.Job(ctx, host.Job{Key: "work"}); !errors.Is(err, host.ErrUnknown) {
		t.Error(err)
	}
	if yes, _ := h.JobPending(ctx, "work"); !yes {
		t.Error("nobody collected the job, and it is not pending")
	}
	if res, err := h.Job(ctx, host.Job{Key: "work"}); err != nil || res.Code != 3 || !res.Adopted || string(res.Log) != "done\n" {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestParseProblems(t *testing.T) {
	for _, bad := range []string{"stray line", "file /x", "fact nosuch 1", "fact memory_mb many", "$ 'open", "dir /x 9999 a b"} {
		if _, err := hosttest.Parse(bad, nil); err == nil {
			t.Errorf("%q is understood", bad)
		}
	}
}
