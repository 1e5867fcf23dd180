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

var perHostRoots = []string{"var", "local", "facts", "host", "groups", "path"}

// check resolves references and decodes every task once with facts and results
// unknown, which finds unknown arguments, wrong types and missing files.
func (ld *loader) check() {
	pb := ld.pb
	ld.checkLocals(&pb.Unit, ld.set)
	for _, st := range pb.Stacks {
		ld.checkStack(st)
	}
	for _, p := range pb.Plays {
		ld.checkPlay(p, ld.set)
	}
	if ld.set.HasErrors() {
		return
	}
	pb.collectFacts()
	pb.makeClasses()
	for _, p := range pb.Plays { // the copies share what is kept
		eachCall(p.Items, func(c *Call) {
			for i, h := range c.hooks {
				c.Units = append(c.Units, h.copied(c.prefixes[i]))
			}
		})
	}
}

// checkLocals resolves what local values mention and refuses cycles.
func (ld *loader) checkLocals(u *Unit, set *diag.Set) {
	v := ld.env(u, nil, perHostRoots)
	deps := map[string][]string{}
	for _, l := range u.locals {
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
			if dl := u.local(d); dl != nil && !visit(dl, append(path, l.name)) {
				return false
			}
		}
		state[l.name] = 2
		order = append(order, l)
		return true
	}
	for _, l := range u.locals {
		if !visit(l, nil) {
			return
		}
	}
	u.locals = order // each after what it depends on
}

// env returns what expressions of a body may mention before its first item.
func (ld *loader) env(u *Unit, b *Body, roots []string) *env {
	v := &env{
		ld: ld, unit: u, here: u.what, roots: roots,
		tasks: map[string]*Task{}, later: map[string]*Task{}, uses: map[string]*Use{}, laterU: map[string]*Use{},
	}
	if u == &ld.pb.Unit {
		v.here = "this play"
	}
	if b != nil {
		v.broken = b.broken
		own(b.Items, func(t *Task) { v.later[t.local()] = t })
		for _, use := range uses(b.Items) {
			v.laterU[use.Name] = use
		}
	}
	return v
}

// itemRoots are the names items can mention.
func (ld *loader) itemRoots(u *Unit) []string {
	roots := append(perHostRoots[:len(perHostRoots):len(perHostRoots)], "task", "check", "use")
	if u == &ld.pb.Unit {
		roots = append(roots, "stack")
	}
	return append(roots, "each", "self")
}

func (ld *loader) checkPlay(p *Play, set *diag.Set) {
	hosts := ld.env(&ld.pb.Unit, nil, []string{"var", "local", "path"})
	if p.Hosts != nil {
		hosts.refs(p.Hosts, set)
	}
	ld.checkRollout(p, hosts, set)
	for _, g := range p.Rollout.Gates {
		for _, t := range g.Checks {
			ld.env(&ld.pb.Unit, nil, perHostRoots).task(t, set)
		}
	}
	ld.checkBody(&ld.pb.Unit, &p.Body, set)
	for _, g := range p.Rollout.Gates {
		checks := Body{Items: g.Items()}
		ld.decodeStatic(&ld.pb.Unit, &checks, set, set.HasErrors())
	}
}

// checkRollout resolves what the rollout mentions and evaluates what mentions
// nothing.
func (ld *loader) checkRollout(p *Play, v *env, set *diag.Set) {
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
	perHost := ld.env(&ld.pb.Unit, nil, []string{"var", "local", "host", "path"})
	for _, s := range p.Rollout.Spread {
		perHost.refs(s.Key, set)
	}
	if len(set.Diags) == problems { // or it would be said twice
		p.Rollout = p.rolloutWith(ld.pb.staticScope(&ld.pb.Unit, nil).Context(nil), false, set)
	}
}

// checkBody checks the items and handlers of a play, a set or a hook.
func (ld *loader) checkBody(u *Unit, b *Body, set *diag.Set) {
	v := ld.env(u, b, ld.itemRoots(u))
	v.items(b.Items, set)
	for _, h := range b.Handlers {
		v.task(h, set)
	}
	for _, o := range u.Outputs {
		v.refs(o.expr, set)
	}
	ld.decodeStatic(u, b, set, ld.set.HasErrors() || set.HasErrors())
}

// checkUnit checks a set that is used.
func (ld *loader) checkUnit(u *Unit) {
	ld.in(u, func(set *diag.Set) {
		ld.checkLocals(u, set)
		ld.checkBody(u, &u.Body, set)
	})
}

func (v *env) items(items []Item, set *diag.Set) {
	for _, it := range items {
		switch it := it.(type) {
		case *Task:
			v.task(it, set)
			v.tasks[it.local()] = it
			delete(v.later, it.local())
		case *Block:
			v.needs = nil
			v.refs(it.When, set)
			it.Needs = v.needs
			v.items(it.Items, set)
			v.items(it.Rescue, set)
			v.items(it.Always, set)
		case *Use:
			v.use(it, set)
			v.uses[it.Name] = it
			delete(v.laterU, it.Name)
			v.ld.checkUnit(it.Unit)
		case *Call:
			v.needs = nil
			v.refs(it.When, set)
			it.Needs = v.needs
		}
	}
}

// use resolves the references of a use.
func (v *env) use(u *Use, set *diag.Set) {
	v.needs, v.muted = nil, false
	problems := len(set.Diags)
	v.refs(u.ForEach, set)
	v.each = u.ForEach != nil
	v.refs(u.When, set)
	for _, name := range sortedAttrNames(u.Args) {
		v.refs(u.Args[name].Expr, set)
	}
	v.each = false
	u.Needs = v.needs
	u.unresolved = v.muted || len(set.Diags) > problems
}

// task resolves the references of one task.
func (v *env) task(t *Task, set *diag.Set) {
	v.needs, v.muted = nil, false
	problems := len(set.Diags)
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
	t.Needs = v.needs
	t.unresolved = v.muted || len(set.Diags) > problems
}

// decodeStatic decodes every task with facts and results unknown. Of a task that
// mentions something there is not, which is reported already, only the names of
// arguments are checked; with problems, what is no task is left out likewise.
func (ld *loader) decodeStatic(u *Unit, body *Body, set *diag.Set, problems bool) {
	scope := ld.pb.staticScope(u, body)
	context := func(each bool) *hcl.EvalContext {
		if !each {
			return scope.Context(nil)
		}
		return scope.Context(map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": cty.UnknownVal(cty.String), "value": cty.DynamicVal})})
	}
	check := func(t *Task) {
		b, step := Bind(t)
		target := Target(t)
		if t.unresolved { // decoding would report it a second time
			set.Extend(b.CheckNames(target))
			return
		}
		ctx := context(t.Meta.ForEach != nil)
		d, diags := b.Decode(target, ctx, ld.pb.Files)
		if !diags.HasErrors() {
			t.fixed = b.Fixed(target)
			t.SeesFacts = t.seesFacts(b)
		}
		set.Extend(diags)
		m := t.Meta
		checkMeta(set, ctx, m.When, m.ForEach, m.DelegateTo, m.Environment, m.BecomeUser)
		if val, ok := step.(module.Validator); ok && d.Known() && !diags.HasErrors() {
			if err := val.Validate(); err != nil {
				set.Append(diag.Errorf("Invalid combination of arguments", &t.Range, "%s", err))
			}
		}
	}
	own(body.Items, check)
	for _, h := range body.Handlers {
		check(h)
	}
	for _, use := range uses(body.Items) {
		ctx := context(use.ForEach != nil)
		if use.unresolved {
			use.Unit.checkArgs(use.Args, use.Range, nil, set)
			continue
		}
		use.Unit.checkArgs(use.Args, use.Range, ctx, set)
		checkMeta(set, ctx, use.When, use.ForEach)
	}
	if !problems {
		eachBlock(body.Items, func(b *Block) { checkMeta(set, scope.Context(nil), b.When) })
		eachCall(body.Items, func(c *Call) { checkMeta(set, scope.Context(nil), c.When) })
		for _, o := range u.Outputs {
			_, diags := o.expr.Value(scope.Context(nil))
			set.Extend(diags)
		}
	}
}

// checkMeta evaluates the expressions of meta-arguments for their types: a
// condition, what for_each and delegate_to are given, and others.
func checkMeta(set *diag.Set, ctx *hcl.EvalContext, when hclsyntax.Expression, others ...hclsyntax.Expression) {
	for i, e := range append([]hclsyntax.Expression{when}, others...) {
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
		switch i {
		case 0:
			if v.IsNull() || v.Type() != cty.Bool {
				set.Append(diag.Errorf("Wrong type of value", &rng, "The argument \"when\" is a condition: it must give true or false."))
			}
		case 1:
			if _, err := Instances(v); err != nil {
				set.Append(diag.Errorf("Wrong type of value", &rng, "%s", err))
			}
		case 2:
			if v.IsNull() || v.Type() != cty.String {
				set.Append(diag.Errorf("Wrong type of value", &rng, "The argument \"delegate_to\" is the name of a host, or \"controller\" for the machine ferry runs on."))
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
	return schema.Target{What: fmt.Sprintf("The module %q", t.Module), Attrs: t.Attrs, Range: t.Range, Fixed: t.fixed}
}

func sortedAttrNames(m map[string]*hclsyntax.Attribute) []string {
	out := make([]string, 0, len(m))
	for n := range m {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}
