package run_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/run"
)

// lockedUntil is a host that a command of the run with epoch 5 keeps locked.
type lockedUntil struct {
	host.Transport
	end time.Time
}

func (l lockedUntil) Superuser() bool { return true }

func (l lockedUntil) Lock(context.Context, int64, string) error {
	if time.Now().Before(l.end) {
		return &host.LockedError{Host: "h", Epoch: 5, What: "it is held by ann"}
	}
	return nil
}

// What a killed run left under way keeps the host locked: the next one waits for its
// end, as long as for a host out of reach, and says so. The lock of a run that lives
// is not waited for.
func TestWhatAKilledRunLeftIsAwaited(t *testing.T) {
	for name, c := range map[string]struct {
		lasts time.Duration
		ended int64 // the epoch of a run that has ended
		want  string
	}{
		"for a while": {7 * time.Second, 5, "0s: waiting: a command of run before still runs there | 8s: the command of run before has ended | 8s: changed"},
		"for ever": {time.Hour, 5, "0s: waiting: a command of run before still runs there | " +
			"22s: failed h: host is locked by another run: a command that run before had begun still runs on the host, although nothing waits for it any more. Run again when it has ended, or end it"},
		"of a run that lives": {7 * time.Second, 4, "0s: failed h: host is locked by another run: it is held by ann"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, began := newWorld(), time.Now()
				connect := func(ctx context.Context, name string, become bool, user string) (host.Transport, error) {
					tr, err := w.connect(ctx, name, become, user)
					return lockedUntil{tr, began.Add(c.lasts)}, err
				}
				pb := playbookOf(t, t.TempDir(), "play \"p\" {\n  hosts = \"all\"\n  task \"act\" \"x\" {}\n}\n")
				r := runOn(t, connect, pb, run.Options{Patience: 20 * time.Second, Ended: func(epoch int64) (string, bool) { return "before", epoch == c.ended }}, "h")
				var told []string
				for _, e := range r.events {
					switch e.Kind {
					case event.TaskWaiting:
						told = append(told, fmt.Sprintf("%s: %s", e.Time.Sub(began), e.Message))
					case event.TaskFinished:
						text := fmt.Sprintf("%s: %s", e.Time.Sub(began), e.Status)
						if e.Error != nil {
							text += " " + e.Error.Detail
						}
						told = append(told, text)
					}
				}
				if got := strings.Join(told, " | "); got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
			})
		})
	}
}
