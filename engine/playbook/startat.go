package playbook

import (
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/ferry-ops/ferry/engine/diag"
)

// StartAt returns the tasks that come before the one with this address, written
// task.MODULE.NAME or PLAY/task.MODULE.NAME. A later task that needs the result
// of one of them is an error: it would not be there.
func (pb *Playbook) StartAt(address string) (map[*Task]bool, diag.Set) {
	set := diag.Set{Sources: pb.Sources}
	play, want, found := strings.Cut(address, "/")
	if !found {
		play, want = "", address
	}
	skip := map[*Task]bool{}
	var names []string
	var at *Play
	for _, p := range pb.Plays {
		Walk(p.Items, func(t *Task) {
			names = append(names, t.Address())
			if at == nil && t.Address() == want && (play == "" || play == p.Name) {
				at = p
			}
			if at == nil {
				skip[t] = true
			}
		})
	}
	if at == nil {
		set.Append(diag.Errorf("Unknown task", nil, "No play of the playbook %q has the task %s to start at.%s A task is named as in references, for example task.service.nginx, or PLAY/task.service.nginx.", pb.Name, address, diag.DidYouMean(want, names)))
		return nil, set
	}
	gone := map[string]bool{}
	for t := range skip {
		gone[t.Address()] = true
	}
	at.tasks(func(t *Task) {
		if skip[t] {
			return
		}
		for _, tr := range t.variables() {
			if len(tr) < 3 || tr.RootName() != "task" && tr.RootName() != "check" {
				continue
			}
			if a := t.Unit.prefix + tr.RootName() + "." + attrName(tr[1]) + "." + attrName(tr[2]); gone[a] && !playHas(at, a, skip) {
				rng := tr.SourceRange()
				set.Append(diag.Errorf("Result not there", &rng, "%s uses the result of %s, which would not run when starting at %s. Start at %s or before it.", t.Address(), a, address, a))
			}
		}
	})
	set.Sort()
	return skip, set
}

// playHas reports whether a task of that address runs in the play.
func playHas(p *Play, address string, skip map[*Task]bool) bool {
	has := false
	Walk(p.Items, func(t *Task) { has = has || t.Address() == address && !skip[t] })
	return has
}

// variables are the names a task mentions anywhere.
func (t *Task) variables() []hcl.Traversal {
	var out []hcl.Traversal
	for _, name := range sortedAttrNames(t.Attrs) {
		out = append(out, t.Attrs[name].Expr.Variables()...)
	}
	m := t.Meta
	var exprs []hcl.Expression
	for _, e := range []hcl.Expression{m.When, m.ForEach, m.ChangedWhen, m.FailedWhen, m.Environment, m.BecomeUser, m.DelegateTo} {
		if e != nil {
			exprs = append(exprs, e)
		}
	}
	if m.Retry != nil && m.Retry.Until != nil {
		exprs = append(exprs, m.Retry.Until)
	}
	for _, e := range exprs {
		out = append(out, e.Variables()...)
	}
	return out
}
