package run_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/run"
)

// counted counts connections that are open.
type counted struct {
	host.Transport
	mu     *sync.Mutex
	open   map[string]int
	closed bool
	name   string
}

func (c *counted) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		c.open[c.name]--
	}
	return c.Transport.Close()
}

// The connection to the first host of the next batch is opened while this batch is
// worked on.
func TestConnectionsAreOpenedAhead(t *testing.T) {
	w := newWorld()
	dialled := make(chan struct{})
	connect := func(ctx context.Context, name string, become bool, user string) (host.Transport, error) {
		if name == "b" {
			close(dialled)
		}
		return w.connect(ctx, name, become, user)
	}
	w.on["a act x"] = func(int) (host.Result, error) {
		select {
		case <-dialled:
		case <-time.After(time.Minute):
			t.Error("nobody connects to b while a works")
		}
		return host.Result{}, nil
	}
	pb := playbookOf(t, t.TempDir(), "play \"one\" {\n  hosts = \"all\"\n  rollout { batches = [\"1\"] }\n  task \"act\" \"x\" {}\n}\n")
	if r := runOn(t, connect, pb, run.Options{}, "a", "b"); r.sum.Hosts["b"].Status != event.Changed && r.sum.Hosts["b"].Status != event.OK {
		t.Errorf("b is %s", r.sum.Hosts["b"].Status)
	}
}

// A host's connection is closed once its last play has ended on it.
func TestConnectionsAreNotKept(t *testing.T) {
	w := newWorld()
	var mu sync.Mutex
	open, dialled := map[string]int{}, map[string]int{}
	connect := func(ctx context.Context, name string, become bool, user string) (host.Transport, error) {
		tr, err := w.connect(ctx, name, become, user)
		mu.Lock()
		defer mu.Unlock()
		open[name]++
		dialled[name]++
		return &counted{Transport: tr, mu: &mu, open: open, name: name}, err
	}
	pb := playbookOf(t, t.TempDir(), `play "one" {
  hosts = "all"
  rollout { batches = ["1"] }
  task "act" "x" {}
}
play "two" {
  hosts = "all"
  rollout { batches = ["1"] }
  task "act" "y" {}
}`)
	seen := map[string]string{}
	see := func(at string) func(int) (host.Result, error) {
		return func(int) (host.Result, error) {
			mu.Lock()
			defer mu.Unlock()
			var on []string
			for _, h := range []string{"a", "b", "c"} {
				if open[h] > 0 {
					on = append(on, h)
				}
			}
			seen[at] = strings.Join(on, "")
			return host.Result{}, nil
		}
	}
	for _, h := range []string{"a", "b", "c"} {
		w.on[h+" act y"] = see(h)
	}
	mk := func(names ...string) (out []run.Host) {
		for _, n := range names {
			out = append(out, run.Host{HostInfo: playbook.HostInfo{Name: n}})
		}
		return out
	}
	g, _ := pb.Globals(playbook.Inputs{})
	plays := []run.PlayHosts{{Play: pb.Plays[0], Hosts: mk("a", "b", "c")}, {Play: pb.Plays[1], Hosts: mk("a", "b", "c")}}
	if _, err := run.New(pb, g, connect, run.Options{Mode: run.Apply}).Run(t.Context(), plays); err != nil {
		t.Fatal(err)
	}
	for _, h := range []string{"a", "b", "c"} {
		if open[h] != 0 || dialled[h] != 1 {
			t.Errorf("%s: %d connections left open of %d", h, open[h], dialled[h])
		}
	}
	if seen["a"] != "abc" || seen["b"] != "bc" || seen["c"] != "c" {
		t.Errorf("open while a, b, c did the last play: %v", seen)
	}
}

// A connection that is long in coming is told of, so that nobody takes it for a slow
// task; a quick one is not.
func TestSlowConnectionsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		connect := func(ctx context.Context, name string, become bool, user string) (host.Transport, error) {
			if name == "slow" {
				time.Sleep(5 * time.Second)
			}
			return w.connect(ctx, name, become, user)
		}
		pb := playbookOf(t, t.TempDir(), "play \"one\" {\n  hosts = \"all\"\n  task \"act\" \"x\" {}\n}\n")
		began := time.Now()
		var told []string
		for _, e := range runOn(t, connect, pb, run.Options{}, "quick", "slow").events {
			if e.Kind == event.HostConnecting || e.Kind == event.HostConnected {
				told = append(told, fmt.Sprintf("%s %s %s", e.Host, e.Kind, e.Time.Sub(began)))
			}
		}
		if got, want := strings.Join(told, ", "), "quick host_connected 0s, slow host_connecting 1s, slow host_connected 5s"; got != want {
			t.Errorf("told %s, want %s", got, want)
		}
	})
}

// One to a delegate is told of as the host's for which it does the task.
func TestSlowDelegatesAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		connect := func(ctx context.Context, name string, become bool, user string) (host.Transport, error) {
			if name == "lb" {
				time.Sleep(5 * time.Second)
			}
			return w.connect(ctx, name, become, user)
		}
		pb := playbookOf(t, t.TempDir(), "play \"one\" {\n  hosts = \"all\"\n  task \"act\" \"x\" { delegate_to = \"lb\" }\n}\n")
		var told []string
		for _, e := range runOn(t, connect, pb, run.Options{Lookup: func(name string) (run.Host, bool) {
			return run.Host{HostInfo: playbook.HostInfo{Name: name}}, true
		}}, "web").events {
			if e.Kind == event.HostConnecting || e.Kind == event.HostConnected {
				told = append(told, fmt.Sprintf("%s %s %s", e.Host, e.Kind, e.Delegate))
			}
		}
		if got, want := strings.Join(told, ", "), "web host_connecting lb, web host_connected lb"; got != want {
			t.Errorf("told %s, want %s", got, want)
		}
	})
}
