package run

import (
	"context"
	"fmt"
	"sync"

	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// Controller is the name of the machine ferry runs on, as a host.
const Controller = "controller"

// delegateConns bounds how many tasks one host does for others at the same time.
const delegateConns = 8

// delegates are the hosts that do tasks for others, each with connections of its
// own: a task is not to wait for what the host does in its own play.
type delegates struct {
	mu   sync.Mutex
	free map[string]chan *hostState
	all  []*hostState
}

// rest closes the connections of delegates that do nothing: one is not to hold a
// host's lock while the run waits for hours at a gate.
func (d *delegates) rest() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, ch := range d.free {
		for range len(ch) {
			st := <-ch
			st.close()
			ch <- st
		}
	}
}

// take returns a delegate for exclusive use; give puts it back.
func (r *Runner) take(ctx context.Context, name string) (st *hostState, give func(), out outcome) {
	h := Host{HostInfo: playbook.HostInfo{Name: name}}
	if name != Controller {
		var ok bool
		if r.opts.Lookup != nil {
			h, ok = r.opts.Lookup(name)
		}
		if !ok {
			return nil, nil, outcome{status: event.Failed, err: &event.Error{Summary: "Unknown host", Detail: fmt.Sprintf(
				"The task is delegated to %q, and the inventory has no such host. Write the name of a host, or %q for the machine ferry runs on.", name, Controller)}}
		}
	}
	r.delegates.mu.Lock()
	ch := r.delegates.free[name]
	if ch == nil {
		ch = make(chan *hostState, delegateConns)
		for range delegateConns {
			st := newHostState(r, h)
			r.delegates.all = append(r.delegates.all, st)
			ch <- st
		}
		r.delegates.free[name] = ch
	}
	r.delegates.mu.Unlock()
	select {
	case st := <-ch:
		return st, func() { ch <- st }, outcome{status: event.OK}
	case <-ctx.Done():
		return nil, nil, outcome{status: event.Interrupted, err: &event.Error{Summary: "Interrupted"}}
	}
}

// delegate evaluates delegate_to; "" means the host itself.
func (u *use) delegateName() (string, outcome) {
	e := u.t.Meta.DelegateTo
	if e == nil {
		return "", outcome{status: event.OK}
	}
	v, diags := u.pr.of(u.t.Unit).Value(e, u.extra)
	if diags.HasErrors() {
		return "", diagOutcome(diags)
	}
	v, _ = v.Unmark()
	if !v.IsKnown() || v.IsNull() || v.Type() != cty.String || v.AsString() == "" {
		rng := e.Range()
		return "", outcome{status: event.Failed, err: &event.Error{Summary: "Wrong type of value", File: rng.Filename, Line: rng.Start.Line,
			Detail: "The argument \"delegate_to\" must give the name of a host, or \"controller\" for the machine ferry runs on."}}
	}
	if v.AsString() == u.pr.st.info.Name {
		return "", outcome{status: event.OK}
	}
	return v.AsString(), outcome{status: event.OK}
}

// onDelegate tells that it is the delegate, not the host, that was not reached.
func onDelegate(ev event.Event, name string) event.Event {
	ev.Delegate = name
	if ev.Status == event.Unreachable {
		ev.Status = event.Failed
		e := *ev.Error
		e.Summary = "Delegate " + name + ": " + e.Summary
		ev.Error = &e
	}
	return ev
}
