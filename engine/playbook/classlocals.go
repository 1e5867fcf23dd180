package playbook

import (
	"maps"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// keptLocals are the local values of a unit that can be the same on several
// hosts, all of them together.
type keptLocals struct {
	kept[localValues]
	in map[string]bool
}

// localValues are local values on the hosts of one class. They are not changed.
type localValues struct {
	vals map[string]cty.Value
	obj  cty.Value
}

// keepLocals finds the local values that are kept. They stand in the order of
// what they depend on.
func (c *classes) keepLocals(u *Unit) {
	all := &needs{}
	in := map[string]bool{}
	for _, l := range u.locals {
		n := c.needsOf(u, l.expr)
		if c.ofs[l.name] = n; n == nil {
			continue
		}
		c.keep(u, l.expr)
		in[l.name] = true
		all = all.and(n)
	}
	if len(in) > 0 {
		c.locals = &keptLocals{kept: kept[localValues]{inputs: all.inputs, each: all.each}, in: in}
	}
}

// evalLocals evaluates the local values in c, which gets them, and returns the
// problems in them. One with a problem is unknown.
func (s *Scope) evalLocals(c *hcl.EvalContext) hcl.Diagnostics {
	var out hcl.Diagnostics
	vals := map[string]cty.Value{}
	k := s.keptLocals()
	var key classKey
	class, found := false, false
	if k != nil {
		key, class = classOf(s, &k.kept, c)
	}
	if class {
		if v, ok := k.table.find(key.hash, key.classes); ok {
			if len(v.val.vals) == len(s.unit.locals) {
				c.Variables["local"] = v.val.obj
				return nil
			}
			found, vals = true, maps.Clone(v.val.vals)
		}
	}
	key = key.saved()
	stale := true // of the object
	for _, l := range s.unit.locals {
		if found && k.in[l.name] {
			continue
		}
		if stale && l.nested {
			c.Variables["local"] = cty.ObjectVal(vals)
		}
		v, diags := s.evalLocal(l, c)
		out = append(out, diags...)
		if diags.HasErrors() {
			v = cty.DynamicVal
		}
		vals[l.name], stale = v, true
	}
	c.Variables["local"] = cty.ObjectVal(vals)
	if class && !found && len(out) == 0 {
		s.keepLocals(k, key, vals)
	}
	return out
}

func (s *Scope) keptLocals() *keptLocals {
	if s.static || s.unit.classes == nil {
		return nil
	}
	return s.unit.classes.locals
}

// evalLocal evaluates one local value.
func (s *Scope) evalLocal(l *local, c *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	k := s.keptFor(l.expr)
	if k == nil {
		return l.expr.Value(c)
	}
	key, ok := classOf(s, k, c)
	if !ok {
		return l.expr.Value(c)
	}
	if v, ok := k.table.find(key.hash, key.classes); ok {
		return v.val, nil
	}
	key = key.saved()
	v, diags := l.expr.Value(c)
	if len(diags) == 0 && settled(v) {
		k.put(key, v)
	}
	return v, diags
}

func (s *Scope) keepLocals(k *keptLocals, key classKey, vals map[string]cty.Value) {
	keep := map[string]cty.Value{}
	for name := range k.in {
		if !settled(vals[name]) {
			return
		}
		keep[name] = vals[name]
	}
	k.put(key, localValues{keep, cty.ObjectVal(keep)})
}
