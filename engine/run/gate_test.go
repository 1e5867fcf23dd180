package run_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/run"
)

// In synctest, time begins on Saturday 2000-01-01 at 00:00 UTC.
const windowed = `play "p" {
  hosts = "all"
  rollout {
    parallel = 1
    gate "window" {
      days      = ["sat"]
      hours     = "%s"
      time_zone = "UTC"
    }
  }
  task "act" "before" {}
  task "act" "point" { point_of_no_return = true }
  task "act" "after" {}
  block "x" {
    task "act" "last" {}
    always {
      task "act" "tidy" {}
    }
  }
}`

// Outside its window a host does not begin; one that has passed its point of no
// return is finished, and one that has not is stopped and tidied up.
func TestWindow(t *testing.T) {
	t.Run("closed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			r := runIn(t, w, strings.ReplaceAll(windowed, "%s", "02:00-04:00"), run.Options{}, "a")
			if len(w.log) != 0 || r.sum.Stopped == nil || !strings.Contains(r.sum.Stopped.Reason, "closed until Sat 2000-01-01 02:00 UTC") {
				t.Errorf("%v, stopped at %+v", w.log, r.sum.Stopped)
			}
		})
	})
	t.Run("waits", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			begin := time.Now()
			r := runIn(t, w, strings.ReplaceAll(windowed, "%s", "02:00-04:00"), run.Options{GateWait: 3 * time.Hour}, "a")
			if d := time.Since(begin); d != 2*time.Hour || r.sum.Hosts["a"].Status != event.OK {
				t.Errorf("after %s the host is %s", d, r.sum.Hosts["a"].Status)
			}
		})
	})
	slow := func(at string) (*world, result) {
		w := newWorld()
		w.on["act "+at] = func(int) (host.Result, error) { time.Sleep(time.Hour); return host.Result{}, nil }
		return w, runIn(t, w, strings.ReplaceAll(windowed, "%s", "23:30-00:30"), run.Options{}, "a", "b")
	}
	t.Run("beyond", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(23*time.Hour + 30*time.Minute)
			w, r := slow("point")
			if got := strings.Join(w.log, ", "); got != "a act before, a act point, a act after, a act last, a act tidy" {
				t.Errorf("did %s", got)
			}
			if a, b := r.sum.Hosts["a"].Status, r.sum.Hosts["b"].Status; a != event.OK || b != event.NotRun {
				t.Errorf("a is %s, b is %s", a, b)
			}
		})
	})
	t.Run("short of it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(23*time.Hour + 30*time.Minute)
			w, r := slow("before")
			if got := strings.Join(w.log, ", "); got != "a act before" {
				t.Errorf("did %s", got)
			}
			if a := r.sum.Hosts["a"]; a.Status != event.Interrupted || r.sum.Stopped == nil {
				t.Errorf("a is %+v, stopped %+v", a, r.sum.Stopped)
			}
		})
	})
}

// What an always part puts right is put right although the window has closed.
func TestWindowClosesInABlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.on["act drain"] = func(int) (host.Result, error) { time.Sleep(time.Hour); return host.Result{}, nil }
		r := runIn(t, w, `play "p" {
  hosts = "all"
  rollout {
    gate "window" {
      hours     = "00:00-00:30"
      time_zone = "UTC"
    }
  }
  block "x" {
    task "act" "drain" {}
    task "act" "work" {}
    rescue {
      task "act" "repair" {}
    }
    always {
      task "act" "rejoin" {}
    }
  }
}`, run.Options{}, "a")
		if got := strings.Join(w.log, ", "); got != "a act drain, a act rejoin" {
			t.Errorf("did %s; a is %s", got, r.sum.Hosts["a"].Status)
		}
	})
}

// A run waits for an approval that another process gives.
func TestApprovalIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		begin := time.Now()
		r := runIn(t, w, `play "p" {
  hosts = "all"
  rollout {
    batches = ["1"]
    gate "approval" { after = [1] }
  }
  task "act" "x" {}
}`, run.Options{GateWait: -1, Approval: func(play, gate string, batch int) (*run.Decision, error) {
			if time.Since(begin) < time.Minute {
				return nil, nil
			}
			return &run.Decision{By: "alice " + play + " " + gate, At: time.Now()}, nil
		}}, "a", "b")
		by := ""
		for _, e := range r.events {
			by += e.By
		}
		if got := strings.Join(w.log, ", "); got != "a act x, b act x" || by != "alice p approval" {
			t.Errorf("did %s, approved by %q", got, by)
		}
	})
}

// At most as many hosts are in a task as it allows.
func TestThrottle(t *testing.T) {
	w := newWorld()
	var mu sync.Mutex
	in, most := 0, 0
	w.on["act x"] = func(int) (host.Result, error) {
		mu.Lock()
		in++
		most = max(most, in)
		mu.Unlock()
		w.mu.Unlock() // the world answers one at a time; here hosts are to overlap
		time.Sleep(time.Millisecond)
		w.mu.Lock()
		mu.Lock()
		in--
		mu.Unlock()
		return host.Result{}, nil
	}
	hosts := strings.Split("a b c d e f g h", " ")
	r := runIn(t, w, "  task \"act\" \"x\" { throttle = 2 }", run.Options{}, hosts...)
	if most > 2 || len(w.log) != len(hosts) || r.sum.Hosts["h"].Status != event.OK {
		t.Errorf("%d at once, %d done", most, len(w.log))
	}
}

// A task that fails while it acts owes its handlers, and so does a handler that
// fails itself.
func TestHandlersOwed(t *testing.T) {
	const src = `play "p" {
  hosts = "all"
  task "settle" "x" { notify = [handler.act.one, handler.act.two] }
  handler "act" "one" {}
  handler "act" "two" {}
}`
	pending := func(r result) string {
		for _, e := range r.events {
			if e.Kind == event.HostFinished {
				return strings.Join(e.Pending, ", ")
			}
		}
		return "?"
	}
	w := newWorld()
	w.on["apply x"] = exits(1, "")
	if got := pending(runIn(t, w, src, run.Options{}, "a")); got != "handler.act.one, handler.act.two" {
		t.Errorf("after a task that failed: %q", got)
	}
	w = newWorld()
	w.on["act one"] = exits(1, "")
	if got := pending(runIn(t, w, src, run.Options{}, "a")); got != "handler.act.one, handler.act.two" {
		t.Errorf("after a handler that failed: %q", got)
	}
	w = newWorld()
	w.on["act two"] = exits(1, "")
	if got := pending(runIn(t, w, src, run.Options{}, "a")); got != "handler.act.two" {
		t.Errorf("after the last handler failed: %q", got)
	}
}

// A task of which one host does the work fails for all when it fails there.
func TestRunOnce(t *testing.T) {
	w := newWorld()
	r := runIn(t, w, "  task \"act\" \"x\" { run_once = true }\n  task \"act\" \"y\" {}", run.Options{Parallel: 1}, "a", "b", "c")
	if got := strings.Join(w.log, ", "); got != "a act x, a act y, b act y, c act y" {
		t.Errorf("did %s", got)
	}
	w = newWorld()
	w.on["act x"] = exits(1, "")
	r = runIn(t, w, "  task \"act\" \"x\" { run_once = true }\n  task \"act\" \"y\" {}", run.Options{Parallel: 1}, "a", "b")
	if got := strings.Join(w.log, ", "); got != "a act x" || r.sum.Hosts["b"].Status != event.Failed {
		t.Errorf("did %s, b is %s", got, r.sum.Hosts["b"].Status)
	}
}

// A delegate has connections of its own and is not the host that is lost when
// it cannot be reached.
func TestDelegate(t *testing.T) {
	w := newWorld()
	o := run.Options{Lookup: func(n string) (run.Host, bool) {
		h := run.Host{}
		h.Name = n
		return h, n == "lb"
	}}
	runIn(t, w, "  task \"act\" \"x\" { delegate_to = \"lb\" }\n  task \"settle\" \"s\" { delegate_to = \"lb\" }\n  task \"settle\" \"s2\" { delegate_to = host.name }", o, "a")
	if got := strings.Join(w.log, ", "); got != "lb act x, lb apply s, a apply s2" {
		t.Errorf("did %s", got)
	}
	w = newWorld()
	w.away["lb"] = true
	r := runIn(t, w, "  task \"act\" \"x\" { delegate_to = \"lb\" }", o, "a")
	if r.sum.Hosts["a"].Status != event.Failed || !strings.Contains(r.json(t), "Delegate lb: Host not reachable") {
		t.Errorf("a is %s", r.sum.Hosts["a"].Status)
	}
}

// Handlers run where the play says so, and not a second time at its end.
func TestFlushHandlers(t *testing.T) {
	w := newWorld()
	runIn(t, w, `play "p" {
  hosts = "all"
  task "settle" "x" { notify = [handler.act.h] }
  flush_handlers {}
  task "settle" "y" {}
  block "b" {
    task "settle" "z" { notify = [handler.act.h] }
    flush_handlers {}
  }
  handler "act" "h" {}
}`, run.Options{}, "a")
	if got := strings.Join(w.log, ", "); got != "a apply x, a act h, a apply y, a apply z, a act h" {
		t.Errorf("did %s", got)
	}
}

// While a gate waits, a delegate is connected no more: it would hold its lock.
func TestDelegatesRestAtAGate(t *testing.T) {
	w := newWorld()
	var mu sync.Mutex
	open := map[string]int{}
	connect := func(ctx context.Context, name string, become bool, user string) (host.Transport, error) {
		tr, err := w.connect(ctx, name, become, user)
		mu.Lock()
		defer mu.Unlock()
		open[name]++
		return &counted{Transport: tr, mu: &mu, open: open, name: name}, err
	}
	pb := playbookOf(t, t.TempDir(), `play "p" {
  hosts = "all"
  rollout {
    batches = ["1"]
    gate "approval" {}
  }
  task "act" "x" { delegate_to = "lb" }
}`)
	named := func(n string) run.Host { h := run.Host{}; h.Name = n; return h }
	at := -1
	g, _ := pb.Globals(playbook.Inputs{})
	_, err := run.New(pb, g, connect, run.Options{Mode: run.Apply, Lookup: func(n string) (run.Host, bool) { return named(n), n == "lb" },
		Approval: func(string, string, int) (*run.Decision, error) {
			mu.Lock()
			defer mu.Unlock()
			at = open["lb"]
			return &run.Decision{By: "me"}, nil
		}}).Run(t.Context(), []run.PlayHosts{{Play: pb.Plays[0], Hosts: []run.Host{named("a"), named("b")}}})
	if err != nil || at != 0 || len(w.log) != 2 {
		t.Errorf("%d connections at the gate, did %v, %v", at, w.log, err)
	}
}
