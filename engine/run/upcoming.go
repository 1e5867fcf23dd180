package run

import (
	"github.com/ferry-ops/ferry/engine/playbook"
)

// cursor is what is left of a list of items.
type cursor struct {
	items []playbook.Item
	tags  []string
}

// follow notes what comes after the items that are about to run. The function it
// returns takes that back.
func (pr *playRun) follow(items []playbook.Item, tags []string) (leave func()) {
	n := len(pr.rest)
	pr.rest = append(pr.rest, cursor{items, tags})
	return func() { pr.rest = pr.rest[:n] }
}

// upcoming calls f for the tasks that run if nothing fails, in their order, as
// far as that is known: into blocks, sets and hooks whose conditions are. It
// reports false where f did or where what comes is not known.
func (pr *playRun) upcoming(items []playbook.Item, tags []string, f func(*playbook.Task, []string) bool) bool {
	for _, it := range items {
		ok := true
		switch it := it.(type) {
		case *playbook.Task:
			ok = f(it, tags)
		case *playbook.Flush:
			ok = len(pr.notified) == 0 // or the handlers act first
		case *playbook.Block:
			ok = pr.upcomingBlock(it, tags, f)
		case *playbook.Use:
			ok = pr.upcomingUse(it, tags, f)
		case *playbook.Call:
			ok = pr.upcomingCall(it, tags, f)
		}
		if !ok {
			return false
		}
	}
	return true
}

func (pr *playRun) upcomingBlock(b *playbook.Block, tags []string, f func(*playbook.Task, []string) bool) bool {
	tags = append(tags[:len(tags):len(tags)], b.Tags...)
	if b.When != nil {
		yes, known, out := pr.condition(pr.of(b.Unit), b.When, nil)
		if out.failed() || !known {
			return false
		}
		if !yes {
			return true
		}
	}
	return pr.upcoming(b.Items, tags, f) && pr.upcoming(b.Always, tags, f)
}

// upcomingUse looks into a set with the values its variables would have now. The
// scope is made anew when its turn comes.
func (pr *playRun) upcomingUse(u *playbook.Use, tags []string, f func(*playbook.Task, []string) bool) bool {
	if u.ForEach != nil {
		return false
	}
	outer := pr.of(u.Outer)
	if u.When != nil {
		yes, known, out := pr.condition(outer, u.When, nil)
		if out.failed() || !known {
			return false
		}
		if !yes {
			return true
		}
	}
	inner, diags := outer.Enter(u, nil)
	if diags.HasErrors() {
		return false
	}
	pr.r.emit.keep(inner.Secrets()...)
	pr.scopes[u.Unit] = inner
	return pr.upcoming(u.Unit.Items, append(tags[:len(tags):len(tags)], u.Tags...), f)
}

// upcomingCall looks into the hooks of stacks the host has, or at whether it has
// them.
func (pr *playRun) upcomingCall(c *playbook.Call, tags []string, f func(*playbook.Task, []string) bool) bool {
	tags = append(tags[:len(tags):len(tags)], c.Tags...)
	if c.When != nil {
		yes, known, out := pr.condition(pr.scope, c.When, nil)
		if out.failed() || !known {
			return false
		}
		if !yes {
			return true
		}
	}
	if !pr.anySelected(c, tags) {
		return true
	}
	open := false
	for _, st := range c.Stacks {
		if _, known := pr.st.present[st]; !known {
			open = true
			if !pr.upcomingDetect(st, f) {
				return false
			}
		}
	}
	if open {
		return false // the answers decide what comes
	}
	for i, st := range c.Stacks {
		switch p := pr.st.present[st]; {
		case p.undecided:
			return false
		case !p.here:
			continue
		}
		base, out := pr.stackScope(st)
		if out.failed() {
			return false
		}
		pr.scopes[c.Units[i]] = base.EnterHook(c.Units[i])
		if !pr.upcoming(c.Units[i].Items, tags, f) {
			return false
		}
	}
	return true
}

func (pr *playRun) upcomingDetect(st *playbook.Stack, f func(*playbook.Task, []string) bool) bool {
	if st.When != nil {
		yes, known, out := pr.condition(pr.scope, st.When, nil)
		if out.failed() || !known {
			return false
		}
		if !yes {
			return true
		}
	}
	if st.Detect == nil {
		return true
	}
	if out := pr.enterDetect(st); out.failed() {
		return false
	}
	return pr.upcoming(st.Detect.Items, []string{"always"}, f)
}
