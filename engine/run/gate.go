package run

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// Decision is what a person said about an approval.
type Decision struct {
	By      string
	At      time.Time
	Refused bool
	Comment string
}

// gatePoll is how often a waiting run asks whether it may go on.
const gatePoll = time.Second

// gates passes what stands after a batch. It returns why the rollout stops
// there, or "".
func (pl *playState) gates(ctx context.Context, batch int, hosts []*hostState, last bool) string {
	if pl.r.opts.Mode == Plan {
		return ""
	}
	for _, g := range pl.rollout.GatesAfter(batch, last) {
		if pl.resumed != nil && pl.resumed.Passed[GateAt{g.Name, batch}] {
			continue
		}
		if why := pl.gate(ctx, g, batch, hosts); why != "" {
			return why
		}
	}
	return ""
}

func (pl *playState) gate(ctx context.Context, g *playbook.Gate, batch int, hosts []*hostState) string {
	r := pl.r
	r.delegates.rest()
	start := time.Now()
	ev := event.Event{Kind: event.GateStarted, Play: pl.play.Name, Batch: batch, Gate: g.Name, GateKind: g.Kind, Place: fmt.Sprintf("%s:%d", g.Range.Filename, g.Range.Start.Line)}
	var by, why string
	var cure []string
	switch g.Kind {
	case playbook.GateApproval:
		ev.Message = approvalText(g, batch, r.opts.reference())
		r.emit.emit(ev)
		by, why, cure = pl.approval(ctx, g, batch)
	case playbook.GateSoak:
		ev.Message = fmt.Sprintf("waiting %s before the next batch", g.Wait)
		r.emit.emit(ev)
		if !pause(ctx, r.opts.Stop, g.Wait) {
			why = "the run was interrupted"
		}
	case playbook.GateCheck:
		on := pl.gateHosts(g, hosts)
		for _, st := range on {
			ev.Hosts = append(ev.Hosts, st.info.Name)
		}
		r.emit.emit(ev)
		why = pl.checks(ctx, g, batch, on)
	}
	done := event.Event{Kind: event.GateFinished, Play: pl.play.Name, Batch: batch, Gate: g.Name, GateKind: g.Kind, By: by, Status: event.OK, Message: why, Duration: time.Since(start)}
	if why != "" {
		done.Status = event.NotRun
		r.stopAt(event.Stopped{Play: pl.play.Name, Gate: g.Name, Kind: g.Kind, Batch: batch, Reason: why, Cure: cure})
		after := fmt.Sprintf("after batch %d", batch)
		if batch == 0 {
			after = "before the first batch"
		}
		why = fmt.Sprintf("gate %q %s: %s", g.Name, after, why)
	}
	r.emit.emit(done)
	return why
}

func approvalText(g *playbook.Gate, batch int, run string) string {
	s := fmt.Sprintf("approval is needed after batch %d", batch)
	if batch == 0 {
		s = "approval is needed before the first batch"
	}
	if g.Message != "" {
		s += ": " + strings.TrimSuffix(g.Message, ".")
	}
	return s + "\n    ferry approve " + run
}

// approval waits for a person.
func (pl *playState) approval(ctx context.Context, g *playbook.Gate, batch int) (by, why string, cure []string) {
	o := pl.r.opts
	for waited := time.Duration(0); ; waited += gatePoll {
		if o.Approval != nil {
			d, err := o.Approval(pl.play.Name, g.Name, batch)
			switch {
			case err != nil:
				return "", err.Error(), nil
			case d != nil && d.Refused:
				return d.By, strings.TrimSuffix("refused by "+d.By+": "+d.Comment, ": "), nil
			case d != nil:
				return d.By, "", nil
			}
		}
		if o.GateWait >= 0 && waited >= o.GateWait {
			return "", "nobody has approved yet", []string{"ferry approve " + o.reference(), "ferry resume " + o.reference()}
		}
		if !pause(ctx, o.Stop, gatePoll) {
			return "", "the run was interrupted", nil
		}
	}
}

// gateHosts are the hosts that the checks of a gate look at.
func (pl *playState) gateHosts(g *playbook.Gate, batch []*hostState) []*hostState {
	var out []*hostState
	switch g.On {
	case playbook.OnBatch:
		for _, st := range batch {
			if !st.lost() {
				out = append(out, st)
			}
		}
	case playbook.OnPlay:
		for _, st := range pl.alive {
			if !st.lost() {
				out = append(out, st)
			}
		}
	case playbook.OnController:
		out = append(out, pl.r.bystander(Host{HostInfo: playbook.HostInfo{Name: Controller}}))
	default:
		for _, h := range pl.hosts.GateHosts[g.Name] {
			if st := pl.r.hosts[h.Name]; st != nil {
				out = append(out, st) // with the connection it has
				continue
			}
			out = append(out, pl.r.bystander(h))
		}
	}
	return out
}

// bystander is a host that takes no part in any play.
func (r *Runner) bystander(h Host) *hostState {
	if r.bystanders[h.Name] == nil {
		r.bystanders[h.Name] = newHostState(r, h)
	}
	return r.bystanders[h.Name]
}

// checks runs the gate's checks on hosts and says what keeps the gate shut.
func (pl *playState) checks(ctx context.Context, g *playbook.Gate, batch int, hosts []*hostState) string {
	failed := make([]string, len(hosts))
	d := dispatcher{parallel: pl.r.opts.parallel(pl.rollout), spread: &spread{}, stop: func() bool { return ctx.Err() != nil || pl.r.opts.stopped() }, open: func() bool { return true }, start: func(*hostState) bool { return true }}
	index := map[*hostState]int{}
	for i, st := range hosts {
		index[st] = i
	}
	d.run(hosts, func(st *hostState) {
		pr := &playRun{st: st, r: pl.r, pl: pl, play: pl.play, batch: batch, gate: g.Name, notified: map[*playbook.Task]bool{}}
		if out := pr.only(ctx, g.Items()); out.failed() {
			failed[index[st]] = st.info.Name + ": " + out.line()
		}
	}, func(st *hostState, _ string) { failed[index[st]] = st.info.Name + ": the run was interrupted" })
	first, n := "", 0
	for _, f := range failed {
		if f != "" {
			if n++; first == "" {
				first = f
			}
		}
	}
	if n > 1 {
		first += fmt.Sprintf(" (and on %d more hosts)", n-1)
	}
	return first
}
