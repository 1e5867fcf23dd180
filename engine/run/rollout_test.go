package run_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/run"
)

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
