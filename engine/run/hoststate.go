package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// hostState is a host through all plays of a run. It is used by one goroutine
// at a time.
type hostState struct {
	r     *Runner
	info  Host
	conns map[account]*connection
	warm  *warming // a connection that is opened ahead; nil if none is
	idle  bool     // its connections wait for a later play
	// turnOf is, for a delegate, the host it does a task for.
	turnOf string
	// altered says that facts of earlier runs hold no more.
	altered bool
	// settled says that no job of an earlier run is under way on the host.
	settled bool

	counts   map[event.Status]int
	status   event.Status   // how the host ended so far
	playing  *playbook.Play // the last play whose turn on this host came
	failedIn string         // the play it failed in
	problem  string         // one line about why
	pending  []string       // handlers notified and not run
	// changes says that, in a plan, an earlier task would have changed the host,
	// so that later ones cannot be decided by looking.
	changes bool
	// replaced says that one of those would have replaced packages, after which
	// even "nothing to do" may no longer hold.
	replaced bool
	// beyond says that the host has passed the point of no return of its play.
	beyond bool
	// rescued says that something failed in its last play and was made up for.
	rescued bool
	// present says which stacks the host has, as far as that was looked at.
	present map[*playbook.Stack]presence
}

// account is whom a connection runs commands as.
type account struct {
	become bool
	user   string
}

type connection struct {
	st     *hostState
	t      host.Transport
	h      host.Host
	locked bool
}

func newHostState(r *Runner, h Host) *hostState {
	r.emit.keep(h.Secrets...)
	st := &hostState{r: r, info: h, conns: map[account]*connection{}, counts: map[event.Status]int{}, present: map[*playbook.Stack]presence{}, status: event.NotRun}
	st.remember()
	return st
}

// lost reports whether the host has failed and takes no part any more.
func (st *hostState) lost() bool {
	return st.status == event.Failed || st.status == event.Unreachable
}

// hurt reports whether the host failed in its last play, also if a rescue block
// made up for it.
func (st *hostState) hurt() bool { return st.lost() || st.rescued }

func (st *hostState) notRun(p *playbook.Play, why string) {
	st.r.emit.emit(event.Event{Kind: event.HostFinished, Play: p.Name, Host: st.info.Name, Status: event.NotRun, Message: why})
	st.missed(p.Name)
	if st.status == event.NotRun {
		st.problem = why
	}
}

// missed records that a play passed this host by.
func (st *hostState) missed(play string) {
	if !st.lost() && st.status != event.Interrupted {
		st.status, st.problem = event.NotRun, fmt.Sprintf("the play %q did not run", play)
	}
}

func (st *hostState) summary() event.HostSummary {
	return event.HostSummary{Status: st.status, Tasks: st.counts, Error: st.r.emit.clean(st.problem), Pending: st.pending}
}

func (st *hostState) waiting(text string) {
	st.r.emit.emit(st.about(event.Event{Kind: event.TaskWaiting, Message: text}))
}

// about says which host an event is about: that whose turn it is.
func (st *hostState) about(e event.Event) event.Event {
	if e.Host = st.info.Name; st.turnOf != "" {
		e.Host, e.Delegate = st.turnOf, st.info.Name
	}
	return e
}

// settle waits for a job that an earlier run left under way: until it ends, the
// host shows neither what it was nor what it will be.
func (st *hostState) settle(ctx context.Context, c *connection) error {
	if st.r.opts.Mode == Plan {
		key, _, err := host.RunningJob(ctx, c.t)
		if err == nil && key != "" {
			err = fmt.Errorf("the job %s of an earlier run is under way on the host, so nothing can be planned now. Plan again when it has ended, or run the playbook, which follows it to its end", key)
		}
		return err
	}
	told := ""
	return host.AwaitJobs(ctx, c.t, st.info.Name, st.r.opts.patience(), func(key, line string) {
		if told != key {
			told = key
			st.waiting("the job " + key + " of an earlier run is under way; waiting for its end")
		}
		if line != "" {
			st.r.emit.emit(event.Event{Kind: event.TaskOutput, Host: st.info.Name, Message: line})
		}
	})
}

// lock makes this run the only one that changes the host. A connection without
// root cannot hold the lock; what it may change is its user's own.
func (st *hostState) lock(ctx context.Context, c *connection) error {
	if c.locked || st.info.Name == Controller { // other runs may delegate to it at the same time
		return nil
	}
	f, err := c.h.Facts(ctx, "user")
	if err != nil {
		return err
	}
	if f.String("user") == "root" {
		if err := st.takeLock(ctx, c); err != nil {
			return err
		}
	}
	c.locked = true
	return nil
}

// takeLock takes the host's lock. What a run that was killed left under way there has
// inherited its lock: its end is waited for.
func (st *hostState) takeLock(ctx context.Context, c *connection) error {
	const again = 2 * time.Second
	told := ""
	for deadline := time.Now().Add(st.r.opts.patience()); ; {
		err := st.r.locks.take(ctx, st.info.Name, c.t, st.r.opts)
		if err == nil && told != "" {
			st.r.emit.emit(st.about(event.Event{Kind: event.TaskWaiting, Status: event.OK, Message: "the command of run " + told + " has ended"}))
		}
		var locked *host.LockedError
		if !errors.As(err, &locked) || st.r.opts.Ended == nil {
			return err
		}
		run, ended := st.r.opts.Ended(locked.Epoch)
		if !ended {
			return err
		}
		left := &host.LockedError{Host: locked.Host, Epoch: locked.Epoch, What: "a command that run " + run +
			" had begun still runs on the host, although nothing waits for it any more. Run again when it has ended, or end it"}
		if time.Now().After(deadline) {
			return left
		}
		if told != run {
			told = run
			st.waiting("waiting: a command of run " + run + " still runs there")
		}
		if !pause(ctx, st.r.opts.Stop, again) {
			return left
		}
	}
}

// forget drops what is known of the host after a change that may alter it.
func (st *hostState) forget() {
	st.altered = true
	for _, c := range st.conns {
		c.h.Forget()
	}
}

// play runs one play on the host. A failure counts for the play's budget before
// it is told, also if a rescue made up for it; an interrupted host has not failed.
func (st *hostState) play(ctx context.Context, pl *playState, batch int) {
	start := time.Now()
	pr := &playRun{st: st, r: st.r, pl: pl, play: pl.play, batch: batch, notified: map[*playbook.Task]bool{}, scopes: map[*playbook.Unit]*playbook.Scope{}}
	pr.carryOver(pl.play.Handlers)
	st.status, st.problem, st.beyond = event.OK, "", false
	res := pr.run(ctx)
	pr.missedTurns()
	st.rescued = pr.rescued
	if res.failed() {
		st.status, st.failedIn, st.problem = res.status, pl.play.Name, res.line()
	}
	pending := pr.pending()
	st.pending = append(st.pending, pending...)
	done := event.Event{Kind: event.HostFinished, Play: pl.play.Name, Batch: batch, Host: st.info.Name, Status: st.status, Message: st.problem, Pending: pending, Duration: time.Since(start)}
	if res.failed() && res.task == "" && !res.held { // nothing has told of this failure yet
		done.Error = res.err
	}
	if res.failed() && res.status != event.Interrupted || pr.rescued {
		pl.budget.fail()
	}
	st.r.emit.emit(done)
}

// outcome is how a task, a block or a play ended on a host.
type outcome struct {
	status event.Status
	err    *event.Error
	task   string // the address of the task that failed
	held   bool   // a maintenance window closed; what is under way is tidied up
}

func (o outcome) failed() bool {
	return o.status == event.Failed || o.status == event.Unreachable || o.status == event.Interrupted
}

func (o outcome) line() string {
	if o.err == nil {
		return ""
	}
	if o.status == event.Unreachable { // whichever task met it first
		why, _, _ := strings.Cut(o.err.Detail, ". ")
		return o.err.Summary + ": " + host.Shorten(strings.TrimSuffix(firstLine(why), "."), 100)
	}
	text := o.err.Summary
	if text == summaryFailed {
		text = firstLine(o.err.Detail)
	}
	if o.task != "" {
		return o.task + ": " + text
	}
	return text
}

// diagOutcome turns evaluation problems into a failure.
func diagOutcome(diags hcl.Diagnostics) outcome {
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		d = diag.Plain(d)
		e := &event.Error{Summary: d.Summary, Detail: d.Detail}
		if d.Subject != nil {
			e.File, e.Line = d.Subject.Filename, d.Subject.Start.Line
		}
		return outcome{status: event.Failed, err: e}
	}
	return outcome{status: event.OK}
}
