package view

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// What does not fit into a line of the terminal stands below it, and what stands there
// is of the host named first, whichever was the fastest.
func TestHostsFit(t *testing.T) {
	hosts := []string{"db-0001.example.com", "web-0001.example.com", "web-0002.example.com", "web-0003.example.com", "web-0004.example.com", "web-0005.example.com"}
	two, four := "web-0001.example.com, web-0002.example.com", "web-0001.example.com, web-0002.example.com, web-0003.example.com, web-0004.example.com"
	for _, c := range []struct {
		width, hosts int
		fold         bool
		status       event.Status
		want         string
	}{
		{140, 2, true, event.Failed, "  failed       task.x.y                                                  " + two + "  2.0s\n"},
		{110, 2, true, event.Failed, "  failed       task.x.y                                                  2 hosts  2.0s\n      " + two + "\n"},
		{110, 2, false, event.Failed, "  failed       task.x.y                                                  " + two + "  2.0s\n"},
		{80, 4, true, event.OK, "  ok           task.x.y                      4 hosts  2.0s\n      web-0001.example.com, web-0002.example.com, web-0003.example.com,\n        web-0004.example.com\n"},
		{140, 4, true, event.OK, "  ok           task.x.y                                                  4 hosts  2.0s\n      " + four + "\n"},
		{110, 5, true, event.OK, "  ok           task.x.y                                                  5 hosts  2.0s\n"},
		{110, 5, true, event.Failed, "  failed       task.x.y                                                  5 hosts  2.0s\n      " + two + " and 3 more\n"},
		{110, 5, false, event.OK, "  ok           task.x.y                                                  5 hosts (" + two + " and 3 more)  2.0s\n"},
	} {
		var out bytes.Buffer
		v := NewHuman(&out, Options{Width: c.width, Fold: c.fold, Errors: func(e event.Event, on []string) string { return e.Host + " of " + on[0] + "\n" }})
		for _, e := range []event.Event{{Kind: event.RunStarted, Hosts: hosts}, {Kind: event.PlayStarted, Hosts: hosts}, {Kind: event.BatchStarted, Batch: 1, Hosts: hosts}} {
			_ = v.Emit(e)
		}
		out.Reset()
		for i := c.hosts; i > 0; i-- {
			e := event.Event{Kind: event.TaskFinished, Task: "task.x.y", Host: hosts[i], Status: c.status, Duration: 2e9}
			if c.status == event.Failed {
				e.Error = &event.Error{Summary: hosts[i]}
				c.want = strings.TrimSuffix(c.want, "web-0001.example.com of web-0001.example.com\n") + "web-0001.example.com of web-0001.example.com\n"
			}
			_ = v.Emit(e)
		}
		_ = v.Emit(event.Event{Kind: event.BatchFinished, Batch: 1})
		if d := cmp.Diff(c.want, out.String()); d != "" {
			t.Errorf("%d hosts in %d columns, folded %v (-want +got):\n%s", c.hosts, c.width, c.fold, d)
		}
	}
}

// Of many hosts, those with whom the same is wrong are one row, each with its name;
// a few are a row each.
func TestSummaryOfManyFailures(t *testing.T) {
	sum := event.Summary{Hosts: map[string]event.HostSummary{}}
	for i := range 40 {
		n := fmt.Sprintf("h%02d", i)
		h := event.HostSummary{Status: event.OK, Tasks: map[event.Status]int{event.OK: 1}}
		switch {
		case i < 6:
			h = event.HostSummary{Status: event.Unreachable, Tasks: map[event.Status]int{event.Unreachable: 1}, Error: n + " refuses connections"}
		case i < 8:
			h = event.HostSummary{Status: event.Failed, Tasks: map[event.Status]int{event.Failed: 1}, Error: "task.package.x: exit code 1. Its log ends with:"}
		}
		sum.Hosts[n] = h
	}
	var out bytes.Buffer
	if err := NewHuman(&out, Options{}).Emit(event.Event{Kind: event.RunFinished, Summary: &sum}); err != nil {
		t.Fatal(err)
	}
	want := `
host     result        ok  changed  failed  unreachable
6 hosts  unreachable     h00 refuses connections
      h00, h01, h02, h03, h04, h05
h06      failed         0        0       1            0  task.package.x: exit code 1
h07      failed         0        0       1            0  task.package.x: exit code 1
32 hosts: ok

32 hosts done, 2 failed, 6 unreachable, 0 changes in 0ms
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
