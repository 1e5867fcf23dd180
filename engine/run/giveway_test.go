package run_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/run"
	"github.com/ferry-ops/ferry/engine/schema"
)

// oneShell is a host with one shell: a command waits for those before it. Until the
// cell "open" is set, who asks for another cell waits until he is ended.
type oneShell struct {
	cells
	turn chan struct{}
	cut  int // commands that were ended
}

func (o *oneShell) Run(ctx context.Context, c host.Command) (host.Result, error) {
	c = c.Program()
	o.turn <- struct{}{}
	defer func() { <-o.turn }()
	others := slices.ContainsFunc(c.Argv, func(a string) bool { return a == "a" || a == "b" })
	if c.Argv[0] == "get" && others && o.value["open"] == 0 {
		<-ctx.Done()
		o.cut++
		return host.Result{}, ctx.Err()
	}
	return o.cells.Run(ctx, c)
}

// opener looks twice, so that others are asked for in between.
type opener struct{ cell }

func (s *opener) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	if _, err := r.Query(ctx, "first"); err != nil {
		return nil, err
	}
	return s.cell.Probe(ctx, r)
}

// failing cannot be looked at.
type failing struct{ value string }

func (s *failing) Schema(b *schema.Block) { b.String(&s.value, "value", "s") }
func (s *failing) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	if _, err := r.Query(ctx, "first"); err != nil {
		return nil, err
	}
	return nil, errors.New("it fails")
}
func (*failing) Apply(context.Context, host.Host, module.Plan) error { return nil }

// A look at a later task that never ends must not keep the host from the task whose
// turn it is: it puts right what the other waits for.
func TestLooksGiveWay(t *testing.T) {
	for name, c := range map[string]struct {
		before string // what comes before the task that opens
		opens  string // the task that opens, if it is another
	}{
		"looked at with them": {},
		"after another task":  {before: `task "cell" "before" { id = "open" }`},
		"in a rescue, with looks left of what failed": {before: `block "b" {
    task "print" "fails" { value = "fails" }
    task "cell" "later" {
      id = "a"
      to = 2
    }
    rescue {
      task "opener" "rescuer" {
        id = "open"
        to = 1
      }
    }
  }`, opens: "task.opener.rescuer"},
	} {
		t.Run(name, func(t *testing.T) {
			reg := module.NewRegistry(
				module.Info{Name: "cell", Summary: "s", New: func() module.Step { return &cell{} }},
				module.Info{Name: "opener", Summary: "s", New: func() module.Step { return &opener{} }},
				module.Info{Name: "print", Summary: "s", New: func() module.Step { return &failing{} }},
			)
			pb := playbookWith(t, t.TempDir(), `play "p" {
  hosts = "all"
  `+c.before+`
  task "opener" "open" {
    id = "open"
    to = 1
  }
  task "cell" "a" {
    id = "a"
    to = 2
  }
  task "cell" "b" {
    id = "b"
    to = 2
  }
}`, reg)
			synctest.Test(t, func(t *testing.T) {
				o := &oneShell{cells: cells{value: map[string]int{}}, turn: make(chan struct{}, 1)}
				g, _ := pb.Globals(playbook.Inputs{})
				s := &stream{}
				connect := func(context.Context, string, bool, string) (host.Transport, error) { return o, nil }
				hosts := []run.Host{{HostInfo: playbook.HostInfo{Name: "h"}}}
				began := time.Now()
				if _, err := run.New(pb, g, connect, run.Options{Mode: run.Apply, Sink: s}).Run(t.Context(), []run.PlayHosts{{Play: pb.Plays[0], Hosts: hosts}}); err != nil {
					t.Fatal(err)
				}
				var told []string
				for _, e := range s.events {
					if e.Kind == event.TaskFinished && e.Status == event.Changed {
						told = append(told, e.Task)
					}
				}
				if d := gocmp.Diff([]string{cmp.Or(c.opens, "task.opener.open"), "task.cell.a", "task.cell.b"}, told); d != "" {
					t.Errorf("changed (-want +got):\n%s", d)
				}
				if took := time.Since(began); took < 5*time.Second || took > 6*time.Second {
					t.Errorf("it took %s", took)
				}
				if o.cut == 0 || o.cut > 3 {
					t.Errorf("%d commands were ended", o.cut)
				}
			})
		})
	}
}
