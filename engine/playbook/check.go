package playbook

import (
	"fmt"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

var perHostRoots = []string{"var", "local", "facts", "host", "path"}

// checkLocals resolves what local values mention and refuses cycles.
func (pb *Playbook) checkLocals(set *diag.Set) {
	v := pb.newEnv(perHostRoots)
	deps := map[string][]string{}
	for _, l := range pb.locals {
		v.refs(l.expr, set)
		for _, t := range l.expr.Variables() {
			if t.RootName() == "local" && len(t) > 1 {
				deps[l.name] = append(deps[l.name], attrName(t[1]))
			}
		}
	}
	var order []*local
	state := map[string]int{} // 1 being visited, 2 done
	var visit func(l *local, path []string) bool
	visit = func(l *local, path []string) bool {
		switch state[l.name] {
		case 1:
			rng := l.expr.Range()
			set.Append(diag.Errorf("Cycle in local values", &rng, "A local value cannot depend on itself: %s.", strings.Join(append(path, l.name), " → ")))
			return false
		case 2:
			return true
		}
		state[l.name] = 1
		for _, d := range deps[l.name] {
			if dl := pb.local(d); dl != nil && !visit(dl, append(path, l.name)) {
				return false
			}
		}
		state[l.name] = 2
		order = append(order, l)
		return true
	}
	for _, l := range pb.locals {
		if !visit(l, nil) {
			return
		}
	}
	pb.locals = order // each after what it depends on
}

func (pb *Playbook) newEnv(roots []string) *env {
	return &env{pb: pb, roots: roots, tasks: map[string]*Task{}, later: map[string]*Task{}, facts: map[string]bool{}}
}

func (pb *Playbook) checkPlay(p *Play, set *diag.Set) {
	hosts := pb.newEnv([]string{"var", "local", "path"})
	if p.Hosts != nil {
		hosts.refs(p.Hosts, set)
	}
	pb.checkRollout(p, hosts, set)

	v := pb.newEnv(append(perHostRoots[:len(perHostRoots):len(perHostRoots)], "task", "check", "each", "self"))
	v.broken = p.broken
	Walk(p.Items, func(t *Task) { v.later[t.Address()] = t })
	v.items(p.Items, set)
	for _, h := range p.Handlers {
		v.task(h, set)
	}
	for _, g := range p.Rollout.Gates {
		for _, t := range g.Checks {
			outside := pb.newEnv(perHostRoots)
			outside.task(t, set)
		}
	}
	// Decoding with unresolved references would report them a second time.
	pb.decodeStatic(p, set, set.HasErrors())
}

func (v *env) items(items []Item, set *diag.Set) {
	for _, it := range items {
		switch it := it.(type) {
		case *Task:
			v.task(it, set)
			v.tasks[it.Address()] = it
			delete(v.later, it.Address())
		case *Block:
			v.refs(it.When, set)
			v.items(it.Items, set)
			v.items(it.Rescue, set)
			v.items(it.Always, set)
		}
	}
}

// task resolves the references of one task.
func (v *env) task(t *Task, set *diag.Set) {
	v.refs(t.Meta.ForEach, set)
	v.each = t.Meta.ForEach != nil
	v.refs(t.Meta.When, set)
	for _, name := range sortedAttrNames(t.Attrs) {
		v.refs(t.Attrs[name].Expr, set)
	}
	v.refs(t.Meta.Environment, set)
	v.refs(t.Meta.BecomeUser, set)
	v.refs(t.Meta.DelegateTo, set)
	v.self = t
	v.refs(t.Meta.ChangedWhen, set)
	v.refs(t.Meta.FailedWhen, set)
	if t.Meta.Retry != nil {
		v.refs(t.Meta.Retry.Until, set)
	}
	v.self, v.each = nil, false
}

// decodeStatic decodes every task with facts and results unknown. With
// namesOnly, it checks only the names of arguments.
func (pb *Playbook) decodeStatic(p *Play, set *diag.Set, namesOnly bool) {
	scope := pb.staticScope(p)
	check := func(t *Task) {
		b, step := Bind(t)
		target := Target(t)
		if namesOnly {
			set.Extend(b.CheckNames(target))
			return
		}
		ctx := scope.Context(nil)
		if t.Meta.ForEach != nil {
			ctx = scope.Context(map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": cty.UnknownVal(cty.String), "value": cty.DynamicVal})})
		}
		d, diags := b.Decode(target, ctx, pb.Files)
		set.Extend(diags)
		pb.checkMeta(t, ctx, set)
		if val, ok := step.(module.Validator); ok && d.Known() && !diags.HasErrors() {
			if err := val.Validate(); err != nil {
				set.Append(diag.Errorf("Invalid combination of arguments", &t.Range, "%s", err))
			}
		}
	}
	p.tasks(check)
}

// checkRollout resolves what the rollout mentions and evaluates what mentions
// nothing.
func (pb *Playbook) checkRollout(p *Play, v *env, set *diag.Set) {
	if p.rollout == nil {
		return
	}
	problems := len(set.Diags)
	for _, a := range sortedAttrs(p.rollout.Body) {
		v.refs(a.Expr, set)
	}
	for _, g := range p.Rollout.Gates {
		for _, a := range sortedAttrs(g.body) {
			v.refs(a.Expr, set)
		}
	}
	perHost := pb.newEnv([]string{"var", "local", "host", "path"})
	for _, s := range p.Rollout.Spread {
		perHost.refs(s.Key, set)
	}
	if len(set.Diags) == problems { // or it would be said twice
		p.Rollout = p.rolloutWith(pb.staticScope(nil).Context(nil), false, set)
	}
}

// tasks calls f for every task, handler and check of the play.
func (p *Play) tasks(f func(*Task)) {
	Walk(p.Items, f)
	for _, h := range p.Handlers {
		f(h)
	}
	for _, g := range p.Rollout.Gates {
		Walk(g.Items(), f)
	}
}

// checkMeta evaluates the expressions of meta-arguments for their types.
func (pb *Playbook) checkMeta(t *Task, ctx *hcl.EvalContext, set *diag.Set) {
	for _, e := range []hclsyntax.Expression{t.Meta.When, t.Meta.ForEach, t.Meta.Environment, t.Meta.BecomeUser, t.Meta.DelegateTo} {
		if e == nil {
			continue
		}
		v, diags := e.Value(ctx)
		set.Extend(diags)
		if diags.HasErrors() || !v.IsKnown() {
			continue
		}
		rng := e.Range()
		v, _ = v.Unmark()
		switch e {
		case t.Meta.When:
			if v.IsNull() || v.Type() != cty.Bool {
				set.Append(diag.Errorf("Wrong type of value", &rng, "The argument \"when\" is a condition: it must give true or false."))
			}
		case t.Meta.DelegateTo:
			if v.IsNull() || v.Type() != cty.String {
				set.Append(diag.Errorf("Wrong type of value", &rng, "The argument \"delegate_to\" is the name of a host, or \"controller\" for the machine ferry runs on."))
			}
		case t.Meta.ForEach:
			if _, err := Instances(v); err != nil {
				set.Append(diag.Errorf("Wrong type of value", &rng, "%s", err))
			}
		}
	}
}

// Bind makes a fresh step or check for a task and declares its arguments.
func Bind(t *Task) (*schema.Block, any) {
	b := &schema.Block{}
	var step any
	if t.Info.NewCheck != nil {
		step = t.Info.NewCheck()
	} else {
		step = t.Info.New()
	}
	if n, ok := step.(module.Named); ok {
		n.SetName(t.Name)
	}
	step.(interface{ Schema(*schema.Block) }).Schema(b)
	return b, step
}

// Target is what schema.Block.Decode needs to know of a task.
func Target(t *Task) schema.Target {
	return schema.Target{What: fmt.Sprintf("The module %q", t.Module), Attrs: t.Attrs, Range: t.Range}
}

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
	for _, l := range pb.locals {
		exprs(l.expr)
	}
	task := func(t *Task) {
		for _, a := range t.Attrs {
			exprs(a.Expr)
		}
		exprs(t.Meta.When, t.Meta.ForEach, t.Meta.Environment, t.Meta.BecomeUser, t.Meta.ChangedWhen, t.Meta.FailedWhen, t.Meta.DelegateTo)
		if t.Meta.Retry != nil {
			exprs(t.Meta.Retry.Until)
		}
	}
	for _, p := range pb.Plays {
		p.tasks(task)
		blocks(p.Items, func(b *Block) { exprs(b.When) })
	}
	add(pb.Files.Variables())
	for n := range seen {
		if contains(factNames(), n) {
			pb.Facts = append(pb.Facts, n)
		}
	}
	sort.Strings(pb.Facts)
}

func blocks(items []Item, f func(*Block)) {
	for _, it := range items {
		if b, ok := it.(*Block); ok {
			f(b)
			blocks(b.Items, f)
			blocks(b.Rescue, f)
			blocks(b.Always, f)
		}
	}
}

func sortedAttrNames(m map[string]*hclsyntax.Attribute) []string {
	out := make([]string, 0, len(m))
	for n := range m {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}
