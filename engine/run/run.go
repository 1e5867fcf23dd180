package run

import (
	"context"
	"fmt"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// PlayHosts is a play with the hosts its pattern selects, in order.
type PlayHosts struct {
	Play  *playbook.Play
	Hosts []Host
}

// Runner executes one playbook once.
type Runner struct {
	pb      *playbook.Playbook
	globals playbook.Globals
	connect Connect
	opts    Options
	emit    *emitter
	hosts   map[string]*hostState
	order   []string // hosts in the order first met
}

// New prepares a run.
func New(pb *playbook.Playbook, g playbook.Globals, c Connect, o Options) *Runner {
	e := newEmitter(o)
	e.revealed = pb.Revealed
	return &Runner{pb: pb, globals: g, connect: c, opts: o, emit: e, hosts: map[string]*hostState{}}
}

// Run executes the plays in order and returns how each host ended. The error is
// about ferry itself (the journal cannot be written); failures of hosts are in
// the summary. A host that failed in one play takes no part in later ones, and
// the stream says so.
func (r *Runner) Run(ctx context.Context, plays []PlayHosts) (event.Summary, error) {
	start := time.Now()
	for _, ph := range plays {
		for _, h := range ph.Hosts {
			if r.hosts[h.Name] == nil {
				r.hosts[h.Name] = newHostState(r, h)
				r.order = append(r.order, h.Name)
			}
		}
	}
	defer r.close()
	r.emit.emit(event.Event{Kind: event.RunStarted, Mode: string(r.opts.Mode), Message: r.pb.Name, Hosts: r.order})
	halted := ""
	for _, ph := range plays {
		if halted == "" {
			halted = r.play(ctx, ph)
			continue
		}
		r.skipPlay(ph, halted)
	}
	sum := r.summary()
	status := event.OK
	left := r.why(ctx, nil) != ""
	for _, h := range sum.Hosts {
		left = left || h.Status == event.NotRun
		if h.Status == event.Failed || h.Status == event.Unreachable {
			status = event.Failed
		}
	}
	if ctx.Err() != nil || r.opts.stopped() {
		status = event.Interrupted
	}
	if !left {
		halted = "" // every host had failed by then: nothing was stopped
	}
	r.emit.emit(event.Event{Kind: event.RunFinished, Status: status, Summary: &sum, Duration: time.Since(start), Message: halted})
	return sum, r.emit.err()
}

// play moves one play over its hosts. It returns why no further play may run,
// or "".
func (r *Runner) play(ctx context.Context, ph PlayHosts) (halted string) {
	start := time.Now()
	p := ph.Play
	var hosts []*hostState
	var names []string
	for _, h := range ph.Hosts {
		names = append(names, h.Name)
	}
	r.emit.emit(event.Event{Kind: event.PlayStarted, Play: p.Name, Hosts: names})
	for _, h := range ph.Hosts {
		st := r.hosts[h.Name]
		if st.lost() {
			r.emit.emit(event.Event{Kind: event.HostFinished, Play: p.Name, Host: h.Name, Status: event.NotRun, Message: fmt.Sprintf("failed or unreachable in the play %q", st.failedIn)})
			continue
		}
		hosts = append(hosts, st)
	}
	budget := newBudget(p.Rollout.MaxFailed, len(ph.Hosts))
	next := 0
	waves := p.Rollout.Waves(len(hosts))
	if r.opts.Mode == Plan && len(hosts) > 0 { // looking needs no waves, and equal answers are told once
		waves = []int{len(hosts)}
	}
	for i, size := range waves {
		batch := hosts[next : next+size]
		next += size
		halted = r.batch(ctx, p, i+1, batch, budget)
		if halted != "" {
			for _, st := range hosts[next:] {
				st.notRun(p, halted)
			}
			break
		}
	}
	r.emit.emit(event.Event{Kind: event.PlayFinished, Play: p.Name, Duration: time.Since(start), Message: halted})
	return halted
}

// batch works on one wave of hosts and says why the rollout must not go on.
func (r *Runner) batch(ctx context.Context, p *playbook.Play, n int, batch []*hostState, budget *budget) (halted string) {
	start := time.Now()
	names := make([]string, len(batch))
	for i, st := range batch {
		names[i] = st.info.Name
	}
	r.emit.emit(event.Event{Kind: event.BatchStarted, Play: p.Name, Batch: n, Hosts: names})
	stop := func() bool { return ctx.Err() != nil || r.opts.stopped() || budget.spent() || r.emit.err() != nil }
	dispatch(batch, r.opts.parallel(p), stop, func(st *hostState) {
		if st.play(ctx, p, n) {
			budget.fail()
		}
	}, func(st *hostState) { st.notRun(p, r.why(ctx, budget)) })
	failed := 0
	for _, st := range batch {
		if st.lost() {
			failed++
		}
	}
	r.emit.emit(event.Event{Kind: event.BatchFinished, Play: p.Name, Batch: n, Duration: time.Since(start)})
	if stop() {
		return r.why(ctx, budget)
	}
	if failed == len(batch) && len(batch) > 0 {
		return fmt.Sprintf("every host of batch %d failed", n)
	}
	return ""
}

func (r *Runner) why(ctx context.Context, b *budget) string {
	switch {
	case r.emit.err() != nil:
		return r.emit.err().Error()
	case b != nil && b.spent():
		return b.String()
	case ctx.Err() != nil, r.opts.stopped():
		return "the run was interrupted"
	}
	return ""
}

// skipPlay tells that a play did not run because an earlier one stopped.
func (r *Runner) skipPlay(ph PlayHosts, why string) {
	r.emit.emit(event.Event{Kind: event.PlayStarted, Play: ph.Play.Name})
	r.emit.emit(event.Event{Kind: event.PlayFinished, Play: ph.Play.Name, Status: event.NotRun, Message: why})
	for _, h := range ph.Hosts {
		r.hosts[h.Name].missed(ph.Play.Name)
	}
}

func (r *Runner) summary() event.Summary {
	s := event.Summary{Hosts: map[string]event.HostSummary{}}
	for name, st := range r.hosts {
		s.Hosts[name] = st.summary()
	}
	return s
}

func (r *Runner) close() {
	for _, st := range r.hosts {
		st.close()
	}
}
