package run

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// task runs one task: tags, condition, each instance of for_each, result,
// notifications.
func (pr *playRun) task(ctx context.Context, t *playbook.Task, tags []string) outcome {
	due := pr.due(t)
	if pr.r.opts.stopped() && !due || ctx.Err() != nil || pr.r.emit.err() != nil {
		return outcome{status: event.Interrupted, err: &event.Error{Summary: "Interrupted before " + t.Address()}}
	}
	if why := pr.heldBack(); why != "" && !due {
		return outcome{status: event.Interrupted, held: true, err: &event.Error{Summary: "Stopped before " + t.Address() + ": " + why}}
	}
	if t.In(pr.r.opts.Skip) {
		pr.of(t.Unit).SetResult(t, skippedResult(t))
		return outcome{status: event.OK}
	}
	if t.Kind != "handler" && pr.gate == "" && !pr.r.opts.selected(append(tags[:len(tags):len(tags)], t.Meta.Tags...)) {
		pr.of(t.Unit).SetResult(t, skippedResult(t))
		return outcome{status: event.OK}
	}
	if t.Meta.ForEach == nil {
		res, out := pr.instance(ctx, t, nil)
		pr.of(t.Unit).SetResult(t, res)
		return out
	}
	v, diags := pr.of(t.Unit).Value(t.Meta.ForEach, nil)
	if diags.HasErrors() {
		return pr.fail(t, "", diagOutcome(diags))
	}
	if !v.IsKnown() {
		if pr.r.opts.Mode == Plan {
			pr.st.changes = true
			pr.report(t, "", event.Event{Status: event.Planned, Message: "the elements of for_each are known after apply"})
			return outcome{status: event.OK}
		}
		return pr.fail(t, "", outcome{status: event.Failed, err: &event.Error{Summary: "Elements of for_each not known", Detail: "The value of for_each depends on a result that did not come about."}})
	}
	instances, err := playbook.Instances(v)
	if err != nil {
		return pr.fail(t, "", outcome{status: event.Failed, err: &event.Error{Summary: "Wrong type of value", Detail: err.Error()}})
	}
	results := map[string]cty.Value{}
	for i := range instances {
		res, out := pr.instance(ctx, t, &instances[i])
		results[instances[i].Key] = res
		if out.failed() {
			for _, in := range instances[i+1:] { // a rescue may ask
				results[in.Key] = pr.turnless(t, in.Key)
			}
			pr.of(t.Unit).SetResult(t, cty.ObjectVal(results))
			return out
		}
	}
	pr.of(t.Unit).SetResult(t, cty.ObjectVal(results))
	return outcome{status: event.OK}
}

// instance runs a task, or one element of its for_each, with its retries.
func (pr *playRun) instance(ctx context.Context, t *playbook.Task, in *playbook.Instance) (cty.Value, outcome) {
	u := pr.taken(t, in)
	if t.Meta.When != nil {
		yes, known, out := pr.condition(pr.of(t.Unit), t.Meta.When, u.extra)
		switch {
		case out.failed():
			return skippedUse(t), pr.fail(t, u.key, out)
		case known && !yes:
			pr.report(t, u.key, event.Event{Status: event.Skipped})
			return skippedUse(t), outcome{status: event.OK}
		case !known && pr.r.opts.Mode == Plan:
			pr.st.changes = true
			pr.report(t, u.key, event.Event{Status: event.Planned, Message: "whether it runs is known after apply"})
			return cty.DynamicVal, outcome{status: event.OK}
		}
	}
	if t.Meta.RunOnce {
		return pr.shared(ctx, t, in, func() (cty.Value, outcome) { return pr.use(ctx, u) })
	}
	return pr.use(ctx, u)
}

// use runs one use of a module with its retries.
func (pr *playRun) use(ctx context.Context, u *use) (cty.Value, outcome) {
	t := u.t
	if t.Info.Effects.Has(module.Action) && !t.ResultUsed && pr.pl.acted(pr.st, t, u.address()) {
		pr.st.beyond = pr.st.beyond || t.Meta.PointOfNoReturn
		pr.report(t, u.key, event.Event{Status: event.Skipped, Message: "done in run " + pr.r.opts.Resume.Run})
		return actedResult(t), outcome{status: event.OK}
	}
	leave, ok := pr.pl.enter(ctx, t)
	if !ok {
		return skippedUse(t), outcome{status: event.Interrupted, err: &event.Error{Summary: "Interrupted before " + t.Address()}}
	}
	defer leave()
	start := time.Now()
	pr.r.emit.emit(pr.event(t, u.key, event.Event{Kind: event.TaskStarted}))
	ev, res := u.attempts(ctx)
	ev.Duration = time.Since(start)
	if pr.pl.unsure(pr.st, t, u.address()) && ev.Message == "" && (ev.Status == event.Changed || ev.Status == event.Failed) {
		ev.Message = "whether run " + pr.r.opts.Resume.Run + " had done it is not known, so it was done now"
	}
	if pr.carried[t] && ev.Message == "" {
		ev.Message = "notified in an earlier run, which did not get to it"
	}
	if t.Meta.PointOfNoReturn && !u.dry() {
		pr.st.beyond = true
	}
	return res, pr.finish(ctx, u, ev)
}

// finish reports how a task ended and draws the consequences: notifications,
// stale facts, ignored errors.
func (pr *playRun) finish(ctx context.Context, u *use, ev event.Event) outcome {
	t, key := u.t, u.key
	if t.Meta.IgnoreErrors && ev.Status == event.Failed {
		ev.Status = event.Ignored
	}
	if t.Meta.Sensitive {
		ev = hideValues(ev)
	}
	pr.notify(t, ev)
	here := u.delegate == ""
	if ev.Status == event.Planned && here {
		pr.st.changes = true
		pr.st.replaced = pr.st.replaced || t.Info.Effects.Has(module.ReplacesPackages)
	}
	if here && !u.shared && t.Info.Effects&(module.ChangesFacts|module.ReplacesPackages|module.Reboots) != 0 && ev.Status != event.OK && ev.Status != event.Planned && ev.Status != event.Undecided {
		pr.st.forget()
		if ctx.Err() == nil { // a run that is to stop at once asks nothing more
			if out := pr.gather(ctx); out.failed() && ev.Status == event.Changed {
				ev.Status, ev.Error = out.status, out.err
			}
		}
	}
	pr.report(t, key, ev)
	return outcome{status: ev.Status, err: ev.Error, task: t.Address()}
}

func (pr *playRun) fail(t *playbook.Task, key string, out outcome) outcome {
	out.task = t.Address()
	pr.report(t, key, event.Event{Status: out.status, Error: out.err})
	return out
}

func (pr *playRun) report(t *playbook.Task, key string, ev event.Event) {
	ev.Kind = event.TaskFinished
	pr.st.counts[ev.Status]++
	pr.r.emit.emit(pr.event(t, key, ev))
}

// event fills in where a task is.
func (pr *playRun) event(t *playbook.Task, key string, ev event.Event) event.Event {
	ev.Play, ev.Batch, ev.Host, ev.Task, ev.Gate = pr.play.Name, pr.batch, pr.st.info.Name, address(t, key), pr.gate
	ev.Once = t.Meta.RunOnce
	ev.Place = fmt.Sprintf("%s:%d", t.Range.Filename, t.Range.Start.Line)
	if ev.Error != nil && ev.Error.File == "" {
		e := *ev.Error
		e.File, e.Line = t.Range.Filename, t.Range.Start.Line
		ev.Error = &e
	}
	if at := t.Unit.UsedAt(); at != "" && ev.Error != nil && ev.Error.Address == "" && ev.Kind == event.TaskFinished {
		e := *ev.Error
		e.Detail = strings.TrimLeft(e.Detail+"\n\nUsed at "+at+".", "\n")
		ev.Error = &e
	}
	return ev
}

// address names a use of a module within its play.
func address(t *playbook.Task, key string) string {
	if key == "" {
		return t.Address()
	}
	return fmt.Sprintf("%s[%q]", t.Address(), key)
}

// hideValues removes everything a sensitive task could show.
func hideValues(ev event.Event) event.Event {
	for i := range ev.Changes {
		ev.Changes[i] = module.Change{Argument: ev.Changes[i].Argument, Sensitive: true}
	}
	if ev.Error != nil {
		e := *ev.Error
		e.Detail, e.Argv, e.Output = "The task is sensitive; what it said is not shown.", nil, ""
		if strings.HasPrefix(e.Summary, checkFailed) { // it holds the finding
			e.Summary = checkFailed
		}
		ev.Error = &e
	}
	if ev.Message != "" {
		ev.Message = "(sensitive)"
	}
	if len(ev.Findings) > 0 {
		ev.Findings = []module.Finding{{Summary: "(sensitive)"}}
	}
	return ev
}

// skippedResult is the result of a task that did not run.
func skippedResult(t *playbook.Task) cty.Value {
	if t.Meta.ForEach != nil {
		return cty.EmptyObjectVal
	}
	return skippedUse(t)
}

// skippedUse is the result of a task, or of one element of its for_each, that
// did not run.
func skippedUse(t *playbook.Task) cty.Value {
	attrs := playbook.NullResults(t)
	attrs["skipped"] = cty.True
	for _, n := range []string{"changed", "failed", "passed"} {
		if _, ok := attrs[n]; ok {
			attrs[n] = cty.False
		}
	}
	return cty.ObjectVal(attrs)
}

// resultValue is the result of a task that ran.
func resultValue(kind string, status event.Status, findings []module.Finding, own map[string]cty.Value) cty.Value {
	attrs := map[string]cty.Value{"skipped": cty.False}
	if kind == "check" {
		texts := []cty.Value{}
		for _, f := range findings {
			texts = append(texts, cty.StringVal(f.Summary))
		}
		attrs["passed"] = cty.BoolVal(status == event.OK)
		attrs["findings"] = cty.ListValEmpty(cty.String)
		if len(texts) > 0 {
			attrs["findings"] = cty.ListVal(texts)
		}
	} else {
		attrs["changed"] = cty.BoolVal(status == event.Changed)
		attrs["failed"] = cty.BoolVal(status == event.Failed || status == event.Unreachable)
		if status == event.Planned {
			attrs["changed"] = cty.True
		}
	}
	if status == event.Undecided {
		for _, n := range []string{"changed", "failed", "passed"} {
			if _, ok := attrs[n]; ok {
				attrs[n] = cty.UnknownVal(cty.Bool)
			}
		}
	}
	maps.Copy(attrs, own)
	return cty.ObjectVal(attrs)
}
