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
