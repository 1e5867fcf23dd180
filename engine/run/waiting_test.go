package run_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/run"
)

// inUse is the memory that is in use: what the heap holds, and stacks.
func inUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools held over the first
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// atGate measures when a gate begins, and forgets every other event.
type atGate struct{ measured int64 }

func (g *atGate) Emit(e event.Event) error {
	if e.Kind == event.GateStarted {
		g.measured = inUse()
	}
	return nil
}

// A host that waits costs next to nothing: one that ended its batch, and one
// whose batch comes after the gate.
func TestWaitingHostsAreSmall(t *testing.T) {
	if raced {
		t.Skip("memory is measured, and the race detector takes many times as much; without it, this test runs")
	}
	const hosts = 4000
	const most = 4096 // bytes per host; the promise to users is 0.2 MB
	for _, share := range []string{"1%", "50%"} {
		t.Run(share, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pb := playbookOf(t, t.TempDir(), `play "p" {
  hosts = "all"
  rollout {
    batches = ["`+share+`", "100%"]
    gate "soak" {
      wait  = "1h"
      after = [1]
    }
  }
  task "settle" "a" {}
  task "settle" "b" {}
}`)
				g, _ := pb.Globals(playbook.Inputs{})
				ph := run.PlayHosts{Play: pb.Plays[0]}
				for i := range hosts {
					ph.Hosts = append(ph.Hosts, run.Host{HostInfo: playbook.HostInfo{Name: fmt.Sprintf("host%05d", i)}})
				}
				w := newWorld()
				w.on["probe a"], w.on["probe b"] = exits(0, ""), exits(0, "")
				before := inUse()
				sink := &atGate{}
				if _, err := run.New(pb, g, w.connect, run.Options{Mode: run.Apply, Sink: sink}).Run(context.Background(), []run.PlayHosts{ph}); err != nil {
					t.Fatal(err)
				}
				per := (sink.measured - before) / hosts
				t.Logf("%d bytes per host", per)
				if sink.measured == 0 || per > most {
					t.Errorf("a host that waits takes %d bytes, want at most %d", per, most)
				}
			})
		})
	}
}
