package run

import (
	"context"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// open says whether the play's maintenance window lets work begin now. A plan
// only looks and needs no window.
func (pl *playState) open() bool {
	if pl.r.opts.Mode == Plan {
		return true
	}
	open, _ := pl.rollout.Open(time.Now())
	return open
}

// await waits for the window and says why it is not waited for, or "".
func (pl *playState) await(ctx context.Context) string {
	open, next := pl.rollout.Open(time.Now())
	if open { // it opened between the question and now
		return ""
	}
	when := next.Format("Mon 2006-01-02 15:04 MST")
	wait := time.Until(next)
	if o := pl.r.opts; o.GateWait >= 0 && wait > o.GateWait {
		return pl.closed("the maintenance window is closed until " + when)
	}
	pl.r.emit.emit(event.Event{Kind: event.GateStarted, Play: pl.play.Name, Gate: "window", GateKind: playbook.GateWindow, Message: "the maintenance window is closed; waiting until " + when})
	if !pause(ctx, pl.r.opts.Stop, wait) {
		return pl.closed("the run was interrupted while the maintenance window was closed")
	}
	pl.r.emit.emit(event.Event{Kind: event.GateFinished, Play: pl.play.Name, Gate: "window", GateKind: playbook.GateWindow, Status: event.OK, Duration: wait})
	return ""
}

// closed records that the window stopped the rollout.
func (pl *playState) closed(why string) string {
	pl.r.stopAt(event.Stopped{Play: pl.play.Name, Gate: "window", Kind: playbook.GateWindow, Reason: why, Cure: []string{"ferry resume " + pl.r.opts.reference()}})
	return why
}

// heldBack says why a host may not begin its next task: its window has closed
// and it has not passed its point of no return.
func (pr *playRun) heldBack() string {
	if pr.gate != "" || pr.ending || pr.st.beyond || pr.pl.open() {
		return ""
	}
	return pr.pl.closed("the maintenance window has closed")
}
