package run_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/run"
)

// killed is a stream whose process dies: what comes later is not recorded.
type killed struct {
	stream
	dead func() bool
}

func (k *killed) Emit(e event.Event) error {
	if k.dead() {
		return nil
	}
	return k.stream.Emit(e)
}

// A run that is killed at any moment and resumed, also more than once, ends as
// one that was not: every host does every action, and none twice unless the kill
// fell between the action and its record.
func TestResumeProperties(t *testing.T) {
	dir := t.TempDir()
	tries := 0
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(rt, "hosts")
		batches := rapid.SliceOfN(rapid.SampledFrom([]string{"1", "2", "50%", "100%"}), 0, 3).Draw(rt, "batches")
		kills := rapid.SliceOfN(rapid.IntRange(1, 40), 1, 3).Draw(rt, "kills")
		tries++
		sub := filepath.Join(dir, fmt.Sprint(tries))
		if err := os.Mkdir(sub, 0o700); err != nil {
			rt.Fatal(err)
		}
		pb := playbookOf(t, sub, fmt.Sprintf(`play "one" {
  hosts = "all"
  rollout {
    batches  = [%s]
    parallel = 3
    gate "soak" { wait = "1ns" }
  }
  task "act" "a" {}
  task "settle" "s" { notify = [handler.act.h] }
  task "act" "b" {}
  block "x" {
    task "act" "c" {}
  }
  handler "act" "h" {}
}
play "two" {
  hosts = "all"
  task "act" "d" {}
}`, quoteAll(batches)))
		w := newWorld()
		var plays []run.PlayHosts
		for _, p := range pb.Plays {
			ph := run.PlayHosts{Play: p}
			for i := range n {
				ph.Hosts = append(ph.Hosts, run.Host{HostInfo: playbook.HostInfo{Name: fmt.Sprintf("h%d", i)}})
			}
			plays = append(plays, ph)
		}
		g, _ := pb.Globals(playbook.Inputs{})
		reached := run.NewReached(pb, "before")
		var resume *run.Resume
		owed := map[string]map[string][]string{} // as the journal keeps it
		left := map[string]int{}                 // actions a kill left without a record
		for round := 0; round <= len(kills); round++ {
			ctx, cancel := context.WithCancel(context.Background())
			var mu sync.Mutex
			at, dead := -1, false
			if round < len(kills) {
				at = kills[round]
			}
			s := &killed{dead: func() bool { mu.Lock(); defer mu.Unlock(); return dead }}
			connect := func(ctx context.Context, name string, become bool, user string) (host.Transport, error) {
				tr, err := w.connect(ctx, name, become, user)
				return &mortal{Transport: tr, before: func() {
					mu.Lock()
					defer mu.Unlock()
					if at--; at == 0 {
						dead = true
						cancel()
					}
				}}, err
			}
			o := run.Options{Sink: s, Mode: run.Apply, Resume: resume, Pending: owed}
			sum, err := run.New(pb, g, connect, o).Run(ctx, plays)
			cancel()
			if err != nil {
				rt.Fatal(err)
			}
			intents := map[string]int{}
			for _, e := range s.events {
				if err := reached.Event(e); err != nil {
					rt.Fatal(err)
				}
				key := e.Host + " " + e.Play
				switch {
				case e.Kind == event.TaskApplying:
					intents[e.Host+" "+e.Task]++
					for _, h := range e.Notify {
						addOwed(owed, e.Host, e.Play, h)
					}
				case e.Kind == event.TaskFinished && e.Status == event.Changed:
					intents[e.Host+" "+e.Task]--
					if strings.HasPrefix(e.Task, "handler.") {
						delete(owed[e.Host], e.Play)
					}
				case e.Kind == event.HostFinished && e.Status != event.NotRun:
					delete(owed[e.Host], e.Play)
					for _, h := range e.Pending {
						addOwed(owed, e.Host, e.Play, h)
					}
				}
				_ = key
			}
			for k, n := range intents {
				left[k] += n
			}
			resume = reached.Resume()
			if !dead && round == len(kills) {
				for h, st := range sum.Hosts {
					if st.Status != event.OK {
						rt.Fatalf("%s is %s: %s", h, st.Status, st.Error)
					}
				}
			}
		}
		did := map[string]int{}
		for _, l := range w.log {
			did[l]++
		}
		for i := range n {
			for _, a := range []string{"a", "b", "c", "d", "h"} {
				task := "task.act." + a
				if a == "h" {
					task = "handler.act.h"
				}
				k := fmt.Sprintf("h%d act %s", i, a)
				most := 1 + left[fmt.Sprintf("h%d %s", i, task)]
				if did[k] < 1 || did[k] > most {
					rt.Fatalf("%s was done %d times, want 1 to %d", k, did[k], most)
				}
			}
		}
	})
}

func addOwed(owed map[string]map[string][]string, hostName, play, handler string) {
	if owed[hostName] == nil {
		owed[hostName] = map[string][]string{}
	}
	for _, h := range owed[hostName][play] {
		if h == handler {
			return
		}
	}
	owed[hostName][play] = append(owed[hostName][play], handler)
}

// mortal calls before each command, which may end the run.
type mortal struct {
	host.Transport
	before func()
}

func (m *mortal) Run(ctx context.Context, c host.Command) (host.Result, error) {
	c = c.Program()
	m.before()
	return m.Transport.Run(ctx, c)
}
