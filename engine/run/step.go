package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
)

// applyTries bounds how often Apply is called again after the connection was
// lost in the middle of it.
const applyTries = 3

// step probes, and in a run applies and probes again.
func (u *use) step(ctx context.Context, d decodedStep, h host.Host, c *connection) (event.Event, map[string]cty.Value) {
	s := d.step.(module.Step)
	plan, err := u.probe(ctx, s, h)
	return u.probed(ctx, s, h, c, plan, err)
}

// probe looks in the step's turn: what is looked at ahead gives way to it.
func (u *use) probe(ctx context.Context, s module.Step, h host.Host) (module.Plan, error) {
	defer u.pr.ahead.makeWay()()
	return s.Probe(ctx, h)
}

// probed goes on from what a probe returned.
func (u *use) probed(ctx context.Context, s module.Step, h host.Host, c *connection, plan module.Plan, err error) (event.Event, map[string]cty.Value) {
	if err != nil {
		if u.pr.r.opts.Mode == Plan && u.pr.st.changes && !errors.Is(err, host.ErrUnreachable) {
			return event.Event{Status: event.Undecided, Message: undecided(err)}, u.unknownResults(s)
		}
		return u.failed(ctx, err), results(s)
	}
	changes := u.visible(plan)
	switch {
	case len(plan) == 0 && u.pr.r.opts.Mode == Plan && u.pr.st.replaced && u.t.Info.Effects&(module.Reboots|module.ChangesFacts) != 0:
		return event.Event{Status: event.Undecided, Message: "nothing to do as the host is now; decided after the packages were replaced"}, u.unknownResults(s)
	case len(plan) == 0:
		if c := u.companion(); c != nil {
			u.shared = true
			return event.Event{Status: event.Changed, Changes: c.changes, Message: "together with " + c.with}, results(s)
		}
		return event.Event{Status: event.OK, Message: message(s)}, results(s)
	case u.pr.r.opts.Mode == Plan:
		ev := event.Event{Status: event.Planned, Changes: changes, Effects: effectsOf(u.t)}
		if key := u.pr.r.opts.PlanKey; key != nil {
			ev.Digest = u.digest(key, plan)
		}
		return ev, u.unknownResults(s)
	}
	if why := u.unplanned(plan); why != nil {
		u.ran = false
		return event.Event{Status: event.Failed, Error: why}, results(s)
	}
	if !u.pr.r.confirmed(ctx, u, changes) {
		u.ran = false
		if u.pr.r.opts.stopped() {
			return event.Event{Status: event.Interrupted, Error: &event.Error{Summary: "Interrupted"}}, u.unknownResults(s)
		}
		return event.Event{Status: event.Skipped, Message: "declined"}, skippedUse(u.t).AsValueMap()
	}
	if c := u.companion(); c != nil && (u.pr.r.opts.stopped() || u.pr.heldBack() != "") { // it had its turn only to be looked at
		return event.Event{Status: event.Interrupted, Changes: changes, Error: &event.Error{Summary: "Interrupted before " + u.address()}}, u.unknownResults(s)
	} // else what was done for it did not last: it acts like any other
	j := u.join(ctx, s)
	u.pr.stale()
	if c != nil {
		if err := c.st.lock(ctx, c); err != nil {
			return u.failed(ctx, err), results(s)
		}
	}
	applying := event.Event{Kind: event.TaskApplying, Changes: changes, Delegate: u.delegate, Notify: notifies(u.t)}
	if u.t.Meta.Sensitive {
		applying = hideValues(applying)
	}
	u.pr.r.emit.emit(u.pr.event(u.t, u.key, applying)) // durable before the host changes
	acting := []module.Step{s}
	if j != nil {
		j.intend(u.pr)
		acting = append(acting, j.step)
	}
	if err := u.pr.r.emit.err(); err != nil {
		return event.Event{Status: event.Interrupted, Error: &event.Error{Summary: "Nothing was changed: the journal cannot be written", Detail: err.Error()}}, u.unknownResults(s)
	}
	for _, s := range acting {
		if p, ok := s.(module.Progress); ok && !u.t.Meta.Sensitive {
			p.SetProgress(func(line string) {
				u.pr.r.emit.emit(u.pr.event(u.t, u.key, event.Event{Kind: event.TaskOutput, Message: line}))
			})
		}
	}
	if err := u.applyJoint(ctx, j, s, h, c, plan); err != nil {
		ev := u.failed(ctx, err)
		u.unknown = u.acts(s) && errors.Is(err, host.ErrUnknown)
		ev.Changes = changes
		return ev, results(s)
	}
	if !u.acts(s) {
		if ev, ok := u.converged(ctx, h); !ok {
			return ev, results(s)
		}
	}
	return event.Event{Status: event.Changed, Changes: changes, Message: message(s)}, results(s)
}

// acts reports whether the step acts each time it runs, so that looking again
// afterwards proves nothing.
func (u *use) acts(s module.Step) bool {
	a, ok := s.(module.Actor)
	return u.t.Info.Effects.Has(module.Action) || ok && a.Acts()
}

// undecided says that a plan cannot tell what a task will do, and what the host
// answers as it is now: often the very thing that would go wrong later.
func undecided(err error) string {
	return "decided after the tasks before it have changed the host; as it is now:\n" + strings.TrimSpace(err.Error())
}

// message is what a step has to say to the user.
func message(s module.Step) string {
	if m, ok := s.(module.Speaker); ok {
		return m.Message()
	}
	return ""
}

// apply calls Apply. A lost connection is not a failure: the host is asked what
// it shows once it answers again, and Apply goes on from there.
func (u *use) apply(ctx context.Context, s module.Step, h host.Host, c *connection, plan module.Plan) error {
	for try := 1; ; try++ {
		err := s.Apply(ctx, h, plan)
		if err == nil || !errors.Is(err, host.ErrUnknown) {
			return err
		}
		u.pr.r.emit.emit(u.pr.event(u.t, u.key, event.Event{Kind: event.TaskWaiting, Message: "the connection was lost; waiting for the host to answer"}))
		rctx, cancel := context.WithTimeout(ctx, u.pr.r.opts.patience())
		rerr := h.Reconnect(rctx)
		cancel()
		if rerr != nil {
			return fmt.Errorf("%w; what the task did on the host is not known: %w", rerr, host.ErrUnknown)
		}
		u.pr.r.emit.emit(u.pr.event(u.t, u.key, event.Event{Kind: event.TaskWaiting, Status: event.OK, Message: "the host answers again"}))
		if u.acts(s) {
			return &uncertain{err}
		}
		if c != nil { // a job the step had started goes on there: what it does is not over
			if err := c.st.settle(ctx, c); err != nil {
				return err
			}
		}
		if plan, err = s.Probe(ctx, h); err != nil || len(plan) == 0 {
			return err
		}
		if try == applyTries {
			return fmt.Errorf("the connection was lost %d times while the task acted: %w", try, host.ErrUnknown)
		}
	}
}

// uncertain is the loss of the connection while something ran whose outcome the
// host does not show.
type uncertain struct{ err error }

func (e *uncertain) Error() string {
	return "The connection was lost while the task acted, so whether it ended well is not known. Look at the host, then run again.\n\nWhat ferry saw: " + sentence(e.err.Error())
}

func (e *uncertain) Unwrap() error { return e.err }

// converged probes with fresh arguments and fails if something is left to change.
// It looks at what comes next at the same time.
func (u *use) converged(ctx context.Context, h host.Host) (event.Event, bool) {
	d, out := u.decode()
	if out.failed() {
		return event.Event{Status: out.status, Error: out.err}, false
	}
	// What is looked at meanwhile shares its questions.
	rctx, leave := u.pr.ahead.asks.Join(ctx)
	defer leave()
	u.pr.overlap(ctx, u)
	defer u.pr.ahead.makeWay()()
	left, err := d.step.(module.Step).Probe(rctx, h)
	if err != nil {
		return u.failed(ctx, fmt.Errorf("the change was made, but looking at the host afterwards failed: %w", err)), false
	}
	if len(left) == 0 {
		return event.Event{}, true
	}
	left = u.visible(left)
	var lines []string
	for _, c := range left {
		lines = append(lines, "    "+c.Line())
	}
	return event.Event{Status: event.Failed, Changes: left, Error: &event.Error{Summary: "Host did not converge",
		Detail: "The task made its changes without an error, but the host still differs:\n" + strings.Join(lines, "\n") +
			"\nSomething on the host undoes the change, or the task asks for something the host cannot have."}}, false
}

// visible marks the changes whose values must not be shown and removes those
// values, so that no later stage can leak them.
func (u *use) visible(p module.Plan) []module.Change {
	out := make([]module.Change, len(p))
	for i, c := range p {
		if c.Sensitive || u.sensitive[c.Argument] || u.t.Meta.Sensitive {
			c = module.Change{Argument: c.Argument, Sensitive: true}
		}
		if len(u.sensitive) > 0 { // a diff may hold what came from a sensitive argument of another name
			c.Diff = ""
		}
		out[i] = c
	}
	return out
}

// unknownResults is what a plan knows of the results of a task that would act.
func (u *use) unknownResults(s any) map[string]cty.Value {
	out := map[string]cty.Value{}
	for n, v := range results(s) {
		out[n] = cty.UnknownVal(v.Type())
	}
	return out
}

// host returns st as the task sees it.
func (u *use) host(ctx context.Context, d decodedStep, st *hostState) (host.Host, *connection, error) {
	as := u.account(d, st)
	c, err := st.conn(ctx, as.become, as.user)
	if err != nil {
		return nil, nil, err
	}
	h := c.h
	if d.user != "" || len(d.env) > 0 || len(u.sensitive) > 0 {
		h = withSettings{Host: h, user: d.user, env: d.env, private: len(u.sensitive) > 0}
	}
	return waiting{Host: h, u: u}, c, nil
}

// account is whom the task runs commands as on st. On a delegate, what the play
// says of become does not count: it is said of the play's hosts.
func (u *use) account(d decodedStep, st *hostState) account {
	as := account{become: u.pr.become(u.t)}
	if st != u.pr.st && u.t.Meta.Become == nil {
		as.become = st.info.Become
	}
	if d.user != "" {
		as.become = true
	}
	if as.become && st == u.pr.st {
		as.user = u.pr.play.BecomeUser
	}
	return as
}

// waiting tells the stream when a job's host is out of reach, since the module
// cannot.
type waiting struct {
	host.Host
	u *use
}

func (w waiting) Job(ctx context.Context, j host.Job) (host.JobResult, error) {
	if j.Pending == nil {
		j.Pending = func(err error) {
			ev := event.Event{Kind: event.TaskWaiting, Status: event.OK, Message: "the host answers again"}
			if err != nil {
				ev.Status, ev.Message = "", "the host is out of reach; the job goes on there, and ferry tries again"
			}
			w.u.pr.r.emit.emit(w.u.pr.event(w.u.t, w.u.key, ev))
		}
	}
	if j.Patience == 0 {
		j.Patience = max(30*time.Minute, w.u.pr.r.opts.patience())
	}
	return w.Host.Job(ctx, j)
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return host.Shorten(s, 200)
}
