package run

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/schema"
)

// use is one use of a module on one host.
type use struct {
	pr    *playRun
	t     *playbook.Task
	key   string               // of for_each
	extra map[string]cty.Value // each

	look      *look           // a probe made ahead that still holds; used once
	sensitive map[string]bool // arguments whose values must not be shown

	terms    terms
	delegate string // the host that does it, if it is not the play's own

	shared  bool // what it changed was changed in an earlier task's turn
	ran     bool // the module was called and what it says may be judged
	unknown bool // it acted, and with what result nobody knows: it must not act again
}

// address names the use within its play.
func (u *use) address() string { return address(u.t, u.key) }

// dry reports whether nothing is changed: the run only plans.
func (u *use) dry() bool { return u.pr.r.opts.Mode == Plan }

// attempts runs the task until it succeeds, its until holds, or its attempts
// are used up.
func (u *use) attempts(ctx context.Context) (event.Event, cty.Value) {
	retry := u.t.Meta.Retry
	if retry == nil {
		retry = &playbook.Retry{Attempts: 1, Backoff: 1}
	}
	delay := retry.Delay
	for n := 1; ; n++ {
		ev, own := u.once(ctx)
		if u.delegate != "" {
			ev = onDelegate(ev, u.delegate)
		}
		ev, own = u.judge(ev, own)
		if retry.Attempts > 1 {
			ev.Attempt = n
		}
		res := resultValue(u.t.Kind, ev.Status, ev.Findings, own)
		done := ev.Status != event.Failed && ev.Status != event.Unreachable
		why := "it failed"
		if done && retry.Until != nil && ev.Status != event.Planned && ev.Status != event.Undecided {
			yes, known, out := u.pr.condition(u.pr.of(u.t.Unit), retry.Until, u.withSelf(res))
			if out.failed() {
				ev.Status, ev.Error = out.status, out.err
				return ev, res
			}
			if done = yes || !known; !done {
				why = "its condition \"until\" does not hold"
			}
		}
		if done || u.unknown || ctx.Err() != nil || u.pr.r.opts.stopped() {
			return ev, res
		}
		if n >= retry.Attempts {
			if ev.Status != event.Failed && ev.Status != event.Unreachable {
				rng := retry.Until.Range()
				ev.Status = event.Failed
				ev.Error = &event.Error{Summary: "Condition \"until\" not met", File: rng.Filename, Line: rng.Start.Line,
					Detail: fmt.Sprintf("The task ran %d times, and its condition \"until\" held after none of them. Give it more attempts or a longer delay, or look at why the host does not get there.", n)}
			}
			return ev, res
		}
		again := event.Event{Kind: event.TaskRetried, Attempt: n, Error: ev.Error}
		if u.t.Meta.Sensitive {
			again = hideValues(again)
		}
		again.Message = fmt.Sprintf("%s; attempt %d of %d in %s", why, n+1, retry.Attempts, delay)
		u.pr.r.emit.emit(u.pr.event(u.t, u.key, again))
		if !pause(ctx, u.pr.r.opts.Stop, delay) {
			return ev, res
		}
		delay = time.Duration(float64(delay) * retry.Backoff)
	}
}

// pause waits for d and reports false if the run is to end.
func pause(ctx context.Context, stop <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	case <-stop:
		return false
	}
}

func (u *use) withSelf(res cty.Value) map[string]cty.Value {
	out := map[string]cty.Value{"self": res}
	for k, v := range u.extra {
		out[k] = v
	}
	return out
}

// judge applies failed_when and changed_when to what happened.
func (u *use) judge(ev event.Event, own map[string]cty.Value) (event.Event, map[string]cty.Value) {
	ran := ev.Status == event.OK || ev.Status == event.Changed || ev.Status == event.Failed && u.ran
	if e := u.t.Meta.FailedWhen; e != nil && ran {
		yes, _, out := u.pr.condition(u.pr.of(u.t.Unit), e, u.withSelf(resultValue(u.t.Kind, ev.Status, ev.Findings, own)))
		switch {
		case out.failed():
			ev.Status, ev.Error = out.status, out.err
		case yes:
			rng := e.Range()
			ev.Status = event.Failed
			if ev.Error == nil {
				ev.Error = &event.Error{Summary: "Condition \"failed_when\" holds", File: rng.Filename, Line: rng.Start.Line,
					Detail: "The task ran, and the playbook says that what it gave is a failure."}
			}
		case ev.Status == event.Failed:
			ev.Status, ev.Error = event.OK, nil
			if len(ev.Changes) > 0 {
				ev.Status = event.Changed
			}
		}
	}
	if e := u.t.Meta.ChangedWhen; e != nil && (ev.Status == event.OK || ev.Status == event.Changed) {
		yes, _, out := u.pr.condition(u.pr.of(u.t.Unit), e, u.withSelf(resultValue(u.t.Kind, ev.Status, ev.Findings, own)))
		switch {
		case out.failed():
			ev.Status, ev.Error = out.status, out.err
		case yes:
			ev.Status = event.Changed
		default:
			ev.Status = event.OK
		}
	}
	return ev, own
}

// once decodes the arguments and runs the module one time.
func (u *use) once(ctx context.Context) (ev event.Event, own map[string]cty.Value) {
	u.ran, u.unknown = false, false
	defer func() {
		if r := recover(); r != nil { // one host fails, the run and the terminal do not
			u.ran = false
			ev, own = event.Event{Status: event.Failed, Error: &event.Error{Summary: "Bug in a module",
				Detail: fmt.Sprintf("The module %q stopped in a way it never should: %v. What it did until then, the host shows. Please report this:\n\n%s",
					u.t.Module, r, stack(debug.Stack()))}}, nil
		}
	}()
	l := u.look
	u.look = nil
	if l != nil {
		u.ran = true
		if chk, ok := l.d.step.(module.Check); ok {
			return u.checked(ctx, chk, l.findings, nil)
		}
		return u.probed(ctx, l.d.step.(module.Step), l.h, l.c, l.plan, nil)
	}
	d, err := u.decode()
	if err.failed() {
		return event.Event{Status: err.status, Error: err.err}, nil
	}
	if len(d.unknown) > 0 {
		if u.pr.r.opts.Mode == Plan {
			st := event.Planned
			if u.t.Kind == "check" || u.t.Info.Effects.Has(module.Local) { // these never change anything
				st = event.Undecided
			}
			return event.Event{Status: st, Message: strings.Join(d.unknown, ", ") + ": known after apply"}, u.unknownResults(d.step)
		}
		return event.Event{Status: event.Failed, Error: &event.Error{Summary: "Value not known", Detail: fmt.Sprintf(
			"The arguments %s depend on something that is not known: a task that was skipped, or a fact the host does not have.", strings.Join(d.unknown, ", "))}}, nil
	}
	if u.t.Meta.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, u.t.Meta.Timeout, errTimeout)
		defer cancel()
	}
	var h host.Host = noHost{name: u.pr.st.info.Name}
	var c *connection
	if !u.t.Info.Effects.Has(module.Local) {
		st := u.pr.st
		if u.delegate = d.delegate; u.delegate != "" {
			var give func()
			if st, give, err = u.pr.r.take(ctx, u.delegate); err.failed() {
				return event.Event{Status: err.status, Error: err.err}, nil
			}
			defer give()
			st.turnOf = u.pr.st.info.Name
		}
		var cerr error
		if h, c, cerr = u.host(ctx, d, st); cerr != nil {
			return u.failed(ctx, cerr), nil
		}
	}
	u.ran = true
	if chk, ok := d.step.(module.Check); ok {
		return u.check(ctx, chk, h)
	}
	return u.step(ctx, d, h, c)
}

// stack is the part of a goroutine's trace that says where a panic began.
func stack(trace []byte) string {
	_, after, _ := strings.Cut(string(trace), "panic(")
	lines := strings.Split(after, "\n")
	var out []string
	for _, l := range lines[min(2, len(lines)):min(10, len(lines))] {
		out = append(out, "    "+strings.TrimSpace(l))
	}
	return strings.Join(out, "\n")
}

func (u *use) check(ctx context.Context, c module.Check, h host.Host) (event.Event, map[string]cty.Value) {
	findings, err := func() ([]module.Finding, error) {
		defer u.pr.ahead.makeWay()() // as in probe
		return c.Check(ctx, h)
	}()
	return u.checked(ctx, c, findings, err)
}

// checked is what a check's findings mean.
func (u *use) checked(ctx context.Context, c module.Check, findings []module.Finding, err error) (event.Event, map[string]cty.Value) {
	own := results(c)
	pending := u.pr.r.opts.Mode == Plan && u.pr.st.changes
	switch {
	case pending && (err != nil || len(findings) > 0):
		return event.Event{Status: event.Undecided, Message: "checked after the tasks before it have changed the host"}, own
	case err != nil:
		return u.failed(ctx, err), own
	case len(findings) > 0:
		return event.Event{Status: event.Failed, Findings: findings, Error: findingsError(u.t, findings)}, own
	}
	return event.Event{Status: event.OK}, own
}

// errNotSeen is a look ahead that came to nothing.
var errNotSeen = errors.New("not seen")

// errTimeout is the cause of a context that a task's timeout ended.
var errTimeout = errors.New("timeout")

// failed turns an error of a module into an event.
func (u *use) failed(ctx context.Context, err error) event.Event {
	if errors.Is(err, host.ErrLocked) {
		u.ran = false // nothing was done that failed_when could judge
	}
	if errors.Is(context.Cause(ctx), errTimeout) {
		u.ran = false
		return event.Event{Status: event.Failed, Error: &event.Error{Summary: "Task timed out",
			Detail: fmt.Sprintf("The task did not end within its timeout of %s and was stopped. Its last word was: %s.", u.t.Meta.Timeout, err)}}
	}
	if errors.Is(err, context.Canceled) {
		return event.Event{Status: event.Interrupted, Error: &event.Error{Summary: "Interrupted"}}
	}
	out := failure(err, u.t)
	return event.Event{Status: out.status, Error: out.err}
}

// decodedStep is a module ready to be used on one host.
type decodedStep struct {
	step    any
	unknown []string
	env     map[string]string
	user    string

	delegate string
}

func (u *use) decode() (decodedStep, outcome) {
	b, step := playbook.Bind(u.t)
	scope := u.pr.of(u.t.Unit)
	d, diags := scope.Decode(b, u.t, u.extra)
	if diags.HasErrors() {
		return decodedStep{}, diagOutcome(diags)
	}
	u.pr.r.emit.keep(d.Secrets...)
	u.sensitive = map[string]bool{}
	for _, a := range d.Sensitive {
		u.sensitive[a] = true
	}
	out := decodedStep{step: step, unknown: d.Unknown}
	if len(d.Unknown) > 0 {
		return out, outcome{status: event.OK}
	}
	if v, ok := step.(module.Validator); ok {
		if err := v.Validate(); err != nil {
			return out, outcome{status: event.Failed, err: &event.Error{Summary: "Invalid combination of arguments", Detail: err.Error()}}
		}
	}
	var meta outcome
	if out.env, meta = u.environment(); meta.failed() {
		return out, meta
	}
	if out.delegate, meta = u.delegateName(); meta.failed() {
		return out, meta
	}
	if e := u.t.Meta.BecomeUser; e != nil {
		v, diags := scope.Value(e, u.extra)
		if diags.HasErrors() {
			return out, diagOutcome(diags)
		}
		if v, _ = v.Unmark(); v.IsKnown() && !v.IsNull() && v.Type() == cty.String {
			out.user = v.AsString()
		}
	}
	u.terms = terms{Delegate: out.delegate, User: out.user, Become: u.pr.become(u.t), Environment: out.env}
	return out, outcome{status: event.OK}
}

// environment evaluates the meta-argument of that name.
func (u *use) environment() (map[string]string, outcome) {
	if u.t.Meta.Environment == nil {
		return nil, outcome{status: event.OK}
	}
	var env map[string]string
	var b schema.Block
	b.StringMap(&env, "environment", "Environment of commands.", schema.MaySensitive)
	d, diags := u.pr.of(u.t.Unit).DecodeExpr(&b, "environment", u.t.Meta.Environment, u.extra)
	u.pr.r.emit.keep(d.Secrets...)
	return env, diagOutcome(diags)
}

// results reads what a module tells later tasks.
func results(step any) map[string]cty.Value {
	r, ok := step.(module.Reporter)
	if !ok {
		return nil
	}
	var rs schema.Results
	r.Results(&rs)
	return rs.Value().AsValueMap()
}
