package run

import (
	"context"
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// once is a task with run_once: the first host that gets there does it, the
// others wait and take over its result.
type once struct {
	host string
	done chan struct{} // closed when what follows may be read
	res  cty.Value
	out  outcome
}

// shared runs a task on the first host of the play that gets there.
func (pr *playRun) shared(ctx context.Context, t *playbook.Task, in *playbook.Instance, f func() (cty.Value, outcome)) (cty.Value, outcome) {
	key := ""
	if in != nil {
		key = in.Key
	}
	at := address(t, key) // not the task itself: elements of a set's for_each are each host's own
	if pr.gate != "" {    // each time it is passed, its checks look anew
		at = fmt.Sprintf("gate %s after %d: %s", pr.gate, pr.batch, at)
	}
	pr.pl.mu.Lock()
	o := pr.pl.onces[at]
	mine := o == nil
	if mine {
		o = &once{host: pr.st.info.Name, done: make(chan struct{})}
		pr.pl.onces[at] = o
	}
	pr.pl.mu.Unlock()
	if mine {
		defer close(o.done)
		o.res, o.out = f()
		return o.res, o.out
	}
	select {
	case <-o.done:
	case <-ctx.Done():
		return skippedUse(t), outcome{status: event.Interrupted, err: &event.Error{Summary: "Interrupted"}}
	}
	if !o.out.failed() {
		pr.report(t, key, event.Event{Status: event.Skipped, Message: "done once, on " + o.host})
		return o.res, outcome{status: event.OK}
	}
	out := outcome{status: event.Failed, err: &event.Error{Summary: "Failed on " + o.host, Detail: "The task runs once for all hosts of the play, and it failed there. This host goes no further."}}
	if o.out.status == event.Interrupted {
		out.status = event.Interrupted
	}
	return skippedUse(t), pr.fail(t, key, out)
}

// enter waits for a place in a task with throttle; leave gives it back.
func (pl *playState) enter(ctx context.Context, t *playbook.Task) (leave func(), ok bool) {
	if t.Meta.Throttle == 0 {
		return func() {}, true
	}
	pl.mu.Lock()
	places := pl.throttles[t.Address()]
	if places == nil {
		places = make(chan struct{}, t.Meta.Throttle)
		pl.throttles[t.Address()] = places
	}
	pl.mu.Unlock()
	select {
	case places <- struct{}{}:
		return func() { <-places }, true
	case <-ctx.Done():
	case <-pl.r.opts.Stop:
	}
	return nil, false
}
