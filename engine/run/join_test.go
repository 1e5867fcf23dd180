package run_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/run"
)

// bundle is a settle that is done in one go with those that follow: "apply A+B".
type bundle struct {
	settle
	open bool // Probe found something to change
}

func (s *bundle) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	if ids := strings.Split(s.id, "+"); len(ids) > 1 { // several, after a lost connection
		var all module.Plan
		for _, id := range ids {
			p, err := (&settle{id: id}).Probe(ctx, r)
			if err != nil {
				return nil, err
			}
			all = append(all, p...)
		}
		return all, nil
	}
	p, err := s.settle.Probe(ctx, r)
	s.open = len(p) > 0
	return p, err
}

func (s *bundle) Join(next module.Step) (module.Step, bool) {
	n, ok := next.(*bundle)
	if !ok || strings.HasPrefix(s.id, "lone") {
		return nil, false
	}
	both := *s
	if n.open {
		both.id += "+" + n.id
	}
	return &both, true
}

func TestJoining(t *testing.T) {
	three := `task "bundle" "a" {}
task "bundle" "b" { notify = [handler.act.h] }
task "bundle" "c" {}
handler "act" "h" {}`
	for name, c := range map[string]struct {
		src         string
		on          map[string]answer
		done        []string
		did, ended  string
		owed        string
		stopAtApply bool
	}{
		"in one go, each with its own result": {
			src: three, did: "apply a+b+c, act h", ended: "a changed, b changed, c changed, handler.act.h changed",
		},
		"what needs nothing is passed over": {
			src: three, done: []string{"b"}, did: "apply a+c", ended: "a changed, b ok, c changed",
		},
		"if it fails, each alone": {
			src: three, on: map[string]answer{"apply a+b+c": exits(1, "no"), "apply b": exits(1, "no")},
			did: "apply a+b+c, apply a, apply b", ended: "a changed, b failed", owed: "handler.act.h",
		},
		"if it fails in the middle, what was changed is told": { // b by the joint action, which failed at c
			src: three, on: map[string]answer{"apply a+b+c": exits(1, "no"), "apply c": exits(1, "no"), "probe b": func(n int) (host.Result, error) {
				return host.Result{Code: max(0, 2-n)}, nil
			}},
			did: "apply a+b+c, apply a, apply c", ended: "a changed, b changed, c failed", owed: "handler.act.h",
		},
		"what did not last is done again": {
			src: three, on: map[string]answer{"probe c": func(n int) (host.Result, error) {
				return host.Result{Code: min(1, max(0, 3-n))}, nil // seen twice, then there
			}},
			did: "apply a+b+c, apply c, act h", ended: "a changed, b changed, c changed, handler.act.h changed",
		},
		"elements of for_each": {
			src: "task \"bundle\" \"x\" {\n  for_each = [\"p\", \"q\"]\n  id = each.value\n}\ntask \"bundle\" \"y\" {}",
			did: "apply p+q+y", ended: `x["0"] changed, x["1"] changed, y changed`,
		},
		"elements that were changed are told to a rescue": {
			src: `block "b" {
  task "bundle" "x" {
    for_each = ["p", "q"]
    id = each.value
  }
  rescue {
    task "bundle" "r" { when = task.bundle.x["1"].changed }
  }
}`, on: map[string]answer{"probe p": exits(1, "no")}, did: "apply p+q, apply r", ended: `x["0"] failed, x["1"] changed, r changed`,
		},
		"not past what is done elsewhere": {
			src: `task "bundle" "a" {}
task "bundle" "b" { run_once = true }
task "bundle" "c" {}`, did: "apply a, apply b, apply c", ended: "a changed, b changed, c changed",
		},
		"not past another module": {
			src: `task "bundle" "a" {}
task "settle" "s" {}
task "bundle" "b" {}`, did: "apply a, apply s, apply b", ended: "a changed, s changed, b changed",
		},
		"not with another environment": {
			src: `task "bundle" "a" {}
task "bundle" "b" { environment = { X = "1" } }`, did: "apply a, apply b", ended: "a changed, b changed",
		},
		"not what depends on a result": {
			src: `task "bundle" "a" {}
task "bundle" "b" { when = task.bundle.a.changed }`, did: "apply a, apply b", ended: "a changed, b changed",
		},
		"what depends on facts, where none is altered": {
			src: `task "bundle" "a" {}
task "bundle" "b" { when = facts.kernel == "" }`, did: "apply a+b", ended: "a changed, b changed",
		},
		"not what depends on facts that may be altered": {
			src: `task "shift" "a" {}
task "bundle" "b" { when = facts.kernel == "" }`, did: "apply a, apply b", ended: "shift.a changed, b changed",
		},
		"another module that joins": {
			src: `task "shift" "a" {}
task "bundle" "b" {}`, did: "apply a+b", ended: "shift.a changed, b changed",
		},
		"more elements than ten, in their order": {
			src: `task "bundle" "x" {
  for_each = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]
  id = each.value
}`, did: "apply a+b+c+d+e+f+g+h+i+j+k", ended: `x["0"] changed, x["1"] changed, x["2"] changed, x["3"] changed, x["4"] changed, x["5"] changed, x["6"] changed, x["7"] changed, x["8"] changed, x["9"] changed, x["10"] changed`,
		},
		"not what has terms of its own": {
			src: `task "bundle" "a" { failed_when = false }
task "bundle" "b" { timeout = "1m" }
task "bundle" "c" { point_of_no_return = true }`, did: "apply a, apply b, apply c", ended: "a changed, b changed, c changed",
		},
		"not past what may fail by a condition of its own": {
			src: `task "bundle" "a" {}
task "bundle" "b" { failed_when = self.changed }
task "bundle" "c" {}`, did: "apply a, apply b", ended: "a changed, b failed",
		},
		"not as another user": {
			src: `task "bundle" "a" { become_user = "app" }
task "bundle" "b" { become_user = "app" }`, did: "apply a, apply b", ended: "a changed, b changed",
		},
		"past what is skipped by its condition, with what follows it": {
			src: `task "bundle" "a" {}
task "bundle" "b" { when = host.name == "no" }
task "bundle" "c" {}`, did: "apply a+c", ended: "a changed, b skipped, c changed",
		},
		"a run that stops tells of what was changed": {
			src: three, stopAtApply: true, did: "apply a+b+c", ended: "a changed, b changed, c changed", owed: "handler.act.h",
		},
		"a first task that does not converge": {
			src: three, on: map[string]answer{"probe a": exits(1, "")},
			did: "apply a+b+c", ended: "a failed, b changed, c changed", owed: "handler.act.h",
		},
	} {
		t.Run(name, func(t *testing.T) {
			pb := playbookOf(t, t.TempDir(), c.src)
			w := newWorld()
			for _, id := range c.done {
				w.done["h "+id] = true
			}
			for k, a := range c.on {
				w.on[k] = a
			}
			o := run.Options{}
			if c.stopAtApply {
				stop := make(chan struct{})
				o.Stop = stop
				w.on["apply a+b+c"] = func(int) (host.Result, error) { close(stop); return host.Result{}, nil }
			}
			res := runPlaybook(t, w, pb, o, "h")
			if got := strings.ReplaceAll(strings.Join(w.log, ", "), "h ", ""); got != c.did {
				t.Errorf("did %s, want %s", got, c.did)
			}
			if got := res.ended("h"); got != c.ended {
				t.Errorf("ended %s, want %s", got, c.ended)
			}
			var owed []string
			for _, e := range res.events {
				if e.Kind == event.HostFinished {
					owed = e.Pending
				}
			}
			if got := strings.Join(owed, ", "); got != c.owed {
				t.Errorf("owes %q, want %q", got, c.owed)
			}
			intentsFirst(t, res.events)
		})
	}
}

// Tasks that cannot be joined are not looked at again and again to find that out;
// those behind them join all the same.
func TestWhatDoesNotJoinIsNotLookedAtInVain(t *testing.T) {
	const n = 30
	var src strings.Builder
	for i := range n {
		fmt.Fprintf(&src, "task \"bundle\" \"lone%d\" {}\n", i)
	}
	for i := range n {
		fmt.Fprintf(&src, "task \"bundle\" \"x%d\" {}\n", i)
	}
	w := newWorld()
	res := runPlaybook(t, w, playbookOf(t, t.TempDir(), src.String()), run.Options{}, "h")
	if got := strings.Count(res.ended("h"), "changed"); got != 2*n {
		t.Errorf("%d changed: %s", got, res.ended("h"))
	}
	probes, lone := 0, 0
	for k, times := range w.seen {
		switch {
		case strings.HasPrefix(k, "h probe lone"):
			lone += times
		case strings.HasPrefix(k, "h probe"):
			probes += times
		}
	}
	// Each before and after it acts; the others in vain once, and one of them every
	// few turns.
	if most := 2*n + 2*n + n/3; lone > most {
		t.Errorf("%d looks at %d tasks that do not join, more than %d", lone, n, most)
	}
	if acts := len(w.log) - n; acts > n/3 {
		t.Errorf("%d actions for %d tasks that join: %v", acts, n, w.log[n:])
	}
	if most := 5 * n; probes > most {
		t.Errorf("%d looks at %d tasks that join, more than %d", probes, n, most)
	}
	t.Logf("%d looks alone, %d joined, actions %v", lone, probes, w.log[n:])
}

// intentsFirst checks that whatever is told as changed was announced before, and
// what was joined before the first task of the group ended.
func intentsFirst(t *testing.T, events []event.Event) {
	t.Helper()
	applying := map[string]bool{}
	for _, e := range events {
		switch {
		case e.Kind == event.TaskApplying:
			applying[e.Task] = true
		case e.Kind == event.TaskFinished && e.Status == event.Changed && !applying[e.Task]:
			t.Errorf("%s changed the host without its intent in the journal", e.Task)
		case e.Kind == event.TaskFinished && e.Task == "task.bundle.a" && strings.Contains(fmt.Sprint(events), "together with task.bundle.a") && len(applying) < 2:
			t.Errorf("the intents of what was joined came after the action")
		}
	}
}
