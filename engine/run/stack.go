package run

import (
	"context"
	"slices"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// presence is whether a host has a stack. It is found once in a run, since the
// hooks that bring a stack back are called when it cannot be seen any more.
type presence struct {
	here      bool
	undecided bool // a plan cannot tell
}

// stackName is how events name a stack.
func stackName(st *playbook.Stack) string { return "stack." + st.Name }

// remember takes over what the run that is resumed has found: what it has done
// since may hide it.
func (st *hostState) remember() {
	if st.r.opts.Resume == nil {
		return
	}
	for _, stack := range st.r.pb.Stacks {
		if here, known := st.r.opts.Resume.Present[st.info.Name][stackName(stack)]; known {
			st.present[stack] = presence{here: here}
		}
	}
}

// tellPresent makes known to a play what earlier ones have found.
func (st *hostState) tellPresent(s *playbook.Scope) {
	for stack, p := range st.present {
		if !p.undecided {
			s.SetPresent(stack, p.here)
		}
	}
}

// needs detects the stacks that an expression mentions.
func (pr *playRun) needs(ctx context.Context, stacks []*playbook.Stack) outcome {
	for _, st := range stacks {
		if out := pr.detect(ctx, st, nil); out.failed() {
			return out
		}
	}
	return outcome{status: event.OK}
}

// call runs one hook of the stacks the host has.
func (pr *playRun) call(ctx context.Context, c *playbook.Call, tags []string) outcome {
	tags = append(tags[:len(tags):len(tags)], c.Tags...)
	if out := pr.needs(ctx, c.Needs); out.failed() {
		return out
	}
	why := "whether the host has the stack is decided after the tasks before it have changed the host"
	undecided := false
	if c.When != nil {
		yes, known, out := pr.condition(pr.scope, c.When, nil)
		switch {
		case out.failed():
			return out
		case known && !yes:
			return outcome{status: event.OK}
		case !known && pr.r.opts.Mode == Plan:
			undecided, why = true, "whether it runs is known after apply"
		}
	}
	if !pr.anySelected(c, tags) {
		return outcome{status: event.OK}
	}
	for i, st := range c.Stacks {
		if out := pr.detect(ctx, st, c.Stacks[i:]); out.failed() {
			return out
		}
	}
	for i, st := range c.Stacks {
		p := pr.st.present[st]
		if !p.here && !p.undecided {
			continue
		}
		base, out := pr.stackScope(st)
		if out.failed() {
			return out
		}
		hook := c.Units[i]
		pr.scopes[hook] = base.EnterHook(hook)
		if p.undecided || undecided {
			pr.announce(hook.Items, tags, why)
			continue
		}
		next := &playbook.Call{Hook: c.Hook, Stacks: c.Stacks[i+1:], Units: c.Units[i+1:], Unit: c.Unit}
		leave := pr.follow([]playbook.Item{next}, tags)
		out = pr.items(ctx, hook.Items, tags)
		if leave(); out.failed() {
			return out
		}
	}
	return outcome{status: event.OK}
}

// anySelected reports whether a task of the call is to run, as far as tags say.
func (pr *playRun) anySelected(c *playbook.Call, tags []string) bool {
	for _, u := range c.Units {
		if pr.selectedIn(u.Items, tags) {
			return true
		}
	}
	return false
}

func (pr *playRun) selectedIn(items []playbook.Item, tags []string) bool {
	with := func(more []string) []string { return append(tags[:len(tags):len(tags)], more...) }
	return slices.ContainsFunc(items, func(it playbook.Item) bool {
		switch it := it.(type) {
		case *playbook.Task:
			return pr.r.opts.selected(with(it.Meta.Tags))
		case *playbook.Block:
			in := with(it.Tags)
			return pr.selectedIn(it.Items, in) || pr.selectedIn(it.Rescue, in) || pr.selectedIn(it.Always, in)
		case *playbook.Use:
			return pr.selectedIn(it.Unit.Items, with(it.Tags))
		case *playbook.Call:
			return pr.anySelected(it, with(it.Tags))
		case *playbook.Flush:
			return true
		}
		return false
	})
}

// stackScope returns the scope of a stack's variables and handlers, made at
// first use in a play.
func (pr *playRun) stackScope(st *playbook.Stack) (*playbook.Scope, outcome) {
	if s := pr.scopes[st.Unit]; s != nil {
		return s, outcome{status: event.OK}
	}
	s, diags := pr.scope.EnterStack(st)
	pr.r.emit.keep(s.Secrets()...)
	if !diags.HasErrors() {
		diags = s.Locals()
	}
	if diags.HasErrors() {
		return nil, diagOutcome(diags)
	}
	pr.scopes[st.Unit] = s
	pr.units = append(pr.units, st.Unit)
	pr.carryOver(st.Unit.Handlers)
	return s, outcome{status: event.OK}
}

// enterDetect makes the scope of the hook that detects a stack.
func (pr *playRun) enterDetect(st *playbook.Stack) outcome {
	base, out := pr.stackScope(st)
	if !out.failed() && pr.scopes[st.Detect] == nil {
		pr.scopes[st.Detect] = base.EnterHook(st.Detect)
	}
	return out
}

// detect finds out whether the host has a stack, once in a run. The stacks that
// are detected next are looked at in the same round trip.
func (pr *playRun) detect(ctx context.Context, st *playbook.Stack, next []*playbook.Stack) outcome {
	ok := outcome{status: event.OK}
	if _, known := pr.st.present[st]; known {
		return ok
	}
	p, out := pr.looksPresent(ctx, st, next)
	if out.failed() {
		return out
	}
	pr.st.present[st] = p
	if !p.undecided {
		pr.scope.SetPresent(st, p.here)
		ev := event.Event{Kind: event.StackDetected, Play: pr.play.Name, Batch: pr.batch, Host: pr.st.info.Name, Task: stackName(st), Status: event.OK}
		if !p.here {
			ev.Status = event.Skipped
		}
		pr.r.emit.emit(ev)
	}
	return ok
}

func (pr *playRun) looksPresent(ctx context.Context, st *playbook.Stack, next []*playbook.Stack) (presence, outcome) {
	ok := outcome{status: event.OK}
	if st.When != nil {
		yes, known, out := pr.condition(pr.scope, st.When, nil)
		switch {
		case out.failed():
			return presence{}, out
		case !known:
			return presence{undecided: true}, ok
		case !yes:
			return presence{}, ok
		}
	}
	if st.Detect == nil {
		return presence{here: true}, ok
	}
	if out := pr.enterDetect(st); out.failed() {
		return presence{}, out
	}
	var after []playbook.Item
	for _, n := range next {
		if _, known := pr.st.present[n]; n != st && !known && n.Detect != nil && n.When == nil && !pr.enterDetect(n).failed() {
			after = append(after, n.Detect.Items...)
		}
	}
	leave := pr.follow(after, []string{"always"})
	defer leave()
	passed, undecided := 0, false
	for i, it := range st.Detect.Items {
		pr.aheadOf(ctx, st.Detect.Items[i:], []string{"always"})
		t, _ := it.(*playbook.Task) // Load allows nothing else
		switch status, out := pr.detectCheck(ctx, t); {
		case out.failed():
			return presence{}, out
		case status == event.Failed:
			return presence{}, ok
		case status == event.OK:
			passed++
		case status == event.Undecided:
			undecided = true
		}
	}
	return presence{here: passed > 0, undecided: undecided}, ok
}

// detectCheck runs one check of a hook "detect". Failed is "not here", which is
// no failure; a check that could not be made is one.
func (pr *playRun) detectCheck(ctx context.Context, t *playbook.Task) (event.Status, outcome) {
	ok := outcome{status: event.OK}
	if pr.r.opts.stopped() || ctx.Err() != nil || pr.r.emit.err() != nil {
		return "", outcome{status: event.Interrupted, err: &event.Error{Summary: "Interrupted before " + t.Address()}}
	}
	u := pr.taken(t, nil)
	if t.Meta.When != nil {
		yes, known, out := pr.condition(pr.of(t.Unit), t.Meta.When, nil)
		switch {
		case out.failed():
			return "", pr.fail(t, "", out)
		case !known && pr.r.opts.Mode == Plan:
			return event.Undecided, ok
		case known && !yes:
			pr.report(t, "", event.Event{Status: event.Skipped})
			return event.Skipped, ok
		}
	}
	start := time.Now()
	pr.r.emit.emit(pr.event(t, "", event.Event{Kind: event.TaskStarted}))
	ev, res := u.attempts(ctx)
	ev.Duration = time.Since(start)
	pr.of(t.Unit).SetResult(t, res)
	status := ev.Status
	if status == event.Failed && u.ran && (len(ev.Findings) > 0 || t.Meta.FailedWhen != nil) {
		message := "not here"
		if len(ev.Findings) > 0 {
			message += ": " + ev.Findings[0].Summary
		}
		ev = event.Event{Status: event.Skipped, Message: message, Duration: ev.Duration}
	}
	if t.Meta.Sensitive {
		ev = hideValues(ev)
	}
	pr.report(t, "", ev)
	return status, outcome{status: ev.Status, err: ev.Error, task: t.Address()}
}
