package view

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/module"
)

// A failure waits a moment for others like it, but not for hosts that are at the
// task for long; what fails later says where to look.
func TestFailuresAreToldSoon(t *testing.T) {
	var out bytes.Buffer
	v := NewHuman(&out, Options{Follow: true, Live: true, Errors: func(e event.Event, on []string) string {
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

// A host that ended without a task that tells why is told of as soon.
func TestNotesAreToldSoon(t *testing.T) {
	var out bytes.Buffer
	v := NewHuman(&out, Options{Follow: true, Live: true, Errors: func(e event.Event, on []string) string { return fmt.Sprintf("      %s %v\n", e.Host, on) }})
	unreached := func(second int, host string) {
		_ = v.Emit(event.Event{Kind: event.HostFinished, Time: at(second), Host: host, Status: event.Unreachable, Error: &event.Error{Summary: "not reachable"}})
	}
	hosts := []string{"h1", "h2", "h3", "h4"}
	_ = v.Emit(event.Event{Kind: event.PlayStarted, Time: at(0), Hosts: hosts})
	_ = v.Emit(event.Event{Kind: event.BatchStarted, Time: at(0), Batch: 1, Hosts: hosts})
	unreached(0, "h2")
	unreached(1, "h1")
	out.Reset()
	_ = v.Emit(event.Event{Kind: event.TaskStarted, Time: at(3), Host: "h4", Task: "t"})
	if want := "  unreachable  h1, h2\n      h1 [h1 h2]\n"; out.String() != want {
		t.Errorf("told %q, want %q", out.String(), want)
	}
	unreached(4, "h3")
	out.Reset()
	_ = v.Emit(event.Event{Kind: event.BatchFinished, Time: at(5), Batch: 1})
	if want := "  unreachable  h3\n      (as on h1, above)\n"; out.String() != want {
		t.Errorf("told %q, want %q", out.String(), want)
	}
}

// Nothing else has to happen for a failure to be told, neither where output is only
// appended nor on a terminal.
func TestFailuresAreToldInSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var plain screen
		human := NewHuman(&plain, Options{Follow: true})
		live := NewLive(strings.NewReader(""), io.Discard, LiveOptions{Options: Options{Follow: true}})
		live.started = true // not the terminal, whose library has a clock of its own
		for _, v := range []event.Sink{human, live} {
			for _, e := range []event.Event{
				{Kind: event.PlayStarted, Hosts: []string{"h1", "h2"}},
				{Kind: event.BatchStarted, Batch: 1, Hosts: []string{"h1", "h2"}},
				{Kind: event.TaskFinished, Host: "h1", Task: "t", Status: event.Failed, Error: &event.Error{Summary: "on purpose"}},
			} {
				e.Time = time.Now()
				if err := v.Emit(e); err != nil {
					t.Fatal(err)
				}
			}
		}
		text := func() string {
			live.overdue() // as the pane's ticks do
			return plain.String() + live.text.String()
		}
		time.Sleep(failurePatience - time.Millisecond)
		if n := strings.Count(text(), "on purpose"); n != 0 {
			t.Error("a failure did not wait for others like it")
		}
		time.Sleep(2 * time.Millisecond)
		if n := strings.Count(text(), "on purpose"); n != 2 {
			t.Errorf("%d of 2 views have told of the failure", n)
		}
		if err := human.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// Results that differ only in what is not shown are one.
func TestHiddenDiffsAreOneResult(t *testing.T) {
	for diff, want := range map[bool]int{false: 1, true: 2} {
		var out bytes.Buffer
		v := NewHuman(&out, Options{Diff: diff})
		hosts := []string{"h1", "h2", "h3"}
		_ = v.Emit(event.Event{Kind: event.PlayStarted, Hosts: hosts})
		_ = v.Emit(event.Event{Kind: event.BatchStarted, Batch: 1, Hosts: hosts})
		for i, h := range hosts[:2] {
			_ = v.Emit(event.Event{Kind: event.TaskFinished, Host: h, Task: "t", Status: event.Changed,
				Changes: []module.Change{{Argument: "content", From: "absent", To: "65 bytes", Diff: fmt.Sprintf("+%d\n", i)}}})
		}
		_ = v.Emit(event.Event{Kind: event.BatchFinished, Batch: 1})
		if n := strings.Count(out.String(), "changed "); n != want {
			t.Errorf("diffs shown: %v; %d results, want %d:\n%s", diff, n, want, out.String())
		}
	}
}

// What is logged while the pane has the terminal is printed above it.
func TestLogLinesGoAboveThePane(t *testing.T) {
	v := NewLive(strings.NewReader(""), io.Discard, LiveOptions{})
	v.Log("level=WARN msg=\"connection is dead\"\n")
	if lines, _ := v.take(10); len(lines) != 1 || !strings.Contains(lines[0], "connection is dead") {
		t.Errorf("printed above: %q", lines)
	}
}
