package playbook

import (
	"hash/maphash"
	"strings"
	"sync/atomic"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/schema"
)

// input is a name that expressions of a unit mention, such as facts.arch. Hosts on
// which it has the same value are of the same class with respect to it; classes
// are numbered as they come up.
type input struct {
	path     hcl.Traversal
	volatile bool // its value changes as the play goes on
	each     bool // its value changes with the elements of a for_each

	values classTable[cty.Value, *knownValue]
	last   atomic.Uint32
	groups atomic.Pointer[groupsClass]
}

// groupsClass is the class of an input that is the same for all hosts of a run.
type groupsClass struct {
	of *groupsKey
	id uint32
}

// groupsKey stands for one inventory's groups, which are too many to compare.
type groupsKey struct{ _ byte }

// Classes that are none.
const (
	classUnset   uint32 = iota // not looked at yet
	classNone                  // nothing is kept: not known, sensitive, or of this host alone
	classMissing               // there is no such attribute
	classFirst
)

// classOf returns the class of the input's value.
func (in *input) classOf(seed maphash.Seed, ctx *hcl.EvalContext, groups *groupsKey) uint32 {
	if in.path.RootName() == "groups" {
		return in.groupsClass(ctx, groups)
	}
	if in.values.useless.Load() {
		return classNone
	}
	v, diags := in.path.TraverseAbs(ctx)
	if diags.HasErrors() {
		return classMissing
	}
	var h maphash.Hash
	h.SetSeed(seed)
	if !hashValue(&h, v) {
		return classNone
	}
	sum := h.Sum64()
	if k, ok := in.values.find(sum, v); ok {
		return k.id
	}
	k, ok := in.values.add(sum, v, &knownValue{val: v, id: classMissing + in.last.Add(1)})
	if !ok {
		return classNone
	}
	return k.id
}

// groupsClass is classOf for what is shared by all hosts: it is looked at once.
func (in *input) groupsClass(ctx *hcl.EvalContext, groups *groupsKey) uint32 {
	if c := in.groups.Load(); c != nil && c.of == groups {
		return c.id
	}
	if groups == nil {
		return classNone
	}
	c := &groupsClass{of: groups, id: classMissing + in.last.Add(1)}
	switch v, diags := in.path.TraverseAbs(ctx); {
	case diags.HasErrors(), !settled(v):
		c.id = classNone
	}
	in.groups.Store(c)
	return c.id
}

// inputName is how an input is told from others of its unit, and the part of the
// traversal that is evaluated.
func inputName(t hcl.Traversal) (string, hcl.Traversal) {
	var b strings.Builder
	for i, s := range t {
		switch s := s.(type) {
		case hcl.TraverseRoot:
			b.WriteString(s.Name)
		case hcl.TraverseAttr:
			b.WriteString("\x00" + s.Name)
		case hcl.TraverseIndex:
			b.WriteString("\x01" + s.Key.GoString())
		default:
			return b.String(), t[:i]
		}
	}
	return b.String(), t
}

// alone reports whether an input is another one on every host, or is never kept.
func (u *Unit) alone(t hcl.Traversal) bool {
	attr := ""
	if len(t) > 1 {
		attr = attrName(t[1])
	}
	switch t.RootName() {
	case "self":
		return true
	case "host":
		return attr != "groups" && attr != "vars"
	case "var":
		v := u.Variable(attr)
		return v == nil || v.Sensitive || v.def != nil && v.def.HasMark(schema.SensitiveMark)
	}
	return false
}
