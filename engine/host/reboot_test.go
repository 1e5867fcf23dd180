package host_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
)

func TestReboot(t *testing.T) {
	t.Parallel()
	s := newHost(t)
	c := connect(t, s)
	if err := c.Lock(t.Context(), 1, "run-1"); err != nil {
		t.Fatal(err)
	}
	before := s.BootID()
	mark := filepath.Join(t.TempDir(), "asked")
	go func() {
		awaitFile(t, mark)
		s.Reboot(500 * time.Millisecond)
		time.Sleep(900 * time.Millisecond)
		s.Reboot(300 * time.Millisecond) // a relabel
	}()
	err := host.RunReboot(t.Context(), c, "web1", host.Reboot{Command: []string{"/bin/sh", "-c", "touch " + mark + "; sleep 30"}, Timeout: 60 * time.Second, Settle: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if id, err := host.BootID(t.Context(), c); err != nil || id == before || id != s.BootID() {
		t.Errorf("boot id %s, %v", id, err)
	}
	if err := connect(t, s).Lock(t.Context(), 2, "run-2"); !errors.Is(err, host.ErrLocked) {
		t.Errorf("the lock is not held after the reboot: %v", err)
	}
}

// bootingHost is a host by its boot ids over time, since it was told to reboot.
// The last of them stays.
type bootingHost struct {
	host.Transport
	code   int           // with which it answers to the reboot command
	answer time.Duration // how long a login takes
	boots  []boot

	told time.Time // to reboot; until then it has the boot id 0
}

// boot is how a host is to be found until a time: at a boot id, or one of these.
type boot struct {
	until time.Duration
	id    int
}

const (
	refuses = -1 // it answers that nothing listens
	silent  = -2 // it does not answer
)

func (b *bootingHost) now() int {
	if b.told.IsZero() {
		return 0
	}
	for _, at := range b.boots[:len(b.boots)-1] {
		if time.Since(b.told) < at.until {
			return at.id
		}
	}
	return b.boots[len(b.boots)-1].id
}

func (b *bootingHost) Reconnect(ctx context.Context) error {
	last := context.DeadlineExceeded
	for { // as a transport does, until ctx ends
		wait := b.answer
		if b.now() == silent {
			wait = time.Hour
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", host.ErrUnreachable, last)
		case <-time.After(wait):
		}
		if b.now() >= 0 {
			return nil
		}
		last = errors.New("connection refused")
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", host.ErrUnreachable, last)
		case <-time.After(time.Second):
		}
	}
}

func (b *bootingHost) Run(_ context.Context, c host.Command) (host.Result, error) {
	if len(c.Argv) == 1 {
		b.told = time.Now()
		return host.Result{Code: b.code, Stderr: []byte("no\n")}, nil
	}
	return host.Result{Stdout: fmt.Appendf(nil, "00000000-0000-0000-0000-%012d\n", b.now())}, nil
}

func TestRebootIsFollowed(t *testing.T) {
	t.Parallel()
	never := []boot{{0, 0}}
	for name, c := range map[string]struct {
		host bootingHost
		stop time.Duration // when the run is stopped
		want string        // the error
		took time.Duration
	}{
		"at once":              {host: bootingHost{boots: []boot{{0, 1}}}, took: 3 * time.Second},
		"refusing for a while": {host: bootingHost{boots: []boot{{50 * time.Second, refuses}, {0, 1}}}, took: 53750 * time.Millisecond},
		"silent for a while":   {host: bootingHost{boots: []boot{{50 * time.Second, silent}, {0, 1}}}, took: 64750 * time.Millisecond},
		"twice, for a relabel": {host: bootingHost{boots: []boot{{50 * time.Second, refuses}, {53 * time.Second, 1}, {80 * time.Second, refuses}, {0, 2}}}, took: 83750 * time.Millisecond},
		"refused":              {host: bootingHost{code: 1, boots: never}, want: "web1: the host refuses to reboot: reboot exited 1: no"},
		"no login before":      {host: bootingHost{answer: time.Minute, boots: never}, want: "web1: not rebooted, because a fresh login does not work: host unreachable: context deadline exceeded", took: 20 * time.Second},
		"never down":           {host: bootingHost{boots: never}, want: "web1: the host never went down: after 1m58s it still answered with its old boot id. See why it does not shut down (systemctl list-jobs)", took: 2 * time.Minute},
		"never down, slow":     {host: bootingHost{answer: 7 * time.Second, boots: never}, want: "web1: the host never went down: after 1m49s it still answered with its old boot id. See why it does not shut down (systemctl list-jobs)", took: 2 * time.Minute},
		"never back":           {host: bootingHost{boots: []boot{{0, refuses}}}, want: "web1: the host did not come back within 2m0s; look at its console. The last attempt: host unreachable: connection refused", took: 2 * time.Minute},
		"never back, silent":   {host: bootingHost{boots: []boot{{0, silent}}}, want: "web1: the host did not come back within 2m0s; look at its console. The last attempt: host unreachable: context deadline exceeded", took: 2 * time.Minute},
		"silent at the end":    {host: bootingHost{boots: []boot{{100 * time.Second, 0}, {0, silent}}}, want: "web1: the host did not come back within 2m0s; look at its console. The last attempt: host unreachable: context deadline exceeded", took: 2 * time.Minute},
		"refusing at the end":  {host: bootingHost{boots: []boot{{115 * time.Second, 0}, {0, refuses}}}, want: "web1: the host did not come back within 2m0s; look at its console. The last attempt: host unreachable: connection refused", took: 2 * time.Minute},
		"same boot id":         {host: bootingHost{boots: []boot{{50 * time.Second, refuses}, {0, 0}}}, want: "web1: the host was out of reach but came back with its old boot id, so it has not rebooted (waited 2m0s)", took: 2 * time.Minute},
		"gone again":           {host: bootingHost{boots: []boot{{110 * time.Second, refuses}, {112 * time.Second, 1}, {0, refuses}}}, want: "web1: the host did not come back within 2m0s; look at its console. The last attempt: host unreachable: connection refused", took: 2 * time.Minute},
		"never settles":        {host: bootingHost{boots: []boot{{115 * time.Second, refuses}, {117 * time.Second, 1}, {0, 2}}}, want: "web1: the host did not settle after the reboot within 2m0s", took: 2 * time.Minute},
		"stopped":              {host: bootingHost{boots: never}, stop: time.Minute, want: "web1: stopped waiting for the reboot: context deadline exceeded", took: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if c.stop > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.stop)
					defer cancel()
				}
				start := time.Now()
				err := host.RunReboot(ctx, &c.host, "web1", host.Reboot{Command: []string{"reboot"}, Timeout: 2 * time.Minute})
				if got := fmt.Sprint(err); got != c.want && (err != nil || c.want != "") {
					t.Errorf("%s, want %s", got, c.want)
				}
				if got := time.Since(start); got != c.took {
					t.Errorf("took %s, want %s", got, c.took)
				}
			})
		})
	}
}
