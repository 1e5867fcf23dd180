package view

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ferry-ops/ferry/engine/event"
)

// A failure waits a moment for others like it, but not for hosts that are at the
// task for long; what fails later says where to look.
func TestFailuresAreToldSoon(t *testing.T) {
	var out bytes.Buffer
	v := NewHuman(&out, Options{Errors: func(e event.Event, on []string) string {
		return fmt.Sprintf("      %s: %s %v\n", e.Error.Summary, e.Host, on)
	}})
	second := 0
	emit := func(e event.Event) {
		e.Time = at(second)
		if err := v.Emit(e); err != nil {
			t.Fatal(err)
		}
	}
	task := func(host string, s event.Status) {
		e := event.Event{Kind: event.TaskFinished, Host: host, Task: "sync", Status: s}
		if s == event.Failed {
			e.Error = &event.Error{Summary: "on purpose"}
		}
		emit(e)
	}
	expect := func(want string) {
		t.Helper()
		if d := cmp.Diff(want, out.String()); d != "" {
			t.Errorf("after %d seconds (-want +got):\n%s", second, d)
		}
		out.Reset()
	}
	hosts := []string{"h1", "h2", "h3", "h4", "h5", "h6"}
	emit(event.Event{Kind: event.PlayStarted, Hosts: hosts})
	emit(event.Event{Kind: event.BatchStarted, Batch: 1, Hosts: hosts})
	out.Reset()
	tick := func(s int) {
		second = s
		emit(event.Event{Kind: event.TaskOutput, Host: "h6", Task: "sync", Message: "12/345"})
	}
	v.o.Live = true // no lines of output in between
	task("h3", event.Failed)
	second = 1
	task("h2", event.Failed)
	task("h1", event.OK)
	tick(2)
	expect("")
	tick(3)
	expect("  failed       sync                                              h2, h3\n      on purpose: h2 [h2 h3]\n")
	second = 4
	task("h4", event.Failed)
	tick(9)
	expect("")
	tick(10)
	expect("  failed       sync                                              h4\n      (as on h2, above)\n")
	second = 11
	task("h5", event.Failed)
	task("h6", event.OK)
	expect("  ok           sync                                              h1, h6\n  failed       sync                                              h5\n      (as on h2, above)\n")
	tick(100)
	expect("")
}
