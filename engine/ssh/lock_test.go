package ssh_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/ssh"
	"github.com/ferry-ops/ferry/engine/ssh/sshtest"
)

func TestLock(t *testing.T) {
	t.Parallel()
	for _, flock := range []bool{true, false} {
		t.Run(fmt.Sprintf("flock=%v", flock), func(t *testing.T) {
			opt := sshtest.Options{}
			if !flock {
				opt.Env = []string{"PATH=" + withoutFlock(t)}
			}
			s := sshtest.New(t, opt)
			tg := root(t, s)
			if !flock {
				tg.Become = false
			}
			a, b := dial(t, tg), dial(t, tg)
			lock := func(c *ssh.Conn, epoch int64, who string) error {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				return c.Lock(ctx, epoch, who)
			}
			if err := lock(a, 5, "ann@ws"); err != nil {
				t.Fatal(err)
			}
			if err := lock(a, 5, "ann@ws"); err != nil {
				t.Errorf("again: %v", err)
			}
			err := lock(b, 6, "bob@ws")
			if !errors.Is(err, host.ErrLocked) || !strings.Contains(err.Error(), "ann@ws") || !strings.Contains(err.Error(), "run 5") {
				t.Errorf("a second controller: %v", err)
			}
			s.Drop() // the lock comes back with the connection
			run(t, a, host.Command{Argv: []string{"true"}, ReadOnly: true})
			if err := lock(b, 6, "bob@ws"); !errors.Is(err, host.ErrLocked) {
				t.Errorf("after a reconnect: %v", err)
			}
			// What works keeps the lock although its controller is gone.
			if flock {
				long, running, end := started(t, "")
				go func() { _, _ = a.Run(t.Context(), long) }()
				awaitFile(t, running)
				_ = a.Close()
				if err := lock(b, 6, "bob@ws"); !errors.Is(err, host.ErrLocked) {
					t.Errorf("while an orphan works: %v", err)
				}
				end()
			} else {
				_ = a.Close()
			}
			await(t, "the lock", func() bool { err = lock(b, 6, "bob@ws"); return !errors.Is(err, host.ErrLocked) })
			if err != nil {
				t.Errorf("after its owner's end: %v", err)
			}
			_ = b.Close()
			late := dial(t, tg)
			await(t, "an answer to the older run", func() bool {
				err = lock(late, 5, "ann@ws")
				return err == nil || strings.Contains(err.Error(), "older than run 6")
			})
			if !errors.Is(err, host.ErrLocked) {
				t.Errorf("an older run: %v", err)
			}
		})
	}
}

// What acts when the connection is lost goes on, and holds the lock. The controller
// that started it waits for its end instead of being locked out by itself; a write
// that was under way is not begun a second time beside the first.
func TestLockWaitsForItsOwn(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t, sshtest.Options{})
	c := dial(t, root(t, s))
	if err := c.Lock(t.Context(), 5, "ann@ws"); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(s.Dir(), "log")
	first, running, end := started(t, "echo first >>"+log)
	cut := make(chan error, 1)
	go func() {
		_, err := c.Run(t.Context(), first)
		cut <- err
	}()
	awaitFile(t, running)
	s.Drop()
	if err := <-cut; !errors.Is(err, host.ErrUnknown) {
		t.Errorf("the command that was cut off: %v", err)
	}
	short, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.Reconnect(short); !errors.Is(err, host.ErrLocked) {
		t.Errorf("the lock while the command runs: %v", err)
	}
	time.AfterFunc(time.Second, end)
	again := host.Command{Argv: []string{"/bin/sh", "-c", "cat " + log}, Repeatable: true}
	if res := run(t, c, again); string(res.Stdout) != "first\n" {
		t.Errorf("what comes next began too early: %q", res.Stdout)
	}
	long, running, _ := started(t, "")
	go func() { _, _ = c.Run(t.Context(), long) }()
	awaitFile(t, running)
	s.Drop()
	short, cancel = context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.Reconnect(short); !errors.Is(err, host.ErrLocked) || !strings.Contains(err.Error(), "still runs there") {
		t.Errorf("when it takes too long: %v", err)
	}
}

// withoutFlock is a PATH with the programs the lock needs, but flock.
func withoutFlock(t *testing.T) string {
	dir := t.TempDir()
	for _, name := range []string{"sh", "cat", "mkdir", "mv", "rmdir", "date", "sync", "sleep", "true"} {
		p, err := exec.LookPath(name)
		if err != nil {
			t.Fatalf("every system has %s: %v", name, err)
		}
		if err := os.Symlink(p, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
