package playbook

import (
	"hash/maphash"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// EveryHost makes the playbook evaluate every expression for every host, also
// where the hosts are alike. It is what all results are held against in tests.
func EveryHost() Option { return func(pb *Playbook) { pb.everyHost = true } }

// makeClasses finds out, for all expressions that hosts evaluate, what they
// depend on. Every name in them resolves.
func (pb *Playbook) makeClasses() {
	if pb.everyHost {
		return
	}
	seed := maphash.MakeSeed()
	for _, u := range pb.units {
		u.classes = &classes{seed: seed, exprs: map[hclsyntax.Expression]*kept[cty.Value]{}, names: map[string]int{}, ofs: map[string]*needs{}}
		u.classes.keepLocals(u)
	}
	for _, v := range pb.Variables {
		pb.keepVariable(v)
	}
	for _, u := range pb.units {
		for _, o := range u.Outputs {
			u.classes.keep(u, o.expr)
		}
		u.classes.keepBody(pb, u, &u.Body)
	}
	root := pb.classes
	for _, p := range pb.Plays {
		root.keepBody(pb, &pb.Unit, &p.Body)
		for _, g := range p.Rollout.Gates {
			root.keepBody(pb, &pb.Unit, &Body{Items: g.Items()})
		}
	}
	for _, st := range pb.Stacks {
		root.keep(&pb.Unit, st.When)
		st.given = root.keepGiven(&pb.Unit, st.Unit, st.Args)
	}
	for _, u := range pb.units {
		u.classes.names, u.classes.ofs = nil, nil
	}
}

// keepBody prepares for the expressions of a body's items and handlers.
func (c *classes) keepBody(pb *Playbook, u *Unit, b *Body) {
	task := func(t *Task) {
		for _, a := range t.Attrs {
			c.keep(u, a.Expr)
		}
		m := t.Meta
		for _, e := range []hclsyntax.Expression{m.When, m.ForEach, m.Environment, m.BecomeUser, m.DelegateTo, m.ChangedWhen, m.FailedWhen} {
			c.keep(u, e)
		}
		c.keepArgs(pb, t)
	}
	own(b.Items, task)
	for _, h := range b.Handlers {
		task(h)
	}
	for _, use := range uses(b.Items) {
		c.keep(u, use.When)
		c.keep(u, use.ForEach)
		use.given = c.keepGiven(u, use.Unit, use.Args)
	}
	eachBlock(b.Items, func(b *Block) { c.keep(u, b.When) })
	eachCall(b.Items, func(call *Call) { c.keep(u, call.When) })
}
