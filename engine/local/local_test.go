package local_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/local"
)

func TestRun(t *testing.T) {
	c, err := local.New(local.Options{OutputLimit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		cmd  host.Command
		out  string
		code int
		cut  bool
	}{
		{cmd: host.Command{Argv: []string{"sh", "-c", "cat; echo $A; pwd; exit 3"}, Stdin: []byte("in "), Env: map[string]string{"A": "x y"}}, out: "in x y\n/\n", code: 3},
		{cmd: host.Command{Argv: []string{"sh", "-c", "kill -9 $$"}}, code: 137},
		{cmd: host.Command{Argv: []string{"/no/such"}}, code: 127},
		{cmd: host.Command{Argv: []string{"/etc/passwd"}}, code: 126},
		{cmd: host.Command{Argv: []string{"head", "-c", "200", "/dev/zero"}}, out: strings.Repeat("\x00", 100), cut: true},
	} {
		res, err := c.Run(t.Context(), test.cmd)
		if err != nil || string(res.Stdout) != test.out || res.Code != test.code || res.Truncated != test.cut {
			t.Errorf("%q: %+v, %v", test.cmd.Argv, res, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := c.Run(ctx, host.Command{Argv: []string{"sh", "-c", "sleep 100; true"}}); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 30*time.Second {
		t.Errorf("%v after %s", err, time.Since(start))
	}
}

func TestFilesAndLock(t *testing.T) {
	dir := t.TempDir()
	c, _ := local.New(local.Options{StateDir: dir})
	path := filepath.Join(dir, "a b")
	data := bytes.Repeat([]byte("x"), 1<<20)
	if err := c.Upload(t.Context(), path, bytes.NewReader(data), int64(len(data))); err != nil {
		t.Fatal(err)
	}
	var back bytes.Buffer
	if err := c.Download(t.Context(), path, &back); err != nil || !bytes.Equal(back.Bytes(), data) {
		t.Errorf("%d bytes, %v", back.Len(), err)
	}
	if err := c.Download(t.Context(), path+"x", &back); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	other, _ := local.New(local.Options{StateDir: dir})
	if err := c.Lock(t.Context(), 5, "ann"); err != nil {
		t.Fatal(err)
	}
	if err := other.Lock(t.Context(), 6, "bob"); !errors.Is(err, host.ErrLocked) || !strings.Contains(err.Error(), "ann") {
		t.Errorf("locked: %v", err)
	}
	_ = c.Close()
	if err := other.Lock(t.Context(), 4, "bob"); !errors.Is(err, host.ErrLocked) || !strings.Contains(err.Error(), "older") {
		t.Errorf("stale: %v", err)
	}
	if err := other.Lock(t.Context(), 6, "bob"); err != nil {
		t.Error(err)
	}
	if _, err := c.Run(t.Context(), host.Command{Argv: []string{"true"}}); !errors.Is(err, host.ErrUnreachable) {
		t.Errorf("closed: %v", err)
	}
}

// Connections of one run share the machine's lock; those of another do not.
func TestLockIsSharedByARun(t *testing.T) {
	dir := t.TempDir()
	var run1, run2 local.Machine
	open := func(m *local.Machine) *local.Conn {
		c, err := local.New(local.Options{StateDir: dir, Machine: m})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	a, b, other := open(&run1), open(&run1), open(&run2)
	for _, c := range []*local.Conn{a, b, a} {
		if err := c.Lock(t.Context(), 1, "me"); err != nil {
			t.Fatal(err)
		}
	}
	if err := other.Lock(t.Context(), 2, "you"); !errors.Is(err, host.ErrLocked) {
		t.Errorf("another run gets the lock: %v", err)
	}
	_ = a.Close()
	if err := other.Lock(t.Context(), 2, "you"); !errors.Is(err, host.ErrLocked) {
		t.Errorf("another run gets the lock while one connection holds it: %v", err)
	}
	_ = b.Close()
	if err := other.Lock(t.Context(), 2, "you"); err != nil {
		t.Errorf("the lock is not given back: %v", err)
	}
}
