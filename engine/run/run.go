package run

import (
	"context"
	"sync"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// PlayHosts is a play with the hosts its pattern selects, in order.
type PlayHosts struct {
	Play  *playbook.Play
	Hosts []Host
	// Rollout is the play's with the values of variables; nil takes it as loaded.
	Rollout *playbook.Rollout
	// Canary are the names of hosts that go first.
	Canary map[string]bool
	// GateHosts are the hosts that the checks of a gate look at, where it names
	// them; by gate.
	GateHosts map[string][]Host
}

// Runner executes one playbook once.
type Runner struct {
	pb         *playbook.Playbook
	globals    playbook.Globals
	connect    Connect
	opts       Options
	emit       *emitter
	hosts      map[string]*hostState
	order      []string              // hosts in the order first met
	bystanders map[string]*hostState // hosts only gates look at
	delegates  delegates
	locks      locks

	confirmations confirmations

	last map[string]int // by host: the index of the last play it has a part in

	mu      sync.Mutex
	stopped *event.Stopped // the gate at which the run stopped
	idle    int            // hosts whose connections wait for a later play
}

// New prepares a run.
func New(pb *playbook.Playbook, g playbook.Globals, c Connect, o Options) *Runner {
	e := newEmitter(o)
	e.revealed = pb.Revealed
	return &Runner{
		pb: pb, globals: g, connect: c, opts: o, emit: e, hosts: map[string]*hostState{}, bystanders: map[string]*hostState{},
		delegates: delegates{free: map[string]chan *hostState{}}, locks: locks{held: map[string]bool{}},
	}
}

// Run executes the plays in order and returns how each host ended. The error is
// about ferry itself (the journal cannot be written); failures of hosts are in
// the summary. A host that failed in one play takes no part in later ones, and
// the stream says so.
func (r *Runner) Run(ctx context.Context, plays []PlayHosts) (event.Summary, error) {
	start := time.Now()
	r.last = map[string]int{}
	for i, ph := range plays {
		for _, h := range ph.Hosts {
			r.last[h.Name] = i
			if r.hosts[h.Name] == nil {
				r.hosts[h.Name] = newHostState(r, h)
				r.order = append(r.order, h.Name)
			}
		}
	}
	defer r.close()
	r.emit.emit(event.Event{Kind: event.RunStarted, Mode: string(r.opts.Mode), Message: r.pb.Name, Hosts: r.order})
	halted := ""
	for i, ph := range plays {
		if halted == "" {
			halted = r.play(ctx, i, ph)
			continue
		}
		r.skipPlay(ph, halted)
	}
	sum := r.summary()
	status := event.OK
	left := r.why(ctx, nil) != "" || sum.Stopped != nil
	for _, h := range sum.Hosts {
		left = left || h.Status == event.NotRun
		if h.Status == event.Failed || h.Status == event.Unreachable {
			status = event.Failed
		}
	}
	switch {
	case ctx.Err() != nil || r.opts.stopped():
		status = event.Interrupted
	case sum.Stopped != nil:
		status = event.NotRun
	}
	if !left {
		halted = "" // every host had failed by then: nothing was stopped
	}
	r.emit.emit(event.Event{Kind: event.RunFinished, Status: status, Summary: &sum, Duration: time.Since(start), Message: halted})
	return sum, r.emit.err()
}

func (r *Runner) why(ctx context.Context, b *budget) string {
	switch {
	case r.emit.err() != nil:
		return r.emit.err().Error()
	case b != nil && b.spent():
		return b.String()
	case r.atGate() != nil:
		return r.atGate().Reason
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
	s := event.Summary{Hosts: map[string]event.HostSummary{}, Stopped: r.stopped}
	for name, st := range r.hosts {
		s.Hosts[name] = st.summary()
	}
	return s
}

func (r *Runner) close() {
	for _, st := range r.hosts {
		st.close()
	}
	for _, st := range r.bystanders {
		st.close()
	}
	for _, st := range r.delegates.all {
		st.close()
	}
}

// stopAt records the gate at which the run stops; the first one counts.
func (r *Runner) stopAt(s event.Stopped) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped == nil {
		r.stopped = &s
	}
}

// atGate reports whether a gate has stopped the run.
func (r *Runner) atGate() *event.Stopped {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stopped
}
