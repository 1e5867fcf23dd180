package playbook

import (
	"sort"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/ferry-ops/ferry/engine/schema"
)

// collectFacts gathers the names of the facts the playbook mentions.
func (pb *Playbook) collectFacts() {
	seen := map[string]bool{}
	add := func(ts []hcl.Traversal) {
		for _, t := range ts {
			if t.RootName() == "facts" && len(t) > 1 {
				seen[attrName(t[1])] = true
			}
		}
	}
	exprs := func(es ...hclsyntax.Expression) {
		for _, e := range es {
			if e != nil {
				add(e.Variables())
			}
		}
	}
	attrs := func(m map[string]*hclsyntax.Attribute) {
		for _, a := range m {
			exprs(a.Expr)
		}
	}
	body := func(b *Body) {
		task := func(t *Task) {
			attrs(t.Attrs)
			exprs(t.Meta.When, t.Meta.ForEach, t.Meta.Environment, t.Meta.BecomeUser, t.Meta.ChangedWhen, t.Meta.FailedWhen, t.Meta.DelegateTo)
			if t.Meta.Retry != nil {
				exprs(t.Meta.Retry.Until)
			}
		}
		own(b.Items, task)
		for _, h := range b.Handlers {
			task(h)
		}
		for _, u := range uses(b.Items) {
			exprs(u.When, u.ForEach)
			attrs(u.Args)
		}
		eachBlock(b.Items, func(b *Block) { exprs(b.When) })
		eachCall(b.Items, func(c *Call) { exprs(c.When) })
	}
	for _, u := range pb.units {
		for _, l := range u.locals {
			exprs(l.expr)
		}
		for _, o := range u.Outputs {
			exprs(o.expr)
		}
		body(&u.Body)
	}
	for _, p := range pb.Plays {
		body(&p.Body)
		for _, g := range p.Rollout.Gates {
			body(&Body{Items: g.Items()})
		}
	}
	for _, st := range pb.Stacks {
		exprs(st.When)
		attrs(st.Args)
	}
	inTemplates := pb.Files.Variables()
	add(inTemplates)
	for _, t := range inTemplates { // "vars" may give the name another meaning, so no group is looked for
		pb.usesGroups = pb.usesGroups || t.RootName() == "groups"
	}
	for n := range seen {
		if contains(factNames(), n) {
			pb.Facts = append(pb.Facts, n)
		}
	}
	sort.Strings(pb.Facts)
}

// seesFacts reports whether anything the task does may depend on facts. A
// template sees all that its task sees, so it counts as one that does.
func (t *Task) seesFacts(b *schema.Block) bool {
	exprs := []hclsyntax.Expression{t.Meta.When, t.Meta.ForEach, t.Meta.Environment, t.Meta.BecomeUser, t.Meta.DelegateTo}
	for name, a := range t.Attrs {
		if arg := b.Arg(name); arg != nil && arg.Kind == schema.KindTemplate {
			return true
		}
		exprs = append(exprs, a.Expr)
	}
	locals := false
	for _, e := range exprs {
		if mentions(e, "facts") {
			return true
		}
		locals = locals || mentions(e, "local")
	}
	for _, l := range t.Unit.locals {
		if locals && mentions(l.expr, "facts") { // which of them is not worth telling apart
			return true
		}
	}
	return false
}

func mentions(e hclsyntax.Expression, root string) bool {
	if e == nil {
		return false
	}
	for _, t := range e.Variables() {
		if t.RootName() == root {
			return true
		}
	}
	return false
}

// eachBlock calls f for the blocks among items that belong to the same unit.
func eachBlock(items []Item, f func(*Block)) {
	for _, it := range items {
		if b, ok := it.(*Block); ok {
			f(b)
			eachBlock(b.Items, f)
			eachBlock(b.Rescue, f)
			eachBlock(b.Always, f)
		}
	}
}

// eachCall calls f for the calls among items.
func eachCall(items []Item, f func(*Call)) {
	for _, it := range items {
		if c, ok := it.(*Call); ok {
			f(c)
		}
	}
	eachBlock(items, func(b *Block) {
		for _, list := range [][]Item{b.Items, b.Rescue, b.Always} {
			for _, it := range list {
				if c, ok := it.(*Call); ok {
					f(c)
				}
			}
		}
	})
}
