package run

import (
	"context"
	"maps"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// playRun is one play on one host.
type playRun struct {
	st    *hostState
	r     *Runner
	pl    *playState
	play  *playbook.Play
	batch int
	gate  string          // set while the checks of a gate run
	scope *playbook.Scope // of the play itself

	scopes map[*playbook.Unit]*playbook.Scope // of the sets and hooks that were entered
	units  []*playbook.Unit                   // those with handlers, in the order entered
	rest   []cursor                           // what follows around the items that run, outermost first

	notified map[*playbook.Task]bool // handlers that are to run
	carried  map[*playbook.Task]bool // those of them that an earlier run owes
	ending   bool                    // in an always block: it is done in any case
	rescued  bool                    // something failed and a rescue block made up for it
	ahead    lookahead
	joined   map[lookKey]*companion // changed in an earlier task's turn, their own still to come
	apart    bool                   // acting together has failed once: no more of it
}

func (pr *playRun) run(ctx context.Context) outcome {
	if out := pr.begin(ctx); out.failed() {
		return out
	}
	defer pr.stale() // no probe outlives the play
	if out := pr.items(ctx, pr.play.Items, pr.play.Tags); out.failed() {
		return out
	}
	return pr.handlers(ctx)
}

// only runs items outside the play's own list.
func (pr *playRun) only(ctx context.Context, items []playbook.Item) outcome {
	if out := pr.begin(ctx); out.failed() {
		return out
	}
	defer pr.stale()
	return pr.items(ctx, items, nil)
}

// begin makes variables, facts and local values known.
func (pr *playRun) begin(ctx context.Context) outcome {
	scope, diags := pr.r.pb.NewScope(pr.play, pr.r.globals, pr.st.info.HostInfo)
	if diags.HasErrors() {
		return diagOutcome(diags)
	}
	pr.scope = scope
	pr.st.tellPresent(scope)
	pr.r.emit.keep(scope.Secrets()...) // also where one is a part of an argument
	if out := pr.gather(ctx); out.failed() {
		return out
	}
	return diagOutcome(scope.Locals())
}

// known are the facts of earlier runs that the playbook mentions, unless something
// has changed the host since this run began, and the names of those that are missing.
func (pr *playRun) known() (facts host.Facts, missing []string) {
	facts = host.Facts{}
	var have host.Facts
	if pr.r.opts.Known != nil && !pr.st.altered {
		have = pr.r.opts.Known(pr.st.info.Name)
	}
	for _, n := range pr.r.pb.Facts {
		if v, ok := have[n]; ok && n != "user" { // that one is of the connection
			facts[n] = v
		} else {
			missing = append(missing, n)
		}
	}
	return facts, missing
}

// gather makes the facts the playbook mentions known.
func (pr *playRun) gather(ctx context.Context) outcome {
	if len(pr.r.pb.Facts) == 0 {
		return outcome{status: event.OK}
	}
	facts, missing := pr.known()
	if len(missing) == 0 {
		pr.scope.SetFacts(facts)
		return outcome{status: event.OK}
	}
	c, err := pr.st.conn(ctx, pr.become(nil), pr.play.BecomeUser)
	if err != nil {
		return failure(err, nil)
	}
	seen, err := c.h.Facts(ctx, missing...)
	if err != nil {
		return failure(err, nil)
	}
	if pr.r.opts.Learned != nil {
		pr.r.opts.Learned(pr.st.info.Name, seen)
	}
	maps.Copy(facts, seen)
	pr.scope.SetFacts(facts)
	return outcome{status: event.OK}
}

// become decides whether a task runs as the become user: the task's word, then
// the play's, then the inventory's.
func (pr *playRun) become(t *playbook.Task) bool {
	switch {
	case t != nil && t.Meta.Become != nil:
		return *t.Meta.Become
	case t != nil && t.Unit.Become != nil:
		return *t.Unit.Become
	case pr.play.Become != nil:
		return *pr.play.Become
	}
	return pr.st.info.Become
}

// items runs tasks, blocks, uses and calls in order until one fails.
func (pr *playRun) items(ctx context.Context, items []playbook.Item, tags []string) outcome {
	for i, it := range items {
		var out outcome
		if t, ok := it.(*playbook.Task); ok {
			if pr.r.opts.selected(append(tags[:len(tags):len(tags)], t.Meta.Tags...)) {
				out = pr.needs(ctx, t.Needs)
			}
			if !out.failed() {
				pr.aheadOf(ctx, items[i:], tags)
				leave := pr.follow(items[i+1:], tags)
				out = pr.task(ctx, t, tags)
				leave()
			}
		} else {
			leave := pr.follow(items[i+1:], tags)
			switch it := it.(type) {
			case *playbook.Block:
				out = pr.block(ctx, it, tags)
			case *playbook.Use:
				out = pr.useSet(ctx, it, tags)
			case *playbook.Call:
				out = pr.call(ctx, it, tags)
			case *playbook.Flush:
				out = pr.handlers(ctx)
			}
			leave()
		}
		if out.failed() {
			return out
		}
	}
	return outcome{status: event.OK}
}

func (pr *playRun) block(ctx context.Context, b *playbook.Block, tags []string) outcome {
	tags = append(tags[:len(tags):len(tags)], b.Tags...)
	if out := pr.needs(ctx, b.Needs); out.failed() {
		return out
	}
	if b.When != nil {
		yes, known, out := pr.condition(pr.of(b.Unit), b.When, nil)
		switch {
		case out.failed():
			return out
		case known && !yes:
			pr.skipItems([]playbook.Item{b})
			return outcome{status: event.OK}
		}
	}
	leave := pr.follow(b.Always, tags)
	out := pr.items(ctx, b.Items, tags)
	if out.failed() {
		pr.missedTurns() // before the rescue, which may ask for them and the handlers
		pr.unreached(b.Items)
	}
	if out.failed() && out.status != event.Interrupted && pr.selectedIn(b.Rescue, tags) { // one that tags leave out makes up for nothing
		pr.rescued = true
		if out = pr.items(ctx, b.Rescue, tags); out.failed() {
			pr.unreached(b.Rescue)
		}
	}
	leave()
	if len(b.Always) > 0 && (out.status != event.Interrupted || out.held) {
		before := pr.ending
		pr.ending = pr.ending || out.held
		defer func() { pr.ending = before }()
		if last := pr.items(ctx, b.Always, tags); last.failed() && !out.failed() {
			out = last
		}
	}
	return out
}

// condition evaluates a condition; known is false if it depends on what a plan
// cannot know. In a run that is a failure: nothing may be done on a guess.
func (pr *playRun) condition(scope *playbook.Scope, e hclsyntax.Expression, extra map[string]cty.Value) (yes, known bool, out outcome) {
	v, diags := scope.Value(e, extra)
	if diags.HasErrors() {
		return false, false, diagOutcome(diags)
	}
	v, _ = v.Unmark()
	switch {
	case !v.IsKnown() && pr.r.opts.Mode == Plan:
		return false, false, outcome{status: event.OK}
	case !v.IsKnown():
		rng := e.Range()
		return false, false, outcome{status: event.Failed, err: &event.Error{
			Summary: "Condition not known", File: rng.Filename, Line: rng.Start.Line,
			Detail: "The condition depends on a result that did not come about, or on a fact the host does not have, so whether it holds is not known. Where that may be, give a value for it, for example with try() or coalesce().",
		}}
	}
	b, err := convert.Convert(v, cty.Bool)
	if err != nil || b.IsNull() {
		rng := e.Range()
		return false, false, outcome{status: event.Failed, err: &event.Error{
			Summary: "Condition is not true or false", File: rng.Filename, Line: rng.Start.Line,
			Detail: "A condition must give true or false; this one gives " + v.Type().FriendlyName() + ".",
		}}
	}
	return b.True(), true, outcome{status: event.OK}
}

// skip reports a task that does not run and makes its result known.
func (pr *playRun) skip(t *playbook.Task) {
	pr.report(t, "", event.Event{Status: event.Skipped})
	if s := pr.of(t.Unit); s != nil { // nil in a set that was not entered
		s.SetResult(t, skippedResult(t))
	}
}
