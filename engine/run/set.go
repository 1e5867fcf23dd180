package run

import (
	"context"
	"strconv"

	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// of returns the scope of a unit: the play's, or that of a set or hook that was
// entered. It is nil for one that was not.
func (pr *playRun) of(u *playbook.Unit) *playbook.Scope {
	if u == &pr.r.pb.Unit {
		return pr.scope
	}
	return pr.scopes[u]
}

// allHandlers are the handlers of the play and of the sets and stacks it has
// entered on this host, in this order.
func (pr *playRun) allHandlers() []*playbook.Task {
	out := pr.play.Handlers[:len(pr.play.Handlers):len(pr.play.Handlers)]
	for _, u := range pr.units {
		out = append(out, u.Handlers...)
	}
	return out
}

// useSet runs the tasks of a set, once or for each element of its for_each.
func (pr *playRun) useSet(ctx context.Context, u *playbook.Use, tags []string) outcome {
	tags = append(tags[:len(tags):len(tags)], u.Tags...)
	if out := pr.needs(ctx, u.Needs); out.failed() {
		return out
	}
	outer := pr.of(u.Outer)
	if u.ForEach == nil {
		outputs, out := pr.enter(ctx, u, nil, tags)
		outer.Leave(u, outputs)
		return out
	}
	v, diags := outer.Value(u.ForEach, nil)
	switch {
	case diags.HasErrors():
		return pr.failItem(u, diagOutcome(diags))
	case !v.IsKnown() && pr.r.opts.Mode == Plan:
		pr.announce(u.Unit.Items, tags, "the elements of for_each are known after apply")
		return outcome{status: event.OK}
	case !v.IsKnown():
		return pr.failItem(u, outcome{status: event.Failed, err: &event.Error{Summary: "Elements of for_each not known", Detail: "The value of for_each depends on a result that did not come about."}})
	}
	instances, err := playbook.Instances(v)
	if err != nil {
		return pr.failItem(u, outcome{status: event.Failed, err: &event.Error{Summary: "Wrong type of value", Detail: err.Error()}})
	}
	results := map[string]cty.Value{}
	for i, in := range instances {
		leave := func() {}
		if i+1 < len(instances) { // what comes next is not what comes after the use
			leave = pr.follow([]playbook.Item{u}, tags)
		}
		each := map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": cty.StringVal(in.Key), "value": in.Value})}
		outputs, out := pr.enter(ctx, u.Instance(in.Key), each, tags)
		leave()
		if results[in.Key] = outputs; out.failed() {
			outer.Leave(u, cty.ObjectVal(results))
			return out
		}
	}
	outer.Leave(u, cty.ObjectVal(results))
	return outcome{status: event.OK}
}

// enter runs one instance of a use and returns its outputs.
func (pr *playRun) enter(ctx context.Context, u *playbook.Use, each map[string]cty.Value, tags []string) (cty.Value, outcome) {
	outer := pr.of(u.Outer)
	if u.When != nil {
		yes, known, out := pr.condition(outer, u.When, each)
		switch {
		case out.failed():
			return cty.DynamicVal, pr.failItem(u, out)
		case known && !yes:
			pr.skipItems(u.Unit.Items)
			return playbook.NullOutputs(u), outcome{status: event.OK}
		case !known && pr.r.opts.Mode == Plan:
			pr.announce(u.Unit.Items, tags, "whether it runs is known after apply")
			return cty.DynamicVal, outcome{status: event.OK}
		}
	}
	inner, diags := outer.Enter(u, each)
	pr.r.emit.keep(inner.Secrets()...)
	if diags.HasErrors() {
		return cty.DynamicVal, pr.failItem(u, diagOutcome(diags))
	}
	pr.scopes[u.Unit] = inner
	pr.units = append(pr.units, u.Unit)
	pr.carryOver(u.Unit.Handlers)
	if diags := inner.Locals(); diags.HasErrors() {
		return cty.DynamicVal, pr.failItem(u, diagOutcome(diags))
	}
	out := pr.items(ctx, u.Unit.Items, tags)
	if out.failed() {
		pr.unreached(u.Unit.Items)
	}
	outputs, diags := inner.Outputs()
	if !out.failed() && diags.HasErrors() {
		out = pr.failItem(u, diagOutcome(diags))
	}
	return outputs, out
}

// failItem reports the failure of a use, which none of its tasks has told.
func (pr *playRun) failItem(u *playbook.Use, out outcome) outcome {
	out.task = u.Address()
	pr.st.counts[out.status]++
	ev := event.Event{
		Kind: event.TaskFinished, Play: pr.play.Name, Batch: pr.batch, Host: pr.st.info.Name,
		Task: u.Address(), Place: placeOf(u.Range.Filename, u.Range.Start.Line), Status: out.status, Error: out.err,
	}
	if ev.Error != nil && ev.Error.File == "" {
		e := *ev.Error
		e.File, e.Line = u.Range.Filename, u.Range.Start.Line
		ev.Error = &e
	}
	pr.r.emit.emit(ev)
	return out
}

// skipItems reports items that do not run and makes their results known.
func (pr *playRun) skipItems(items []playbook.Item) {
	for _, it := range items {
		switch it := it.(type) {
		case *playbook.Task:
			pr.skip(it)
		case *playbook.Block:
			pr.skipItems(it.Items)
			pr.skipItems(it.Rescue)
			pr.skipItems(it.Always)
		case *playbook.Use:
			pr.skipItems(it.Unit.Items)
			if s := pr.of(it.Outer); s != nil {
				s.Leave(it, playbook.NullOutputs(it))
			}
		}
	}
}

// unreached makes known that items after a failure did not run, to those who ask
// in rescue and always: a result that is not known would be taken for anything.
func (pr *playRun) unreached(items []playbook.Item) {
	for _, it := range items {
		switch it := it.(type) {
		case *playbook.Task:
			if s := pr.of(it.Unit); s != nil && !s.HasResult(it) {
				s.SetResult(it, skippedResult(it))
			}
		case *playbook.Block:
			pr.unreached(it.Items)
			pr.unreached(it.Rescue)
			pr.unreached(it.Always)
		case *playbook.Use:
			if s := pr.of(it.Outer); s != nil && !s.HasOutputs(it) {
				s.Leave(it, playbook.NullOutputs(it))
			}
		}
	}
}

// announce reports, in a plan, tasks of which it is not known whether they run.
func (pr *playRun) announce(items []playbook.Item, tags []string, why string) {
	for _, it := range items {
		switch it := it.(type) {
		case *playbook.Task:
			if pr.r.opts.selected(append(tags[:len(tags):len(tags)], it.Meta.Tags...)) {
				pr.st.changes = true
				pr.report(it, "", event.Event{Status: event.Planned, Message: why})
			}
		case *playbook.Block:
			inner := append(tags[:len(tags):len(tags)], it.Tags...)
			pr.announce(it.Items, inner, why)
			pr.announce(it.Always, inner, why)
		case *playbook.Use:
			pr.announce(it.Unit.Items, append(tags[:len(tags):len(tags)], it.Tags...), why)
		}
	}
}

// placeOf is file:line.
func placeOf(file string, line int) string { return file + ":" + strconv.Itoa(line) }
