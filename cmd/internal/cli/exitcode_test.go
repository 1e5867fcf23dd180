package cli

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/event"
)

func TestExitCodesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../../docs/exit-codes.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[int]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| (\d+) \| (.*) \|$`).FindAllStringSubmatch(string(page), -1) {
		n, _ := strconv.Atoi(m[1])
		documented[n] = m[2]
	}
	if d := cmp.Diff(exitMeaning(), documented); d != "" {
		t.Errorf("docs/exit-codes.md differs from exitcode.go (-code +page):\n%s", d)
	}
}

func TestExitCode(t *testing.T) {
	var set diag.Set
	set.Append(diag.Errorf("Wrong", nil, "It is wrong."))
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, exitDone},
		{errors.New("no disk"), exitFailed},
		{set.Err(), exitInvalid},
		{fmt.Errorf("loading: %w", set.Err()), exitInvalid},
		{failf(exitInvalid, "No host selected", "none"), exitInvalid},
		{&codeError{code: exitUnreachable}, exitUnreachable},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("%v: exit code %d, want %d", c.err, got, c.want)
		}
	}
}

func TestSummaryCode(t *testing.T) {
	for _, c := range []struct {
		statuses    []event.Status
		interrupted bool
		want        int
	}{
		{nil, false, exitDone},
		{[]event.Status{event.OK, event.OK}, false, exitDone},
		{[]event.Status{event.OK, event.Failed}, false, exitHostsFailed},
		{[]event.Status{event.OK, event.NotRun}, false, exitHostsFailed},
		{[]event.Status{event.Unreachable, event.OK}, false, exitUnreachable},
		{[]event.Status{event.Unreachable, event.Failed}, false, exitHostsFailed},
		{[]event.Status{event.OK, event.Interrupted}, false, exitInterrupted},
		{[]event.Status{event.OK}, true, exitInterrupted},
		{[]event.Status{event.Failed}, true, exitInterrupted},
	} {
		s := event.Summary{Hosts: map[string]event.HostSummary{}}
		for i, st := range c.statuses {
			s.Hosts[fmt.Sprint(i)] = event.HostSummary{Status: st}
		}
		if got := summaryCode(s, c.interrupted); got != c.want {
			t.Errorf("%v (interrupted %v): exit code %d, want %d", c.statuses, c.interrupted, got, c.want)
		}
	}
}
