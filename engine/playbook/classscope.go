package playbook

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/schema"
)

// classKey is the place of a host in the table of a kept. That of classOf holds
// until the next one of the scope; saved makes one that lasts.
type classKey struct {
	hash    uint64
	classes []uint32
}

func (k classKey) saved() classKey { return classKey{k.hash, slices.Clone(k.classes)} }

// Value evaluates an expression of the unit; extra adds root names ("each",
// "self"). What it gave for another host on which all that it mentions is the
// same is not evaluated again; nothing but the time tells the difference.
func (s *Scope) Value(e hclsyntax.Expression, extra map[string]cty.Value) (cty.Value, hcl.Diagnostics) {
	k := s.keptFor(e)
	if k == nil {
		return e.Value(s.Context(extra))
	}
	ctx := s.Context(extra)
	key, ok := classOf(s, k, ctx)
	if !ok {
		return e.Value(ctx)
	}
	if v, ok := k.table.find(key.hash, key.classes); ok {
		return v.val, nil
	}
	key = key.saved()
	v, diags := e.Value(ctx)
	if len(diags) == 0 && settled(v) {
		k.put(key, v)
	}
	return v, diags
}

func (s *Scope) keptFor(e hclsyntax.Expression) *kept[cty.Value] {
	if s.static || s.unit.classes == nil {
		return nil
	}
	return s.unit.classes.exprs[e]
}

// put keeps a value, if there is room.
func (k *kept[V]) put(key classKey, v V) {
	k.table.add(key.hash, key.classes, &keptValue[V]{key.classes, v})
}

// classOf finds the class of a host with respect to the inputs of k, as they are
// in ctx. It reports false if there is none.
func classOf[V any](s *Scope, k *kept[V], ctx *hcl.EvalContext) (key classKey, ok bool) {
	if k.table.useless.Load() {
		return key, false
	}
	c := s.unit.classes
	if s.classes == nil {
		s.classes = make([]uint32, len(c.inputs))
	}
	s.key = s.key[:0]
	hash := uint64(14695981039346656037)
	for _, i := range k.inputs {
		in := c.inputs[i]
		id := s.classes[i]
		if in.each || id == classUnset {
			id = in.classOf(c.seed, ctx, s.shared.groupsKey)
			if !in.each {
				s.classes[i] = id
			}
		}
		if id == classNone {
			return key, false
		}
		s.key = append(s.key, id)
		hash = (hash ^ uint64(id)) * 1099511628211
	}
	return classKey{hash ^ hash>>29, s.key}, true
}

// unsettle forgets the classes of what changes as the play goes on.
func (s *Scope) unsettle() {
	if s.classes == nil {
		return
	}
	for _, i := range s.unit.classes.volatile {
		s.classes[i] = classUnset
	}
}

// Decode evaluates the arguments of a task into a block that Bind made. It is
// schema.Block.Decode, except that arguments are evaluated, converted and checked
// once for all hosts of a class.
func (s *Scope) Decode(b *schema.Block, t *Task, extra map[string]cty.Value) (schema.Decoded, hcl.Diagnostics) {
	target := Target(t)
	ctx := s.Context(extra)
	if s.static || s.unit.classes == nil {
		return b.Decode(target, ctx, s.pb.Files)
	}
	target.Value = func(e hclsyntax.Expression) (cty.Value, hcl.Diagnostics) { return s.Value(e, extra) }
	if t.args == nil {
		return b.Decode(target, ctx, s.pb.Files)
	}
	key, ok := classOf(s, &t.args.kept, ctx)
	if !ok {
		return b.Decode(target, ctx, s.pb.Files)
	}
	if v, ok := t.args.table.find(key.hash, key.classes); ok {
		target.Fixed, target.Rendered = v.val.fixed, v.val.rendered
		return b.Decode(target, ctx, s.pb.Files)
	}
	key = key.saved()
	var learned schema.Learned
	target.Learned = &learned
	d, diags := b.Decode(target, ctx, s.pb.Files)
	if len(diags) == 0 {
		if vals, ok := t.args.from(t, learned, d); ok {
			t.args.put(key, vals)
		}
	}
	return d, diags
}

// DecodeExpr decodes one argument from an expression of the unit outside a
// module's arguments, see schema.Block.DecodeExpr.
func (s *Scope) DecodeExpr(b *schema.Block, name string, e hclsyntax.Expression, extra map[string]cty.Value) (schema.Decoded, hcl.Diagnostics) {
	return b.DecodeExpr(name, e, s.Context(extra), func(e hclsyntax.Expression) (cty.Value, hcl.Diagnostics) { return s.Value(e, extra) })
}
