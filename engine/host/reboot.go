package host

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

const (
	rebootTimeout = 15 * time.Minute
	rebootSettle  = 3 * time.Second
	// rebootAttempt bounds one attempt to connect, so that a host that comes
	// back while a connection hangs is not missed.
	rebootAttempt = 20 * time.Second
	// rebootCut is how long the limit of the whole must have let an attempt run for
	// its silence to count: a host that answered before may only be slow.
	rebootCut = 10 * time.Second
)

var bootIDShape = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// BootID reads the host's boot id. What is not a boot id is an error: comparing
// something else is how a reboot is believed that never was.
func BootID(ctx context.Context, t Transport) (string, error) {
	res, err := t.Run(ctx, Command{ReadOnly: true, Argv: []string{"/bin/sh", "-c",
		`cat "${FERRY_BOOT_ID:-/proc/sys/kernel/random/boot_id}"`}})
	if err != nil {
		return "", err
	}
	id := strings.TrimSpace(string(res.Stdout))
	if res.Code != 0 || !bootIDShape.MatchString(id) {
		return "", fmt.Errorf("the boot id cannot be read: exit status %d, %.80q", res.Code, id+string(res.Stderr))
	}
	return id, nil
}

// RunReboot restarts the host behind t, as Host.Reboot documents. It proves
// first that a fresh login works, and returns when the host answers on a fresh
// connection with a new boot id and still does after r.Settle. name is the
// host's name, for messages.
func RunReboot(ctx context.Context, t Transport, name string, r Reboot) error {
	if r.Timeout <= 0 {
		r.Timeout = rebootTimeout
	}
	if r.Settle <= 0 {
		r.Settle = rebootSettle
	}
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	before, err := freshBootID(ctx, t)
	if err != nil {
		return fmt.Errorf("%s: not rebooted, because a fresh login does not work: %w", name, err)
	}
	if err := sendReboot(ctx, t, name, r.Command); err != nil {
		return err
	}
	w := rebootWait{t: t, name: name, r: r, before: before, began: time.Now()}
	if err := w.wait(ctx); err != nil {
		if outer.Err() != nil {
			return fmt.Errorf("%s: stopped waiting for the reboot: %w", name, outer.Err())
		}
		return err
	}
	return nil
}

// freshBootID reads the boot id over a new connection.
func freshBootID(ctx context.Context, t Transport) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, rebootAttempt)
	defer cancel()
	if err := t.Reconnect(ctx); err != nil {
		return "", err
	}
	return BootID(ctx, t)
}

func sendReboot(ctx context.Context, t Transport, name string, argv []string) error {
	if len(argv) == 0 {
		argv = []string{"/bin/sh", "-c", `if [ -d "${FERRY_SYSTEMD:-/run/systemd/system}" ]; then exec systemctl reboot; fi; exec reboot`}
	}
	ctx, cancel := context.WithTimeout(ctx, rebootAttempt)
	defer cancel()
	res, err := t.Run(ctx, Command{Argv: argv})
	switch {
	case err != nil && (errors.Is(err, ErrUnknown) || errors.Is(err, context.DeadlineExceeded)):
		return nil // the connection died under it, which is what it is for
	case err != nil:
		return err
	case res.Code != 0 && res.Code < 128:
		return fmt.Errorf("%s: the host refuses to reboot: %w", name, &CommandError{Argv: argv, Result: res})
	}
	return nil
}

// rebootWait follows a host through its reboot.
type rebootWait struct {
	t      Transport
	name   string
	r      Reboot
	before string
	began  time.Time

	down  bool          // it was out of reach at some time
	last  error         // of the last attempt to connect
	same  bool          // the last answer had the old boot id
	heard time.Duration // when it last answered with the old boot id
}

func (w *rebootWait) wait(ctx context.Context) error {
	pause := 250 * time.Millisecond
	for {
		asked := time.Now()
		id, err := freshBootID(ctx, w.t)
		switch {
		case errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil && w.same && time.Since(asked) < rebootCut:
			// Cut off before it could tell anything; a refusal is another error.
		case err != nil:
			w.down, w.same, w.last = true, false, err
		case id == w.before:
			w.same, w.heard = true, time.Since(w.began)
		default:
			ok, err := w.settled(ctx, id)
			if ok {
				return nil
			}
			w.same, w.last = false, err
			if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
				w.last = nil // it is there; what it lacked is time
			}
		}
		if ctx.Err() != nil || !sleep(ctx, pause) {
			return w.gaveUp()
		}
		pause = min(pause*2, 3*time.Second)
	}
}

// settled reports whether the host keeps its new boot id for a while; a relabel
// of the file system reboots once more.
func (w *rebootWait) settled(ctx context.Context, id string) (bool, error) {
	if !sleep(ctx, w.r.Settle) {
		return false, ctx.Err()
	}
	again, err := freshBootID(ctx, w.t)
	return err == nil && again == id, err
}

func (w *rebootWait) gaveUp() error {
	after := time.Since(w.began).Round(time.Second)
	switch {
	case w.same && !w.down:
		return fmt.Errorf("%s: the host never went down: after %s it still answered with its old boot id. See why it does not shut down (systemctl list-jobs)", w.name, w.heard.Round(time.Second))
	case w.same:
		return fmt.Errorf("%s: the host was out of reach but came back with its old boot id, so it has not rebooted (waited %s)", w.name, after)
	case w.last == nil:
		return fmt.Errorf("%s: the host did not settle after the reboot within %s", w.name, after)
	}
	return fmt.Errorf("%s: the host did not come back within %s; look at its console. The last attempt: %w", w.name, after, w.last)
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
