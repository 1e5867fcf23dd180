package run_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/run"
)

// Whatever fails: no host is worked on twice, none is forgotten, at most
// "parallel" at once, and no batch begins after the budget is spent.
func TestRolloutProperties(t *testing.T) {
	dir := t.TempDir()
	tries := 0
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 24).Draw(rt, "hosts")
		parallel := rapid.IntRange(1, 6).Draw(rt, "parallel")
		batches := rapid.SliceOfN(rapid.SampledFrom([]string{"1", "2", "5", "10%", "50%", "100%"}), 0, 3).Draw(rt, "batches")
		budget := rapid.IntRange(0, 10).Draw(rt, "max_failed")
		bad := rapid.SliceOfN(rapid.Bool(), n, n).Draw(rt, "bad")

		src := fmt.Sprintf("play \"p\" {\n  hosts = \"all\"\n  rollout {\n    batches = [%s]\n    parallel = %d\n    max_failed = \"%d\"\n  }\n  task \"act\" \"x\" {}\n}\n",
			quoteAll(batches), parallel, budget)
		tries++
		sub := filepath.Join(dir, fmt.Sprint(tries))
		if err := os.Mkdir(sub, 0o700); err != nil {
			rt.Fatal(err)
		}
		pb := playbookOf(t, sub, src)
		w := newWorld()
		var hosts []string
		for i := range n {
			name := fmt.Sprintf("h%02d", i)
			hosts = append(hosts, name)
			code := 0
			if bad[i] {
				code = 1
			}
			w.on[name+" act x"] = func(int) (host.Result, error) { return host.Result{Code: code}, nil }
		}
		r := runPlaybook(t, w, pb, run.Options{}, hosts...)

		worked := map[string]int{}
		for _, l := range w.log {
			worked[strings.Fields(l)[0]]++
		}
		ended := map[string]int{}
		failed, spent := 0, false
		for _, e := range r.events {
			switch {
			case e.Kind == event.BatchStarted && spent:
				rt.Fatalf("batch %d begins after %d hosts failed (max_failed %d)", e.Batch, failed, budget)
			case e.Kind == event.BatchFinished:
				spent = failed > budget
			case e.Kind == event.HostFinished:
				ended[e.Host]++
				if e.Status == event.Failed {
					failed++
				}
			}
		}
		for i, name := range hosts {
			st := r.sum.Hosts[name]
			switch {
			case worked[name] > 1:
				rt.Fatalf("%s was worked on %d times", name, worked[name])
			case ended[name] != 1:
				rt.Fatalf("the end of %s is told %d times", name, ended[name])
			case worked[name] == 0 && (st.Status != event.NotRun || st.Error == ""):
				rt.Fatalf("%s was not worked on, and is %s (%s)", name, st.Status, st.Error)
			case worked[name] == 1 && (st.Status == event.Failed) != bad[i]:
				rt.Fatalf("%s is %s", name, st.Status)
			}
		}
		if failed > budget+parallel {
			rt.Fatalf("%d hosts failed with max_failed %d and %d at once", failed, budget, parallel)
		}
	})
}

func quoteAll(l []string) string {
	out := make([]string, len(l))
	for i, s := range l {
		out[i] = fmt.Sprintf("%q", s)
	}
	return strings.Join(out, ", ")
}

func TestFailedHostTakesNoPartInLaterPlays(t *testing.T) {
	w := newWorld()
	w.on["a act x"] = exits(1, "")
	r := runIn(t, w, "play \"one\" {\n  hosts = \"all\"\n  task \"act\" \"x\" {}\n}\nplay \"two\" {\n  hosts = \"all\"\n  task \"act\" \"y\" {}\n}\n", run.Options{Parallel: 1}, "a", "b")
	if got := strings.Join(w.log, ", "); got != "a act x, b act x, b act y" {
		t.Errorf("written: %s", got)
	}
	told := false
	for _, e := range r.events {
		told = told || e.Kind == event.HostFinished && e.Host == "a" && e.Play == "two" && e.Status == event.NotRun && strings.Contains(e.Message, "one")
	}
	if !told {
		t.Error("nobody says that a takes no part in the play two")
	}
	if a, b := r.sum.Hosts["a"].Status, r.sum.Hosts["b"].Status; a != event.Failed || b != event.OK {
		t.Errorf("a is %s, b is %s", a, b)
	}
}

func TestBatchThatFailsEndsTheRollout(t *testing.T) {
	w := newWorld()
	w.on["a act x"] = exits(1, "")
	r := runIn(t, w, "play \"one\" {\n  hosts = \"all\"\n  rollout { batches = [\"1\", \"100%\"] }\n  task \"act\" \"x\" {}\n}\nplay \"two\" {\n  hosts = \"all\"\n  task \"act\" \"y\" {}\n}\n", run.Options{}, "a", "b", "c")
	if got := strings.Join(w.log, ", "); got != "a act x" {
		t.Errorf("written: %s", got)
	}
	for _, h := range []string{"b", "c"} {
		if st := r.sum.Hosts[h]; st.Status != event.NotRun || st.Error == "" {
			t.Errorf("%s is %s (%s)", h, st.Status, st.Error)
		}
	}
}

func TestStop(t *testing.T) {
	stop := make(chan struct{})
	w := newWorld()
	w.on["act x"] = func(int) (host.Result, error) { close(stop); return host.Result{}, nil }
	r := runIn(t, w, "task \"act\" \"x\" { notify = [handler.act.h] }\ntask \"act\" \"y\" {}\nhandler \"act\" \"h\" {}", run.Options{Parallel: 1, Stop: stop}, "a", "b")
	if got := strings.Join(w.log, ", "); got != "a act x" {
		t.Errorf("after the word to stop, written: %s", got)
	}
	if p := r.sum.Hosts["a"].Pending; len(p) != 1 {
		t.Errorf("pending handlers %v", p)
	}
	if last := r.events[len(r.events)-1]; last.Kind != event.RunFinished || last.Status != event.Interrupted {
		t.Errorf("the run ends with %s %s", last.Kind, last.Status)
	}
}
