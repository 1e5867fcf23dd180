package playbook

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/schema"
)

// Enter returns the scope of a set that is used in this one. The values of its
// variables are evaluated now and stay; extra holds "each", if the use has a
// for_each.
func (s *Scope) Enter(u *Use, extra map[string]cty.Value) (*Scope, hcl.Diagnostics) {
	vals, diags := s.keptValues(u.given, u.Unit, u.Args, extra)
	return newScope(s.pb, u.Unit, &u.Unit.Body, vals, s.shared), diags
}

// Leave makes the outputs of a use known; with for_each they are an object of
// each element's outputs.
func (s *Scope) Leave(u *Use, outputs cty.Value) {
	s.outputs[u.Name] = outputs
	s.ctx = nil
}

// HasOutputs reports whether the outputs of a use are known.
func (s *Scope) HasOutputs(u *Use) bool {
	_, ok := s.outputs[u.Name]
	return ok
}

// Outputs evaluates the outputs of a set in its own scope. Those that cannot be
// evaluated are unknown.
func (s *Scope) Outputs() (cty.Value, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	vals := map[string]cty.Value{}
	for _, o := range s.unit.Outputs {
		v, dg := s.Value(o.expr, nil)
		diags = append(diags, dg...)
		if dg.HasErrors() {
			v = cty.DynamicVal
		}
		vals[o.Name] = o.mark(v)
	}
	return cty.ObjectVal(vals), diags
}

// NullOutputs are the outputs of a use that was skipped.
func NullOutputs(u *Use) cty.Value {
	if u.ForEach != nil {
		return cty.EmptyObjectVal
	}
	vals := map[string]cty.Value{}
	for _, o := range u.Unit.Outputs {
		vals[o.Name] = o.mark(cty.NullVal(cty.DynamicPseudoType))
	}
	return cty.ObjectVal(vals)
}

func (o *Output) mark(v cty.Value) cty.Value {
	if o.Sensitive {
		return v.Mark(schema.SensitiveMark)
	}
	return v
}

// EnterStack returns the scope of a stack's variables, local values and handlers.
func (s *Scope) EnterStack(st *Stack) (*Scope, hcl.Diagnostics) {
	vals, diags := s.keptValues(st.given, st.Unit, st.Args, nil)
	return newScope(s.pb, st.Unit, &st.Unit.Body, vals, s.shared), diags
}

// EnterHook returns the scope of one hook of the stack whose scope this is.
func (s *Scope) EnterHook(hook *Unit) *Scope {
	c := newScope(s.pb, hook, &hook.Body, nil, s.shared)
	c.vars = s.vars
	return c
}

// SetPresent makes known whether the host has a stack.
func (s *Scope) SetPresent(st *Stack, yes bool) {
	s.shared.present[st] = yes
	s.shared.changes++
}

// values evaluates the arguments given to a unit's variables.
func (u *Unit) values(args map[string]*hclsyntax.Attribute, ctx *hcl.EvalContext) (map[string]cty.Value, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	vals := map[string]cty.Value{}
	for _, v := range u.Variables {
		a := args[v.Name]
		if a == nil {
			if v.def == nil { // Load has refused it
				vals[v.Name] = v.mark(cty.UnknownVal(v.typ))
				continue
			}
			diags = append(diags, u.validate(v, *v.def, "its default")...)
			vals[v.Name] = v.mark(*v.def)
			continue
		}
		val, dg := a.Expr.Value(ctx)
		diags = append(diags, dg...)
		if !dg.HasErrors() {
			val, dg = u.argument(v, val, a.Expr.Range())
			diags = append(diags, dg...)
		} else {
			val = cty.UnknownVal(v.typ)
		}
		vals[v.Name] = val
	}
	return vals, diags
}

// useObject is what "use" is: the outputs of the sets used in this body.
func (s *Scope) useObject() cty.Value {
	out := map[string]cty.Value{}
	for _, u := range uses(s.body.Items) {
		v, ok := s.outputs[u.Name]
		switch {
		case ok:
		case u.ForEach != nil:
			v = cty.DynamicVal
		default:
			vals := map[string]cty.Value{}
			for _, o := range u.Unit.Outputs {
				vals[o.Name] = o.mark(cty.DynamicVal)
			}
			v = cty.ObjectVal(vals)
		}
		out[u.Name] = v
	}
	return cty.ObjectVal(out)
}

// stackObject is what "stack" is: which stacks the host has, as far as known.
func (s *Scope) stackObject() cty.Value {
	out := map[string]cty.Value{}
	for _, st := range s.pb.Stacks {
		v := cty.UnknownVal(cty.Bool)
		if yes, ok := s.shared.present[st]; ok {
			v = cty.BoolVal(yes)
		}
		out[st.Name] = cty.ObjectVal(map[string]cty.Value{"present": v})
	}
	return cty.ObjectVal(out)
}
