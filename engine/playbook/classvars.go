package playbook

import (
	"hash/maphash"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// keptVariable are the values a variable was given by the inventory, with what
// they were converted to, and whether its default was found to be valid.
type keptVariable struct {
	seed     maphash.Seed
	validDef bool
	values   classTable[cty.Value, *knownValue]
}

// keepVariable prepares for a variable whose values are converted or validated at
// a cost.
func (pb *Playbook) keepVariable(v *Variable) {
	if v.Sensitive || len(v.validations) == 0 && v.typ.IsPrimitiveType() {
		return
	}
	for _, rule := range v.validations {
		for _, e := range []hclsyntax.Expression{rule.condition, rule.message} {
			if pb.classes.needsOf(&pb.Unit, e) == nil {
				return
			}
		}
	}
	v.kept = &keptVariable{seed: pb.classes.seed}
	v.kept.validDef = v.def != nil && settled(*v.def) && len(pb.validate(v, *v.def, "its default")) == 0
}

// keptHostValue is hostValue, which converts and validates each value once.
func (pb *Playbook) keptHostValue(v *Variable, h HostInfo) (cty.Value, hcl.Diagnostics) {
	k := v.kept
	raw, given := h.Vars[v.Name]
	switch {
	case k == nil, given && k.values.useless.Load():
		return pb.hostValue(v, h)
	case !given && k.validDef:
		return *v.def, nil
	case !given:
		return pb.hostValue(v, h)
	}
	var hash maphash.Hash
	hash.SetSeed(k.seed)
	if !hashValue(&hash, raw) {
		return pb.hostValue(v, h)
	}
	sum := hash.Sum64()
	if known, ok := k.values.find(sum, raw); ok {
		return known.made, nil
	}
	val, diags := pb.hostValue(v, h)
	if len(diags) == 0 && settled(val) {
		k.values.add(sum, raw, &knownValue{val: raw, made: val})
	}
	return val, diags
}

// unitValues are the values of a unit's variables on the hosts of one class. They
// are not changed.
type unitValues map[string]cty.Value

// keepGiven prepares for the values that a unit's variables are given in outer.
func (c *classes) keepGiven(outer, u *Unit, args map[string]*hclsyntax.Attribute) *kept[unitValues] {
	all := &needs{}
	for _, name := range sortedAttrNames(args) {
		all = all.and(c.needsOf(outer, args[name].Expr))
	}
	for _, v := range u.Variables {
		if v.Sensitive {
			return nil
		}
		for _, rule := range v.validations {
			for _, e := range []hclsyntax.Expression{rule.condition, rule.message} {
				if all != nil && u.classes.needsOf(u, e) == nil {
					all = nil
				}
			}
		}
	}
	if all == nil {
		return nil
	}
	return newKept[unitValues](all)
}

// keptValues evaluates the arguments given to a unit's variables in this scope,
// once for all hosts of a class.
func (s *Scope) keptValues(k *kept[unitValues], u *Unit, args map[string]*hclsyntax.Attribute, extra map[string]cty.Value) (map[string]cty.Value, hcl.Diagnostics) {
	ctx := s.Context(extra)
	var key classKey
	class := false
	if k != nil && !s.static && s.unit.classes != nil {
		key, class = classOf(s, k, ctx)
	}
	if class {
		if v, ok := k.table.find(key.hash, key.classes); ok {
			return v.val, nil
		}
	}
	key = key.saved()
	vals, diags := u.values(args, ctx)
	if !class || len(diags) > 0 {
		return vals, diags
	}
	for _, v := range vals {
		if !settled(v) {
			return vals, diags
		}
	}
	k.put(key, vals)
	return vals, diags
}
