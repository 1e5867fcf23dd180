package playbook

import (
	"hash/maphash"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// classes keeps what the expressions of a unit gave, so that they are evaluated
// once for all hosts on which what they mention has the same values. Which names
// decide is known when the playbook is loaded; after that only the tables change,
// which have no lock. Units that are copies of one another share it.
type classes struct {
	seed     maphash.Seed
	inputs   []*input
	volatile []int // indexes of inputs whose values change in a play
	exprs    map[hclsyntax.Expression]*kept[cty.Value]
	locals   *keptLocals

	names map[string]int // of inputs, while loading
	ofs   map[string]*needs
}

// kept is what one expression, or several that are evaluated together, gave, by
// the classes of the inputs.
type kept[V any] struct {
	inputs []int
	each   bool // some of them are of an element of a for_each
	table  classTable[[]uint32, *keptValue[V]]
}

type keptValue[V any] struct {
	classes []uint32
	val     V
}

func (k *keptValue[V]) is(classes []uint32) bool { return slices.Equal(k.classes, classes) }

// needs are the inputs of an expression; nil needs are those of one that is not
// kept.
type needs struct {
	inputs []int
	each   bool
}

func (n *needs) and(more *needs) *needs {
	if n == nil || more == nil {
		return nil
	}
	out := &needs{inputs: slices.Clone(n.inputs), each: n.each || more.each}
	for _, i := range more.inputs {
		if !slices.Contains(out.inputs, i) {
			out.inputs = append(out.inputs, i)
		}
	}
	return out
}

func newKept[V any](n *needs) *kept[V] { return &kept[V]{inputs: n.inputs, each: n.each} }

// unkept are the functions whose result depends on more than their arguments, or
// is a secret.
var unkept = map[string]bool{
	"file": true, "filebase64": true, "fileexists": true, "fileset": true, "templatefile": true,
	"secret": true, "secretfile": true, "sensitive": true,
}

// needsOf finds what an expression of the unit depends on. It is nil for what is
// evaluated on every host: it is another value on each, secret, or not a function
// of names.
func (c *classes) needsOf(u *Unit, e hclsyntax.Expression) *needs {
	pure := true
	_ = hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
		if call, ok := n.(*hclsyntax.FunctionCallExpr); ok && unkept[call.Name] {
			pure = false
		}
		return nil
	})
	if !pure {
		return nil
	}
	return c.needsOfNames(u, e.Variables())
}

func (c *classes) needsOfNames(u *Unit, names []hcl.Traversal) *needs {
	out := &needs{}
	for _, t := range names {
		switch {
		case !contains(rootNames, t.RootName()), t.RootName() == "path": // of a template's "vars"; the same on all hosts
			continue
		case t.RootName() == "local":
			if len(t) < 2 {
				return nil
			}
			out = out.and(c.ofs[attrName(t[1])])
		case u.alone(t):
			return nil
		default:
			out = out.and(c.input(t))
		}
		if out == nil {
			return nil
		}
	}
	return out
}

// input returns the needs of one name.
func (c *classes) input(t hcl.Traversal) *needs {
	name, t := inputName(t)
	i, ok := c.names[name]
	if !ok {
		i = len(c.inputs)
		c.names[name] = i
		in := &input{path: t, each: t.RootName() == "each"}
		switch t.RootName() {
		case "facts", "task", "check", "use", "stack":
			in.volatile = true
			c.volatile = append(c.volatile, i)
		}
		c.inputs = append(c.inputs, in)
	}
	return &needs{inputs: []int{i}, each: c.inputs[i].each}
}

// keep makes a table for an expression if what it saves is more than it costs.
func (c *classes) keep(u *Unit, e hclsyntax.Expression) {
	if e == nil || cheap(e) || c.exprs[e] != nil {
		return
	}
	if n := c.needsOf(u, e); n != nil {
		c.exprs[e] = newKept[cty.Value](n)
	}
}

// cheap reports whether evaluating e costs no more than finding its class.
func cheap(e hclsyntax.Expression) bool {
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr, *hclsyntax.ScopeTraversalExpr:
		return true
	case *hclsyntax.TemplateWrapExpr:
		return cheap(e.Wrapped)
	case *hclsyntax.ParenthesesExpr:
		return cheap(e.Expression)
	case *hclsyntax.TemplateExpr:
		return e.IsStringLiteral()
	}
	return false
}
