package run_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/run"
)

// How one host behaves in the properties below.
type behaviour struct {
	cluster string // "" for none
	ends    string // "ok", "fails", "lost" or "rescued"
}

// flight watches which hosts are worked on at every moment.
type flight struct {
	mu      sync.Mutex
	up      map[string]behaviour
	down    map[string]bool // in flight or failed, by host
	broken  string
	limit   int
	busy    int
	most    int
	workers map[string]int
}

func (f *flight) enter(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.workers[name]++
	f.busy++
	f.most = max(f.most, f.busy)
	f.down[name] = true
	n := 0
	for h := range f.down {
		if c := f.up[h].cluster; c != "" && c == f.up[name].cluster {
			n++
		}
	}
	if n > f.limit {
		f.broken = fmt.Sprintf("%d members of %s are down while %s is worked on", n, f.up[name].cluster, name)
	}
}

func (f *flight) leave(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.busy--
	if f.up[name].ends == "ok" {
		delete(f.down, name)
	}
}

// For any hosts, rollout and failures: no host runs twice, none is forgotten,
// never more members of a cluster are down than the spread allows (a failed one
// stays down), no more at once than "parallel", nothing begins after max_failed
// is spent, canaries go first, and a notified handler runs exactly once or is
// told to be owed.
func TestSchedulerProperties(t *testing.T) {
	dir := t.TempDir()
	tries := 0
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 20).Draw(rt, "hosts")
		limit := rapid.IntRange(1, 3).Draw(rt, "limit")
		parallel := rapid.IntRange(1, 8).Draw(rt, "parallel")
		batches := rapid.SliceOfN(rapid.SampledFrom([]string{"1", "2", "5", "10%", "50%", "100%"}), 0, 3).Draw(rt, "batches")
		budget := rapid.IntRange(0, 12).Draw(rt, "max_failed")
		canaries := rapid.IntRange(0, 2).Draw(rt, "canaries")
		tries++
		sub := filepath.Join(dir, fmt.Sprint(tries))
		if err := os.Mkdir(sub, 0o700); err != nil {
			rt.Fatal(err)
		}
		pb := playbookOf(t, sub, fmt.Sprintf(`play "p" {
  hosts = "all"
  rollout {
    batches    = [%s]
    parallel   = %d
    max_failed = "%d"
    spread "cluster" {
      key   = host.vars.cluster
      limit = %d
    }
  }
  task "act" "begin" {}
  task "settle" "config" { notify = [handler.act.restart] }
  block "risky" {
    task "act" "work" {}
    rescue {
      task "act" "repair" {}
    }
  }
  task "act" "end" {}
  handler "act" "restart" {}
}`, quoteAll(batches), parallel, budget, limit))
		w := newWorld()
		f := &flight{up: map[string]behaviour{}, down: map[string]bool{}, limit: limit, workers: map[string]int{}}
		ph := run.PlayHosts{Play: pb.Plays[0], Canary: map[string]bool{}}
		for i := range n {
			name := fmt.Sprintf("h%02d", i)
			b := behaviour{
				cluster: rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(rt, "cluster"),
				ends:    rapid.SampledFrom([]string{"ok", "ok", "ok", "fails", "lost", "rescued"}).Draw(rt, "ends"),
			}
			f.up[name] = b
			key := cty.NullVal(cty.String)
			if b.cluster != "" {
				key = cty.StringVal(b.cluster)
			}
			if i < canaries {
				ph.Canary[name] = true
			}
			ph.Hosts = append(ph.Hosts, run.Host{HostInfo: playbook.HostInfo{Name: name, Vars: map[string]cty.Value{"cluster": key}}})
			w.on[name+" act begin"] = func(int) (host.Result, error) { f.enter(name); return host.Result{}, nil }
			switch b.ends {
			case "fails":
				w.on[name+" act work"] = exits(1, "")
				w.on[name+" act repair"] = func(int) (host.Result, error) { f.leave(name); return host.Result{Code: 1}, nil }
			case "lost":
				w.on[name+" act end"] = func(int) (host.Result, error) { f.leave(name); return host.Result{}, host.ErrUnreachable }
			case "rescued":
				w.on[name+" act work"] = exits(1, "")
			}
			if b.ends == "ok" || b.ends == "rescued" {
				w.on[name+" act restart"] = func(int) (host.Result, error) { f.leave(name); return host.Result{}, nil }
			}
		}
		s := &stream{}
		g, _ := pb.Globals(playbook.Inputs{})
		sum, err := run.New(pb, g, w.connect, run.Options{Sink: s, Mode: run.Apply}).Run(t.Context(), []run.PlayHosts{ph})
		if err != nil {
			rt.Fatal(err)
		}
		if f.broken != "" {
			rt.Fatal(f.broken)
		}
		if f.most > parallel {
			rt.Fatalf("%d hosts at once, %d allowed", f.most, parallel)
		}
		restarts := map[string]int{}
		for _, l := range w.log {
			if name, ok := strings.CutSuffix(l, " act restart"); ok {
				restarts[name]++
			}
		}
		ended, owed := map[string]int{}, map[string]int{}
		failed, firstBatch := 0, []string(nil)
		for _, e := range s.events {
			switch e.Kind {
			case event.HostFinished:
				ended[e.Host]++
				owed[e.Host] += len(e.Pending)
				if e.Status == event.Failed || e.Status == event.Unreachable || e.Status == event.OK && f.up[e.Host].ends == "rescued" {
					failed++
				}
			case event.HostStarted:
				if failed > budget {
					rt.Fatalf("%s begins after %d failed, max_failed is %d", e.Host, failed, budget)
				}
			case event.BatchStarted:
				if e.Batch == 1 {
					firstBatch = e.Hosts
				}
			}
		}
		for name, b := range f.up {
			st := sum.Hosts[name]
			ran := f.workers[name]
			switch {
			case ran > 1:
				rt.Fatalf("%s ran %d times", name, ran)
			case ended[name] != 1:
				rt.Fatalf("the end of %s is told %d times", name, ended[name])
			case ran == 0 && (st.Status != event.NotRun || st.Error == ""):
				rt.Fatalf("%s did not run, and is %s (%q)", name, st.Status, st.Error)
			case ran == 1 && restarts[name]+owed[name] != 1:
				rt.Fatalf("%s (%s): the handler ran %d times and is owed %d times", name, b.ends, restarts[name], owed[name])
			case ran == 1 && (b.ends == "ok" || b.ends == "rescued") != (restarts[name] == 1):
				rt.Fatalf("%s (%s): the handler ran %d times", name, b.ends, restarts[name])
			}
		}
		if k := min(canaries, n); k > 0 {
			slices.Sort(firstBatch)
			if want := []string{"h00", "h01"}[:k]; !slices.Equal(firstBatch, want) {
				rt.Fatalf("the first batch is %v, the canaries are %v", firstBatch, want)
			}
		}
	})
}
