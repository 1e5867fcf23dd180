package run_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/run"
)

// distant is a host one second away: whatever is asked at the same time is
// answered at the same time. In a synctest bubble the seconds that pass are
// exactly the round trips that were waited for.
type distant struct{ *cells }

func (d distant) Run(ctx context.Context, c host.Command) (host.Result, error) {
	c = c.Program()
	time.Sleep(time.Second)
	return d.cells.Run(ctx, c)
}

// trips runs tasks on a distant host and returns the round trips it took, and how
// often the host was asked.
func trips(t *testing.T, tasks, changed int) (n, gets int) {
	t.Helper()
	return tripsWith(t, tasks, changed, "")
}

// tripsWith is trips with a further argument for the task in the middle.
func tripsWith(t *testing.T, tasks, changed int, more string) (n, gets int) {
	t.Helper()
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("play \"p\" {\n  hosts = \"all\"\n")
	for i := range tasks {
		fmt.Fprintf(&b, "  task \"cell\" \"t%d\" {\n    id = \"c%d\"\n    to = 1\n", i, i)
		if i == tasks/2 && more != "" {
			b.WriteString("    " + more + "\n")
		}
		b.WriteString("  }\n")
	}
	b.WriteString("}\n")
	pb := playbookWith(t, dir, b.String(), cellRegistry())
	synctest.Test(t, func(t *testing.T) {
		c := &cells{value: map[string]int{}}
		for i := range tasks {
			c.value[fmt.Sprintf("c%d", i)] = 1
		}
		for i := range changed { // spread over the play
			c.value[fmt.Sprintf("c%d", i*tasks/changed)] = 0
		}
		g, _ := pb.Globals(playbook.Inputs{})
		connect := func(context.Context, string, bool, string) (host.Transport, error) { return distant{c}, nil }
		start := time.Now()
		sum, err := run.New(pb, g, connect, run.Options{Mode: run.Apply}).Run(context.Background(),
			[]run.PlayHosts{{Play: pb.Plays[0], Hosts: []run.Host{{HostInfo: playbook.HostInfo{Name: "h"}}}}})
		if err != nil || sum.Hosts["h"].Tasks[event.OK] != tasks-changed || sum.Hosts["h"].Tasks[event.Changed] != changed {
			t.Fatalf("%v %+v", err, sum.Hosts["h"])
		}
		n, gets = int(time.Since(start)/time.Second), c.gets
	})
	return n, gets
}

// A converged play costs a handful of round trips, however many tasks it has,
// and each change a few more. So does asking: what is looked at together is one
// question.
func TestRoundTrips(t *testing.T) {
	for _, c := range []struct{ tasks, changed, most int }{
		{10, 0, 3}, {50, 0, 5}, {200, 0, 9}, {1000, 0, 40}, {50, 1, 14}, {50, 5, 45},
	} {
		n, gets := trips(t, c.tasks, c.changed)
		if n > c.most || gets > 2*n { // while one window is answered, the next is asked
			t.Errorf("%d tasks with %d changes took %d round trips, of which %d are to be enough, and asked the host %d times", c.tasks, c.changed, n, c.most, gets)
		}
		t.Logf("%d tasks with %d changes: %d round trips, %d questions", c.tasks, c.changed, n, gets)
	}
}

// Looking ahead does not go past a task that decides what comes, nor ask what is not
// known yet: each of these costs a round trip more.
func TestWhereLookingAheadStops(t *testing.T) {
	plain, _ := trips(t, 10, 0)
	for _, more := range []string{"point_of_no_return = true", "timeout = \"1h\"", "retry {\n      attempts = 2\n    }", "when = !task.cell.t4.changed"} {
		if n, _ := tripsWith(t, 10, 0, more); n <= plain {
			t.Errorf("%s: %d round trips, as many as without it (%d)", more, n, plain)
		}
	}
}
