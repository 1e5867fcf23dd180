package run

import (
	"context"
	"regexp"
	"slices"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// handlers runs what was notified, in the order declared, until nothing more
// is: a handler may notify others. Those of sets come after the play's own.
func (pr *playRun) handlers(ctx context.Context) outcome {
	for again := true; again; {
		again = false
		for _, h := range pr.allHandlers() {
			if !pr.notified[h] {
				continue
			}
			if pr.r.opts.stopped() {
				return outcome{status: event.Interrupted, err: &event.Error{Summary: "Interrupted before notified handlers ran"}}
			}
			delete(pr.notified, h) // it may be notified again while it runs
			if out := pr.task(ctx, h, nil); out.failed() {
				pr.notified[h] = true
				return out
			}
			again = true
		}
	}
	return outcome{status: event.OK}
}

// notify marks the handlers of a task that changed something. One that failed
// while it acted may have changed something, too.
func (pr *playRun) notify(t *playbook.Task, ev event.Event) {
	switch ev.Status {
	case event.Changed, event.Planned:
	case event.Failed, event.Ignored, event.Unreachable, event.Interrupted:
		if len(ev.Changes) == 0 {
			return
		}
	default:
		return
	}
	for _, h := range t.Meta.Notify {
		pr.notified[h] = true
	}
}

// carryOver notifies those of some handlers that an earlier run did not get to.
// Those of sets and stacks have their turn when these are entered.
func (pr *playRun) carryOver(handlers []*playbook.Task) {
	for _, address := range pr.r.opts.Pending[pr.st.info.Name][pr.play.Name] {
		for _, h := range handlers {
			if h.Address() != address {
				continue
			}
			pr.notified[h] = true
			if pr.carried == nil {
				pr.carried = map[*playbook.Task]bool{}
			}
			pr.carried[h] = true
		}
	}
}

// pending are the handlers that were notified and have not run.
func (pr *playRun) pending() []string {
	var out []string
	for _, h := range pr.allHandlers() {
		if pr.notified[h] {
			out = append(out, h.Address())
		}
	}
	return append(out, pr.owed()...)
}

// notifies are the addresses of the handlers a task notifies.
func notifies(t *playbook.Task) []string {
	var out []string
	for _, h := range t.Meta.Notify {
		out = append(out, h.Address())
	}
	return out
}

// owed are handlers of sets and stacks that an earlier run did not get to and
// this one did not enter. They stay pending as long as the playbook has them.
func (pr *playRun) owed() []string {
	var out []string
	for _, address := range pr.r.opts.Pending[pr.st.info.Name][pr.play.Name] {
		if slices.ContainsFunc(pr.allHandlers(), func(h *playbook.Task) bool { return h.Address() == address }) {
			continue
		}
		plain := elementKey.ReplaceAllString(address, "")
		for _, u := range playbook.Units(pr.play.Items) {
			if slices.ContainsFunc(u.Handlers, func(h *playbook.Task) bool { return h.Address() == plain }) {
				out = append(out, address)
				break
			}
		}
	}
	return out
}

// elementKey is the part of an address that names an element of a for_each.
var elementKey = regexp.MustCompile(`\["(?:[^"\\]|\\.)*"\]`)
