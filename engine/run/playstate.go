package run

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// playState is one play on its way over the hosts.
type playState struct {
	r       *Runner
	play    *playbook.Play
	hosts   PlayHosts
	rollout playbook.Rollout
	resumed *ResumedPlay // nil unless an earlier run had begun it
	alive   []*hostState // the play's hosts that had not failed before
	budget  *budget
	spread  *spread
	index   int  // of the play in the run
	gated   bool // checks of a gate look at the play's hosts

	mu        sync.Mutex
	onces     map[string]*once // by address
	throttles map[string]chan struct{}
}

// play moves one play over its hosts. It returns why no further play may run,
// or "".
func (r *Runner) play(ctx context.Context, index int, ph PlayHosts) (halted string) {
	start := time.Now()
	p := ph.Play
	pl := &playState{
		r: r, index: index, play: p, hosts: ph, rollout: p.Rollout, resumed: r.opts.Resume.play(p.Name),
		onces: map[string]*once{}, throttles: map[string]chan struct{}{},
	}
	if ph.Rollout != nil {
		pl.rollout = *ph.Rollout
	}
	ahead := pl.rollout
	if r.opts.Mode == Plan { // looking needs no waves, and equal answers are told once
		pl.rollout = playbook.Rollout{Parallel: pl.rollout.Parallel, MaxFailed: pl.rollout.MaxFailed}
	}
	for _, g := range pl.rollout.Gates {
		pl.gated = pl.gated || g.Kind == playbook.GateCheck && g.On != playbook.OnController
	}
	pl.budget = newBudget(pl.rollout.MaxFailed, len(ph.Hosts))
	todo := pl.begin(ahead)
	var err error
	if pl.spread, err = pl.keys(); err != nil {
		halted = err.Error()
	} else {
		halted = pl.batches(ctx, todo)
	}
	if halted != "" {
		for _, st := range todo {
			if st.playing != p {
				st.notRun(p, halted)
			}
		}
	}
	if pl.gated {
		pl.gated = false
		for _, st := range pl.alive {
			pl.rest(st)
		}
	}
	r.emit.emit(event.Event{Kind: event.PlayFinished, Play: p.Name, Duration: time.Since(start), Message: halted})
	return halted
}

// begin tells of the play and returns the hosts it is to work on.
func (pl *playState) begin(ahead playbook.Rollout) (todo []*hostState) {
	r, p := pl.r, pl.play
	var names []string
	for _, h := range pl.hosts.Hosts {
		names = append(names, h.Name)
	}
	ev := event.Event{Kind: event.PlayStarted, Play: p.Name, Hosts: names}
	if pl.resumed != nil && len(pl.resumed.Done) > 0 {
		ev.Message = fmt.Sprintf("%d of them finished it in run %s", len(pl.resumed.Done), r.opts.Resume.Run)
	}
	if why := r.opts.bounded(pl.rollout, len(names)); why != "" {
		ev.Message = strings.TrimPrefix(ev.Message+"\n  "+why, "\n  ")
	}
	if r.opts.Mode == Plan {
		ev.Waves = pl.forecast(ahead)
	}
	r.emit.emit(ev)
	for _, h := range pl.hosts.Hosts {
		st := r.hosts[h.Name]
		switch {
		case st.lost():
			st.playing = p
			r.emit.emit(event.Event{Kind: event.HostFinished, Play: p.Name, Host: h.Name, Status: event.NotRun, Message: fmt.Sprintf("failed or unreachable in the play %q", st.failedIn)})
			continue
		case pl.resumed != nil && pl.resumed.Done[h.Name]:
			st.playing, st.status, st.problem = p, event.OK, ""
			r.emit.emit(event.Event{Kind: event.HostFinished, Play: p.Name, Host: h.Name, Status: event.OK, Message: "finished in run " + r.opts.Resume.Run,
				Pending: r.opts.Pending[h.Name][p.Name]}) // what a run in between left behind stays owed
		default:
			todo = append(todo, st)
		}
		pl.alive = append(pl.alive, st)
	}
	return todo
}

// keys evaluates what the spread depends on, for all hosts of the play.
func (pl *playState) keys() (*spread, error) {
	var all []*hostState
	for _, h := range pl.hosts.Hosts {
		all = append(all, pl.r.hosts[h.Name])
	}
	s, diags := pl.r.newSpread(pl.play, pl.rollout.Spread, all)
	if diags.HasErrors() {
		out := diagOutcome(diags)
		return s, fmt.Errorf("%s: %s", out.err.Summary, out.err.Detail)
	}
	return s, nil
}

// batches works on one wave after the other and says why the rollout must not
// go on.
func (pl *playState) batches(ctx context.Context, todo []*hostState) string {
	canary := pl.hosts.Canary
	if pl.r.opts.Mode == Plan {
		canary = nil
	}
	ws := waves(pl.rollout, todo, canary, pl.resumed)
	if len(todo) > 0 {
		if why := pl.gates(ctx, 0, nil, false); why != "" {
			return why
		}
	}
	for i, w := range ws {
		var next *wave
		if i+1 < len(ws) {
			next = &ws[i+1]
		}
		if len(w.hosts) > 0 {
			if why := pl.batch(ctx, w, next); why != "" {
				return why
			}
		}
		if why := pl.gates(ctx, w.n, append(pl.doneIn(w.n), w.hosts...), w.last); why != "" {
			return why
		}
	}
	return ""
}

// doneIn are the hosts that ended a batch well in the run that is resumed. They
// are in no wave any more, but the gate after it is about them, too.
func (pl *playState) doneIn(batch int) (out []*hostState) {
	if pl.resumed == nil || batch != pl.resumed.Batch {
		return nil
	}
	for _, st := range pl.alive {
		if pl.resumed.Done[st.info.Name] && pl.resumed.Latest[st.info.Name] {
			out = append(out, st)
		}
	}
	return out
}

// batch works on one wave of hosts; next is the one after it, nil if none is.
func (pl *playState) batch(ctx context.Context, w wave, next *wave) string {
	r, p := pl.r, pl.play
	start := time.Now()
	names := make([]string, len(w.hosts))
	for i, st := range w.hosts {
		names[i] = st.info.Name
	}
	r.emit.emit(event.Event{Kind: event.BatchStarted, Play: p.Name, Batch: w.n, Hosts: names})
	stop := func() bool { return r.why(ctx, pl.budget) != "" }
	d := dispatcher{
		parallel: r.opts.parallel(pl.rollout), spread: pl.spread, stop: stop, open: pl.open,
		wait:  func() string { return pl.await(ctx) },
		begun: func() { pl.openAhead(ctx, &w, next) },
		start: func(st *hostState) bool {
			return pl.budget.begin(func() {
				r.emit.emit(event.Event{Kind: event.HostStarted, Play: p.Name, Batch: w.n, Host: st.info.Name})
			})
		},
	}
	d.run(w.hosts, func(st *hostState) {
		st.playing = p
		pl.rouse(st)
		st.play(ctx, pl, w.n)
		pl.rest(st)
	}, func(st *hostState, why string) {
		if why == "" {
			why = r.why(ctx, pl.budget)
		}
		st.playing = p
		st.notRun(p, why)
	})
	r.emit.emit(event.Event{Kind: event.BatchFinished, Play: p.Name, Batch: w.n, Duration: time.Since(start)})
	failed := 0
	for _, st := range w.hosts {
		if st.lost() {
			failed++
		}
	}
	switch {
	case stop():
		return r.why(ctx, pl.budget)
	case failed == len(w.hosts):
		return fmt.Sprintf("every host of batch %d failed", w.n)
	}
	return ""
}

// acted reports whether an action ended well in the run that is resumed, so that
// doing it again would do it twice.
func (pl *playState) acted(st *hostState, t *playbook.Task, address string) bool {
	switch {
	case pl.resumed == nil || t.Kind == "handler": // a handler was notified anew
		return false
	case !t.Meta.RunOnce:
		return pl.resumed.Acted[st.info.Name][address]
	}
	for _, done := range pl.resumed.Acted {
		if done[address] {
			return true
		}
	}
	return false
}

// unsure reports whether an action had begun in the run that is resumed, and nobody
// knows how it ended.
func (pl *playState) unsure(st *hostState, t *playbook.Task, address string) bool {
	return pl.resumed != nil && t.Info.Effects.Has(module.Action) && pl.resumed.Unsure[st.info.Name][address]
}

// actedResult is the result of an action that an earlier run did: that it
// changed something, and nothing else.
func actedResult(t *playbook.Task) cty.Value {
	attrs := playbook.NullResults(t)
	attrs["changed"], attrs["failed"], attrs["skipped"] = cty.True, cty.False, cty.False
	return cty.ObjectVal(attrs)
}
