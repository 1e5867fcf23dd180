package run

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// Looking ahead: while nothing changes on a host, the probes of the next tasks
// are asked at the same time, so that they share round trips. What was seen is
// used only if nothing changed since; otherwise the task looks again, exactly as
// if it had not been looked at before.

const (
	firstWindow = 16
	maxWindow   = 64
)

// giveWay is how long a task waits in its turn while looks at later ones are not
// answered. Then they are given up and made again in theirs: the host may be at them
// first, and one that never ends must not keep from the host the very task that would
// have put it right.
const giveWay = 5 * time.Second

// lookahead is what was seen of the tasks that come next. It belongs to one
// playRun; only the probes themselves run in other goroutines.
type lookahead struct {
	window  int  // how many tasks to look at, the present one included
	held    bool // nothing has changed since the window was last filled
	seen    map[lookKey]*look
	asked   map[*playbook.Task]bool // tasks looked at and not yet taken
	blocked *playbook.Task          // the task that looking cannot pass before its turn
	pending sync.WaitGroup
	looks   int        // made so far
	joins   int        // how many tasks to look at in order to join them; below 1, how many turns to wait with that
	ready   []*look    // those of asked whose probes are not started
	asks    host.Round // what they ask at the same time, one command answers
}

type lookKey struct {
	t   *playbook.Task
	key string
}

// look is one probe made ahead. Its result may be read after done is closed.
type look struct {
	ctx  context.Context // of the probe
	stop context.CancelCauseFunc
	u    *use
	d    decodedStep
	h    host.Host
	c    *connection
	turn int // looks are made in the order of the turns
	done chan struct{}

	plan     module.Plan
	findings []module.Finding
	err      error
}

// aheadOf looks at the tasks that follow in items, the first of which has its
// turn, as far as their arguments are known. It asks again when half of what was
// asked is used up, so that answers keep coming.
func (pr *playRun) aheadOf(ctx context.Context, items []playbook.Item, tags []string) {
	a := &pr.ahead
	if a.seen == nil {
		a.window, a.joins, a.seen, a.asked = firstWindow, maxWindow, map[lookKey]*look{}, map[*playbook.Task]bool{}
	}
	a.askAgain()
	if len(a.seen) > a.window/2 || pr.r.opts.OneByOne || pr.r.opts.stopped() {
		return
	}
	if a.held {
		a.window = min(2*a.window, maxWindow)
	}
	// After acting together, what was done is looked at together.
	if !pr.apart {
		a.window = max(a.window, min(1+len(pr.joined), maxWindow))
	}
	a.held = true
	defer a.start()
	turn := true // of the first task
	look := func(t *playbook.Task, tags []string) bool {
		first := turn
		turn = false
		switch {
		case len(a.seen) >= a.window || !first && t == a.blocked:
			return false
		case a.asked[t] || !pr.r.opts.selected(append(tags[:len(tags):len(tags)], t.Meta.Tags...)):
			return true
		case !pr.lookAt(ctx, t):
			a.blocked = t
			return false
		}
		a.asked[t] = true
		return true
	}
	if !pr.upcoming(items, tags, look) {
		return
	}
	for i := len(pr.rest) - 1; i >= 0; i-- {
		if !pr.upcoming(pr.rest[i].items, pr.rest[i].tags, look) {
			return
		}
	}
}

// overlap looks at what comes next while a task that has acted proves itself:
// both only ask, and the host has changed already. Where the end of the task
// decides what comes or how it is asked, it does nothing.
func (pr *playRun) overlap(ctx context.Context, u *use) {
	m := u.t.Meta
	if pr.ahead.seen == nil || u.delegate != "" || u.t.Kind == "handler" || m.ForEach != nil || m.PointOfNoReturn || len(m.Notify) > 0 ||
		u.t.Info.Effects&(module.ChangesFacts|module.ReplacesPackages|module.Reboots|module.MayLoseConnection) != 0 {
		return
	}
	pr.aheadOf(ctx, nil, nil)
}

// lookAt makes the probes of one task ready. It reports false where looking further
// would be looking too far: what comes depends on this task.
func (pr *playRun) lookAt(ctx context.Context, t *playbook.Task) bool {
	m := t.Meta
	if m.PointOfNoReturn || m.Timeout > 0 || m.Retry != nil {
		return false
	}
	instances, ok := pr.instances(t)
	return ok && pr.lookAtAll(ctx, t, instances)
}

// instances lists the elements of a task's for_each, a nil one if it has none.
func (pr *playRun) instances(t *playbook.Task) ([]*playbook.Instance, bool) {
	if t.Meta.ForEach == nil {
		return []*playbook.Instance{nil}, true
	}
	v, diags := pr.of(t.Unit).Value(t.Meta.ForEach, nil)
	if diags.HasErrors() || !v.IsKnown() {
		return nil, false
	}
	list, err := playbook.Instances(v)
	if err != nil {
		return nil, false
	}
	out := make([]*playbook.Instance, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out, true
}

// lookAtAll is lookAt for some elements of a task.
func (pr *playRun) lookAtAll(ctx context.Context, t *playbook.Task, instances []*playbook.Instance) bool {
	m := t.Meta
	for _, in := range instances {
		u := newUse(pr, t, in)
		if m.When != nil {
			yes, known, out := pr.condition(pr.of(t.Unit), m.When, u.extra)
			if out.failed() || !known {
				return false
			}
			if !yes {
				continue
			}
		}
		if t.Info.Effects.Has(module.Local) || m.DelegateTo != nil || m.RunOnce || m.Throttle > 0 {
			continue // costs nothing when its turn comes
		}
		if !pr.probeAhead(ctx, u) {
			return false
		}
	}
	return true
}

// probeAhead decodes one use and makes its probe ready. Whoever calls it calls
// start.
func (pr *playRun) probeAhead(ctx context.Context, u *use) bool {
	d, out := u.decode()
	if out.failed() || len(d.unknown) > 0 {
		return false
	}
	if s, ok := d.step.(module.Solitary); ok && s.Solitary() {
		return false
	}
	if pr.st.conns[u.account(d, pr.st)] == nil || !pr.st.settled {
		return false // its turn will open the connection
	}
	h, c, err := u.host(ctx, d, pr.st)
	if err != nil {
		return false
	}
	pr.ahead.looks++
	l := &look{u: u, d: d, h: h, c: c, turn: pr.ahead.looks, done: make(chan struct{})}
	l.ctx, l.stop = context.WithCancelCause(ctx)
	u.look = l
	pr.ahead.seen[lookKey{u.t, u.key}] = l
	pr.ahead.ready = append(pr.ahead.ready, l)
	pr.ahead.pending.Add(1)
	return true
}

// start starts the probes that are ready, all at once: each is a member of the
// round before the first one asks.
func (a *lookahead) start() {
	ready := a.ready
	a.ready = nil
	leaves := make([]func(), len(ready))
	for i, l := range ready {
		l.ctx, leaves[i] = a.asks.Join(l.ctx)
	}
	for i, l := range ready {
		go func() {
			defer a.pending.Done()
			defer close(l.done)
			defer leaves[i]()
			defer l.stop(nil)
			l.probe()
		}()
	}
}

// makeWay lets what is looked at for other turns give way to what is waited for now,
// until the function it returns is called. A look whose turn it is is not in a.seen
// any more.
func (a *lookahead) makeWay() (over func() bool) {
	var later []context.CancelCauseFunc
	for _, l := range a.seen {
		if !l.over() {
			later = append(later, l.stop)
		}
	}
	if len(later) == 0 {
		return func() bool { return true }
	}
	return time.AfterFunc(giveWay, func() {
		for _, stop := range later {
			stop(host.ErrGivesWay)
		}
	}).Stop
}

// askAgain forgets the looks that gave way, so that they are made again together.
func (a *lookahead) askAgain() {
	for k, l := range a.seen {
		if l.over() && errors.Is(context.Cause(l.ctx), host.ErrGivesWay) {
			delete(a.seen, k)
			delete(a.asked, k.t)
		}
	}
}

// over reports whether the probe has ended.
func (l *look) over() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// probe asks the host.
func (l *look) probe() {
	defer func() {
		if recover() != nil { // its turn will meet the panic where it is told
			l.err = errNotSeen
		}
	}()
	if chk, ok := l.d.step.(module.Check); ok {
		l.findings, l.err = chk.Check(l.ctx, l.h)
	} else {
		l.plan, l.err = l.d.step.(module.Step).Probe(l.ctx, l.h)
	}
	if l.err == nil && l.ctx.Err() != nil { // what it saw may be half of it
		l.err = errNotSeen
	}
}

// taken returns the use of a task that was looked at ahead, or a fresh one. A
// look that ended in an error is dropped: the task looks again.
func (pr *playRun) taken(t *playbook.Task, in *playbook.Instance) *use {
	fresh := newUse(pr, t, in)
	key := lookKey{t, fresh.key}
	l := pr.ahead.seen[key]
	if l == nil {
		return fresh
	}
	delete(pr.ahead.seen, key)
	if !l.over() {
		defer pr.ahead.makeWay()()
		<-l.done
	}
	if l.err != nil {
		return fresh
	}
	return l.u
}

// stale drops what was seen, because the host is about to change. It returns
// when no probe is under way any more, so that none meets a half-made change; one that
// could not be stopped is not used.
func (pr *playRun) stale() {
	if pr.ahead.seen == nil {
		return
	}
	over := pr.ahead.makeWay()
	pr.ahead.pending.Wait()
	over()
	clear(pr.ahead.seen)
	clear(pr.ahead.asked)
	pr.ahead.window, pr.ahead.held, pr.ahead.blocked = 1, false, nil
}

func newUse(pr *playRun, t *playbook.Task, in *playbook.Instance) *use {
	u := &use{pr: pr, t: t}
	if in != nil {
		u.key = in.Key
		u.extra = map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": cty.StringVal(in.Key), "value": in.Value})}
	}
	return u
}
