package view

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/ferry-ops/ferry/engine/event"
)

// The hosts that the table only counts are counted by what became of them: a
// host that would change is not "ok".
func TestSummaryCountsWhatBecameOfHosts(t *testing.T) {
	sum := event.Summary{Hosts: map[string]event.HostSummary{}}
	for i := range 40 {
		h := event.HostSummary{Status: event.OK, Tasks: map[event.Status]int{event.OK: 1}}
		switch {
		case i < 20:
			h.Tasks[event.Planned] = 1
		case i < 25:
			h.Tasks[event.Changed] = 1
		case i < 28:
			h.Status = event.NotRun
		case i < 30:
			h = event.HostSummary{Status: event.NotRun}
		}
		sum.Hosts[fmt.Sprintf("h%02d", i)] = h
	}
	var out bytes.Buffer
	if err := NewHuman(&out, Options{}).Emit(event.Event{Kind: event.RunFinished, Summary: &sum}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"10 hosts: ok\n", "5 hosts: changed\n", "20 hosts: would change\n", "3 hosts: incomplete\n", "2 hosts: not run\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}

// A line about many hosts names as many as fit into the terminal, and what stands
// below it is of the host named first, whichever was the fastest.
func TestHostsFit(t *testing.T) {
	hosts := []string{"db-0001.example.com", "web-0001.example.com", "web-0002.example.com", "web-0003.example.com", "web-0004.example.com"}
	for width, want := range map[int]string{
		140: "failed       task.x.y                                                  4 hosts (web-0001.example.com and 3 more)  2.0s\n",
		110: "failed       task.x.y                                                  4 hosts  2.0s\n",
		100: "failed       task.x.y                                          4 hosts  2.0s\n",
		40:  "failed       task.x.y              4 hosts  2.0s\n",
	} {
		for _, fold := range []bool{true, false} {
			var out bytes.Buffer
			v := NewHuman(&out, Options{Width: width, Fold: fold, Errors: func(e event.Event, on []string) string { return e.Host + " of " + on[0] + "\n" }})
			for _, e := range []event.Event{{Kind: event.RunStarted, Hosts: hosts}, {Kind: event.PlayStarted, Hosts: hosts}, {Kind: event.BatchStarted, Batch: 1, Hosts: hosts}} {
				_ = v.Emit(e)
			}
			for i := len(hosts) - 1; i > 0; i-- {
				_ = v.Emit(event.Event{Kind: event.TaskFinished, Task: "task.x.y", Host: hosts[i], Status: event.Failed, Duration: 2e9, Error: &event.Error{Summary: hosts[i]}})
			}
			_ = v.Emit(event.Event{Kind: event.BatchFinished, Batch: 1})
			if got := out.String(); fold && !strings.Contains(got, want) {
				t.Errorf("%d columns, want %q:\n%s", width, want, got)
			} else if !fold && !strings.Contains(got, "web-0003.example.com, web-0004.example.com") {
				t.Errorf("what a program reads was shortened:\n%s", got)
			}
			if !strings.Contains(out.String(), "web-0001.example.com of web-0001.example.com\n") {
				t.Errorf("the failure shown is of another host than the one named:\n%s", out.String())
			}
		}
	}
}
