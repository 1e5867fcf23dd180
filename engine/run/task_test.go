package run_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/run"
)

// TestTasks runs short playbooks on one host, "a". "log" is what was written to
// it, "ended" how each task ended.
func TestTasks(t *testing.T) {
	for _, c := range []struct {
		name  string
		src   string
		on    map[string]answer
		away  bool
		log   string
		ended string
		want  event.Status
	}{
		{
			name:  "in order, and only what differs",
			src:   "task \"settle\" \"x\" {}\ntask \"settle\" \"y\" {}\ntask \"act\" \"z\" {}",
			on:    map[string]answer{"probe y": exits(0, "")},
			log:   "apply x, act z",
			ended: "x changed, y ok, z changed",
		},
		{
			name:  "a failure ends the host",
			src:   "task \"act\" \"x\" {}\ntask \"act\" \"y\" {}",
			on:    map[string]answer{"act x": exits(3, "")},
			log:   "act x",
			ended: "x failed", want: event.Failed,
		},
		{
			name:  "a probe that cannot tell is a failure",
			src:   "task \"settle\" \"x\" {}",
			on:    map[string]answer{"probe x": exits(2, "")},
			ended: "x failed", want: event.Failed,
		},
		{
			name:  "what does not converge is a failure",
			src:   "task \"settle\" \"x\" {}",
			on:    map[string]answer{"probe x": exits(1, "")},
			log:   "apply x",
			ended: "x failed", want: event.Failed,
		},
		{
			name:  "when",
			src:   "task \"act\" \"x\" { when = false }\ntask \"act\" \"y\" { when = task.act.x.skipped }\ntask \"act\" \"z\" { when = task.act.y.out == \"yes\" }",
			on:    map[string]answer{"act y": exits(0, "yes")},
			log:   "act y, act z",
			ended: "x skipped, y changed, z changed",
		},
		{
			name:  "for_each",
			src:   "task \"act\" \"x\" {\n  for_each = { b = 2, a = 1 }\n  id = \"${each.key}${each.value}\"\n}\ntask \"act\" \"y\" { when = task.act.x[\"a\"].changed }",
			log:   "act a1, act b2, act y",
			ended: "x[\"a\"] changed, x[\"b\"] changed, y changed",
		},
		{
			name:  "for_each ends at the first failure",
			src:   "task \"act\" \"x\" {\n  for_each = [\"a\", \"b\"]\n  id = each.value\n}",
			on:    map[string]answer{"act a": exits(1, "")},
			log:   "act a",
			ended: "x[\"0\"] failed", want: event.Failed,
		},
		{
			name: "handlers run once, in the order declared, and can notify others",
			src: `
task "act" "x" { notify = [handler.act.two, handler.act.one] }
task "act" "y" { notify = [handler.act.one] }
task "settle" "z" { notify = [handler.act.never] }
handler "act" "one" {}
handler "act" "two" { notify = [handler.act.three] }
handler "act" "three" {}
handler "act" "never" {}
`,
			on:    map[string]answer{"probe z": exits(0, "")},
			log:   "act x, act y, act one, act two, act three",
			ended: "x changed, y changed, z ok, handler.act.one changed, handler.act.two changed, handler.act.three changed",
		},
		{
			name: "rescue and always",
			src: `
block "b" {
  task "act" "x" {}
  task "act" "y" {}
  rescue {
    task "act" "r" {}
  }
  always {
    task "act" "w" {}
  }
}
task "act" "z" {}
`,
			on:    map[string]answer{"act x": exits(1, "")},
			log:   "act x, act r, act w, act z",
			ended: "x failed, r changed, w changed, z changed",
		},
		{
			name: "always runs after a failed rescue, and the host has failed",
			src: `
block "b" {
  task "act" "x" {}
  rescue {
    task "act" "r" {}
  }
  always {
    task "act" "w" {}
  }
}
task "act" "z" {}
`,
			on:    map[string]answer{"act x": exits(1, ""), "act r": exits(1, "")},
			log:   "act x, act r, act w",
			ended: "x failed, r failed, w changed", want: event.Failed,
		},
		{
			name: "losing the host can be rescued",
			src: `
block "b" {
  task "act" "x" {}
  rescue {
    task "act" "r" {}
  }
}
`,
			on:    map[string]answer{"act x": fails(fmt.Errorf("gone: %w", host.ErrUnreachable))},
			log:   "act x, act r",
			ended: "x unreachable, r changed",
		},
		{
			name:  "ignore_errors",
			src:   "task \"act\" \"x\" { ignore_errors = true }\ntask \"act\" \"y\" { when = task.act.x.failed }",
			on:    map[string]answer{"act x": exits(1, "")},
			log:   "act x, act y",
			ended: "x ignored, y changed",
		},
		{
			name:  "changed_when and failed_when",
			src:   "task \"act\" \"x\" { changed_when = false }\ntask \"act\" \"y\" { failed_when = self.out == \"bad\" }\ntask \"act\" \"z\" {}",
			on:    map[string]answer{"act y": exits(0, "bad")},
			log:   "act x, act y",
			ended: "x ok, y failed", want: event.Failed,
		},
		{
			name:  "failed_when can forgive",
			src:   "task \"act\" \"x\" { failed_when = false }\ntask \"act\" \"y\" {}",
			on:    map[string]answer{"act x": exits(1, "")},
			log:   "act x, act y",
			ended: "x changed, y changed",
		},
		{
			name:  "a check with findings fails the host",
			src:   "check \"look\" \"c\" {}\ntask \"act\" \"x\" {}",
			on:    map[string]answer{"look c": exits(1, "dust")},
			ended: "c failed", want: event.Failed,
		},
		{
			name: "a host out of reach",
			src:  "task \"act\" \"x\" {}", away: true,
			ended: "x unreachable", want: event.Unreachable,
		},
		{
			name:  "a lost connection is no failure where the host shows the change",
			src:   "task \"settle\" \"x\" {}",
			on:    map[string]answer{"apply x": fails(host.ErrUnknown), "probe x": func(n int) (host.Result, error) { return host.Result{Code: min(1, 2-min(n, 2))}, nil }},
			log:   "apply x",
			ended: "x changed",
		},
		{
			name:  "a lost connection in an action is not known to have ended well",
			src:   "task \"act\" \"x\" {}",
			on:    map[string]answer{"act x": fails(host.ErrUnknown)},
			log:   "act x",
			ended: "x unreachable", want: event.Unreachable,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			w.on = c.on
			w.away["a"] = c.away
			r := runIn(t, w, c.src, run.Options{}, "a")
			if got := strings.ReplaceAll(strings.Join(w.log, ", "), "a act ", "act "); strings.ReplaceAll(got, "a apply ", "apply ") != c.log {
				t.Errorf("written: %s\nwant:    %s", got, c.log)
			}
			if got := r.ended("a"); got != c.ended {
				t.Errorf("ended: %s\nwant:  %s", got, c.ended)
			}
			want := c.want
			if want == "" {
				want = event.OK
			}
			if got := r.sum.Hosts["a"].Status; got != want {
				t.Errorf("the host is %s, want %s: %s", got, want, r.sum.Hosts["a"].Error)
			}
		})
	}
}

func TestPendingHandlersAreTold(t *testing.T) {
	w := newWorld()
	w.on["act y"] = exits(1, "")
	r := runIn(t, w, "task \"act\" \"x\" { notify = [handler.act.h] }\ntask \"act\" \"y\" {}\nhandler \"act\" \"h\" {}", run.Options{}, "a")
	if got := r.sum.Hosts["a"].Pending; len(got) != 1 || got[0] != "handler.act.h" {
		t.Errorf("pending handlers %v", got)
	}
}

func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.on["act x"] = func(n int) (host.Result, error) { return host.Result{Code: min(1, 3-min(n, 3))}, nil }
		start := time.Now()
		r := runIn(t, w, "task \"act\" \"x\" {\n  retry {\n    attempts = 5\n    delay = \"1h\"\n    backoff = 2\n  }\n}", run.Options{}, "a")
		if d := time.Since(start); d != 3*time.Hour {
			t.Errorf("three attempts took %s, want 3h: 1h and then 2h", d)
		}
		if len(w.log) != 3 || r.ended("a") != "x changed" {
			t.Errorf("%v, %s", w.log, r.ended("a"))
		}
	})
}

func TestUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.on["act x"] = func(n int) (host.Result, error) { return host.Result{Stdout: fmt.Append(nil, n)}, nil }
		src := "task \"act\" \"x\" {\n  retry {\n    attempts = %d\n    delay = \"1m\"\n    until = self.out == \"4\"\n  }\n}"
		if r := runIn(t, w, fmt.Sprintf(src, 9), run.Options{}, "a"); len(w.log) != 4 || r.ended("a") != "x changed" {
			t.Errorf("%v, %s", w.log, r.ended("a"))
		}
		w = newWorld()
		r := runIn(t, w, fmt.Sprintf(src, 3), run.Options{}, "a")
		if len(w.log) != 3 || r.ended("a") != "x failed" || !strings.Contains(r.json(t), "until") {
			t.Errorf("%v, %s", w.log, r.ended("a"))
		}
	})
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.on["act x"] = exits(1, "")
		r := runIn(t, w, "task \"act\" \"x\" {\n  timeout = \"1s\"\n  retry {\n    attempts = 2\n    delay = \"1m\"\n  }\n}", run.Options{}, "a")
		if r.ended("a") != "x failed" || len(w.log) != 2 {
			t.Errorf("%v, %s", w.log, r.ended("a"))
		}
	})
}

func TestPlanWritesNothing(t *testing.T) {
	w := newWorld()
	r := runIn(t, w, "task \"settle\" \"x\" { notify = [handler.act.h] }\ntask \"act\" \"y\" { shown = task.settle.x.out }\ncheck \"look\" \"c\" {}\ntask \"act\" \"z\" { when = task.act.y.out == \"\" }\nhandler \"act\" \"h\" {}", run.Options{Mode: run.Plan}, "a", "b")
	if len(w.log) != 0 {
		t.Errorf("a plan writes: %v", w.log)
	}
	if got := r.ended("a"); got != "x planned, y planned, c ok, z planned, handler.act.h planned" {
		t.Errorf("ended: %s", got)
	}
}

func TestTags(t *testing.T) {
	w := newWorld()
	src := "task \"act\" \"x\" { tags = [\"one\"] }\ntask \"act\" \"y\" { tags = [\"two\"] }\ntask \"act\" \"z\" { tags = [\"always\"] }\ntask \"act\" \"n\" { tags = [\"never\"] }"
	runIn(t, w, src, run.Options{Tags: []string{"one"}}, "a")
	if got := strings.Join(w.log, ", "); got != "a act x, a act z" {
		t.Errorf("with the tag one: %s", got)
	}
	w = newWorld()
	runIn(t, w, src, run.Options{SkipTags: []string{"two"}}, "a")
	if got := strings.Join(w.log, ", "); got != "a act x, a act z" {
		t.Errorf("without the tag two: %s", got)
	}
}

// TestUnknownIsNotTriedAgain: an action whose result was lost with the
// connection may have been done; trying it again could do it twice.
func TestUnknownIsNotTriedAgain(t *testing.T) {
	w := newWorld()
	w.on["act x"] = fails(host.ErrUnknown)
	r := runIn(t, w, "task \"act\" \"x\" {\n  retry { attempts = 3 }\n}", run.Options{}, "a")
	if len(w.log) != 1 || r.ended("a") != "x unreachable" {
		t.Errorf("%v, %s", w.log, r.ended("a"))
	}
}

// TestFailedWhenJudgesWhatRan: what never ran has no result to be judged by.
func TestFailedWhenJudgesWhatRan(t *testing.T) {
	w := newWorld()
	w.on["act x"] = fails(fmt.Errorf("%w: by another run", host.ErrLocked))
	r := runIn(t, w, "task \"act\" \"x\" { failed_when = false }", run.Options{}, "a")
	if r.ended("a") != "x failed" {
		t.Errorf("a locked host gives: %s", r.ended("a"))
	}
}
