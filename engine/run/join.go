package run

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// Joining: when a task is about to act, the tasks that follow it directly and
// can act in one go with it (packages in one transaction, small files in one
// request) do so. Each of them
// still has its turn, its intent in the journal before anything acts, its own
// look at the host afterwards and its own result. If the joint action fails,
// every task acts alone, so that each failure is told where it belongs.

// joint is an action that several uses share.
type joint struct {
	step   module.Step
	shared []*companion // in the order of their turns, without the one that acts
}

// companion is a use whose change was made in the turn of an earlier task.
type companion struct {
	key     lookKey
	use     *use
	changes []module.Change
	own     map[string]cty.Value // what its module told before
	with    string               // the address of the task in whose turn it was made
	tried   bool                 // acting together failed: it may have been changed or not
}

// join finds the uses that act in one go with u, whose turn it is. It returns
// nil if there are none. Nothing may have changed since s was probed.
func (u *use) join(ctx context.Context, s module.Step) *joint {
	pr := u.pr
	if _, ok := s.(module.Joiner); !ok || pr.ahead.seen == nil || pr.apart || pr.r.opts.OneByOne || pr.r.opts.Confirm != nil || !u.leads() {
		return nil
	}
	j := &joint{step: s}
	following := pr.following(ctx, u)
	defer func() { pr.ahead.tried(len(following), j) }()
	defer pr.ahead.makeWay()()
	for _, l := range following {
		<-l.done
		changes, fits := u.fits(l)
		if !fits {
			break
		}
		next, ok := j.step.(module.Joiner).Join(l.d.step.(module.Step))
		if !ok {
			break
		}
		j.step = next
		if len(changes) == 0 { // nothing to do there: what follows is adjacent all the same
			continue
		}
		j.shared = append(j.shared, &companion{key: lookKey{l.u.t, l.u.key}, use: l.u, changes: changes, own: results(l.d.step), with: u.address()})
	}
	if len(j.shared) == 0 {
		return nil
	}
	return j
}

// leads reports whether other uses may act in u's turn: not where what becomes of
// u decides about them, where u is bound in time or place, or acts as another user
// than the connection's, which files are not written as.
func (u *use) leads() bool {
	m := u.t.Meta
	return u.t.Kind == "task" && u.pr.gate == "" && u.delegate == "" && u.terms.User == "" && len(u.sensitive) == 0 && !m.PointOfNoReturn && !m.RunOnce && !m.Sensitive &&
		m.Throttle == 0 && m.Timeout == 0 && m.Retry == nil && m.FailedWhen == nil
}

// fits reports whether what l saw can be changed in u's turn, with the changes.
func (u *use) fits(l *look) ([]module.Change, bool) {
	if l.err != nil || l.u.t.Meta.Sensitive || l.u.t.Meta.FailedWhen != nil || l.u.t.SeesFacts && u.altersFacts() || !reflect.DeepEqual(l.u.terms, u.terms) || len(l.u.sensitive) > 0 {
		return nil, false
	}
	if len(l.plan) > 0 && l.u.unplanned(l.plan) != nil {
		return nil, false
	}
	return l.u.visible(l.plan), true
}

// following are the looks at the rest of u's for_each and at the tasks that can be
// joined and come directly after it. It looks at those that were not seen as far as
// that can be done before u acts and has paid lately: what does not join was looked
// at in vain, because u acts.
func (pr *playRun) following(ctx context.Context, u *use) []*look {
	defer pr.ahead.start()
	more := max(0, pr.ahead.joins)
	unseen, ok := pr.unseenAfter(u)
	if !ok {
		return nil
	}
	whole := len(unseen) <= more
	unseen = unseen[:min(more, len(unseen))]
	more -= len(unseen)
	whole = pr.lookAtAll(ctx, u.t, unseen) && whole
	out := pr.seenOf(u.t)
	if !whole {
		return out
	}
	for _, t := range pr.adjacent(u.t) {
		if !pr.ahead.asked[t] {
			if more == 0 || !pr.lookAt(ctx, t) {
				break
			}
			pr.ahead.asked[t] = true
			more--
		}
		out = append(out, pr.seenOf(t)...)
	}
	return out
}

// joinPause is after how many tasks that act it is tried again whether those that
// follow join, where they last did not.
const joinPause = 4

// tried draws the consequences of an attempt to join so many looks.
func (a *lookahead) tried(looks int, j *joint) {
	switch {
	case len(j.shared) > 0:
		a.joins = min(maxWindow, max(firstWindow, 2*len(j.shared)))
	case looks > 0:
		a.joins = -joinPause
	case a.joins < 1:
		a.joins++
	}
}

// adjacent are the tasks that run directly after t, can be joined, and run on the
// host itself and on its own account.
func (pr *playRun) adjacent(t *playbook.Task) (out []*playbook.Task) {
	if len(pr.rest) == 0 {
		return nil
	}
	next := pr.rest[len(pr.rest)-1]
	for _, it := range next.items {
		n, ok := it.(*playbook.Task)
		if !ok || len(out) == maxWindow || !joins(n) || n.Meta.DelegateTo != nil || n.Meta.RunOnce || n.Meta.Throttle > 0 {
			break
		}
		if !n.In(pr.r.opts.Skip) && pr.r.opts.selected(append(next.tags[:len(next.tags):len(next.tags)], n.Meta.Tags...)) {
			out = append(out, n)
		}
	}
	return out
}

// joins reports whether a task's module can act in one go with others.
func joins(t *playbook.Task) bool {
	if t.Kind != "task" {
		return false
	}
	_, ok := t.Info.New().(module.Joiner)
	return ok
}

// altersFacts reports whether u's module may change what was gathered.
func (u *use) altersFacts() bool {
	return u.t.Info.Effects&(module.ChangesFacts|module.ReplacesPackages|module.Reboots) != 0
}

// seenOf is what was seen of a task's uses, in the order of their turns.
func (pr *playRun) seenOf(t *playbook.Task) (out []*look) {
	for k, l := range pr.ahead.seen {
		if k.t == t {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b *look) int { return a.turn - b.turn })
	return out
}

// unseenAfter are the elements of u's for_each that come after it and were not
// looked at; it reports false if they are not known.
func (pr *playRun) unseenAfter(u *use) ([]*playbook.Instance, bool) {
	if u.t.Meta.ForEach == nil {
		return nil, true
	}
	list, ok := pr.instances(u.t)
	i := slices.IndexFunc(list, func(in *playbook.Instance) bool { return in.Key == u.key })
	if !ok || i < 0 {
		return nil, false
	}
	return slices.DeleteFunc(list[i+1:], func(in *playbook.Instance) bool { return pr.ahead.seen[lookKey{u.t, in.Key}] != nil }), true
}

// intend makes the intents of all companions durable.
func (j *joint) intend(pr *playRun) {
	for _, c := range j.shared {
		ev := event.Event{Kind: event.TaskApplying, Changes: c.changes, Notify: notifies(c.use.t), Message: "together with " + c.with}
		pr.r.emit.emit(pr.event(c.use.t, c.use.key, ev))
	}
}

// applyJoint acts for u and its companions, or for u alone if that fails.
func (u *use) applyJoint(ctx context.Context, j *joint, s module.Step, h host.Host, c *connection, plan module.Plan) error {
	if j == nil {
		return u.apply(ctx, s, h, c, plan)
	}
	err := u.apply(ctx, j.step, h, c, plan)
	if u.pr.joined == nil {
		u.pr.joined = map[lookKey]*companion{}
	}
	for _, c := range j.shared {
		c.tried = err != nil
		u.pr.joined[c.key] = c
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil || errors.Is(err, host.ErrUnreachable) || errors.Is(err, host.ErrUnknown) || errors.Is(err, host.ErrLocked):
		return err
	}
	u.pr.apart = true
	u.pr.r.emit.emit(u.pr.event(u.t, u.key, event.Event{Kind: event.TaskOutput, Message: "ferry: together with the tasks that follow it failed, so each acts alone: " + firstLine(err.Error())}))
	return u.apply(ctx, s, h, c, plan)
}

// companion returns and forgets what was changed for u in an earlier turn; nil
// if nothing was.
func (u *use) companion() *companion {
	key := lookKey{u.t, u.key}
	c := u.pr.joined[key]
	delete(u.pr.joined, key)
	return c
}

// due reports whether a task was acted for and has its turn still to come: it
// only looks, so it has it also in a run that stops.
func (pr *playRun) due(t *playbook.Task) bool {
	for k, c := range pr.joined {
		if k.t == t && !c.tried {
			return true
		}
	}
	return false
}

// turnless is the result of an element of t's for_each whose turn does not come.
func (pr *playRun) turnless(t *playbook.Task, key string) cty.Value {
	if c := pr.joined[lookKey{t, key}]; c != nil && !c.tried {
		return resultValue(t.Kind, event.Changed, nil, c.own)
	}
	return skippedUse(t)
}

// missedTurns tells of what was changed for tasks whose turn never came, because
// the play ended before. What they notify is owed.
func (pr *playRun) missedTurns() {
	var left []*companion
	for _, c := range pr.joined {
		left = append(left, c)
	}
	slices.SortFunc(left, func(a, b *companion) int { return strings.Compare(a.use.address(), b.use.address()) })
	for _, c := range left {
		ev := event.Event{Status: event.Changed, Changes: c.changes, Message: "changed together with " + c.with + "; the play ended before it was looked at again"}
		pr.notify(c.use.t, ev)
		if c.tried { // what came of it nobody has seen; the handler runs rather once too often
			continue
		}
		pr.report(c.use.t, c.use.key, ev)
		if s := pr.of(c.use.t.Unit); s != nil && c.use.key == "" {
			s.SetResult(c.use.t, resultValue(c.use.t.Kind, event.Changed, nil, c.own))
		}
	}
	pr.joined = nil
}
