package run_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/run"
)

// reachedBy is what a run that ended as r did had reached.
func reachedBy(t *testing.T, dir, src string, r result) *run.Resume {
	t.Helper()
	f := run.NewReached(playbookOf(t, dir, src), "before")
	for _, e := range r.events {
		if err := f.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	return f.Resume()
}

// A rescue or an always part that was passed over has undone nothing, so what
// was done before is not done twice.
func TestSkippedUndoUndoesNothing(t *testing.T) {
	const src = `  task "act" "once" {}
  block "x" {
    when = false
    task "act" "never" {}
    always {
      task "act" "tidy" {}
    }
  }
  task "act" "fails" {}`
	w := newWorld()
	w.on["act fails"] = func(n int) (host.Result, error) { return host.Result{Code: 2 - min(n, 2)}, nil }
	r := runIn(t, w, src, run.Options{}, "a")
	runIn(t, w, src, run.Options{Resume: reachedBy(t, t.TempDir(), src, r)}, "a")
	if got := strings.Join(w.log, ", "); got != "a act once, a act fails, a act fails" {
		t.Errorf("did %s", got)
	}
}

// A host whose point of no return lies in the run that is resumed finishes the
// play although its window closes.
func TestResumedBeyondThePointOfNoReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const src = `play "p" {
  hosts = "all"
  rollout {
    gate "window" {
      hours     = "00:00-03:00"
      time_zone = "UTC"
    }
  }
  task "act" "point" { point_of_no_return = true }
  task "act" "fails" {}
  task "act" "last" {}
}`
		w := newWorld()
		w.on["act fails"] = func(n int) (host.Result, error) {
			time.Sleep(2 * time.Hour)
			return host.Result{Code: 2 - min(n, 2)}, nil
		}
		r := runIn(t, w, src, run.Options{}, "a")
		r = runIn(t, w, src, run.Options{Resume: reachedBy(t, t.TempDir(), src, r)}, "a")
		if got := strings.Join(w.log, ", "); got != "a act point, a act fails, a act fails, a act last" {
			t.Errorf("did %s; a is %s", got, r.sum.Hosts["a"].Status)
		}
	})
}

// What a host owes from a later run stays owed when an earlier one, in which it
// was done, is resumed.
func TestDoneHostStillOwes(t *testing.T) {
	const src = `play "p" {
  hosts = "all"
  task "act" "x" {}
  handler "act" "h" {}
}`
	w := newWorld()
	w.on["b act x"] = func(n int) (host.Result, error) { return host.Result{Code: 2 - min(n, 2)}, nil }
	r := runIn(t, w, src, run.Options{}, "a", "b")
	owed := map[string]map[string][]string{"a": {"p": {"handler.act.h"}}}
	r = runIn(t, w, src, run.Options{Resume: reachedBy(t, t.TempDir(), src, r), Pending: owed}, "a", "b")
	for _, e := range r.events {
		if e.Kind == event.HostFinished && e.Host == "a" && strings.Join(e.Pending, " ") != "handler.act.h" {
			t.Errorf("a owes %v", e.Pending)
		}
	}
}

// An action that had begun and whose result never came is done again, and says why;
// one that is known to have failed is done again without a word.
func TestUnknownResultsAreTold(t *testing.T) {
	const src = `  task "act" "done" {}
  task "act" "cut" {}`
	for name, c := range map[string]struct {
		first answer
		want  string
	}{
		"lost":   {fails(host.ErrUnknown), "whether run before had done it is not known, so it was done now"},
		"failed": {exits(2, ""), ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.on["act cut"] = func(n int) (host.Result, error) {
				if n == 1 {
					return c.first(n)
				}
				return host.Result{}, nil
			}
			r := runIn(t, w, src, run.Options{}, "a")
			r = runIn(t, w, src, run.Options{Resume: reachedBy(t, t.TempDir(), src, r)}, "a")
			if got := strings.Join(w.log, ", "); got != "a act done, a act cut, a act cut" {
				t.Errorf("did %s", got)
			}
			for _, e := range r.events {
				if e.Kind == event.TaskFinished && e.Task == "task.act.cut" && e.Message != c.want {
					t.Errorf("said %q, want %q", e.Message, c.want)
				}
			}
		})
	}
}
