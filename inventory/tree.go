package inventory

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
)

// node is a value of a YAML or JSON document with its place.
type node struct {
	kind   nodeKind
	scalar cty.Value // of kind nodeScalar
	items  []*node
	pairs  []pair // in the order of the document, no key twice
	text   string // of kind nodeVault: what is encrypted
	rng    hcl.Range
}

type pair struct {
	key string
	rng hcl.Range
	val *node
}

type nodeKind int

const (
	nodeScalar nodeKind = iota
	nodeList
	nodeMap
	nodeVault // an encrypted value
)

func (n *node) isNull() bool { return n.kind == nodeScalar && n.scalar.IsNull() }

// describe is the kind of a node in words.
func (n *node) describe() string {
	switch {
	case n.kind == nodeList:
		return "a list"
	case n.kind == nodeMap:
		return "a map"
	case n.kind == nodeVault:
		return "an encrypted value"
	case n.scalar.IsNull():
		return "empty"
	}
	return kindOf(n.scalar.Type())
}

// value converts a node. vault gives the encrypted values within it.
func (n *node) value(vault func(*node) cty.Value) cty.Value {
	switch n.kind {
	case nodeList:
		vals := make([]cty.Value, 0, len(n.items))
		for _, i := range n.items {
			vals = append(vals, i.value(vault))
		}
		return cty.TupleVal(vals)
	case nodeMap:
		attrs := make(map[string]cty.Value, len(n.pairs))
		for _, p := range n.pairs {
			attrs[p.key] = p.val.value(vault)
		}
		return cty.ObjectVal(attrs)
	case nodeVault:
		return vault(n)
	}
	return n.scalar
}

// treeReader reads the hosts, groups and variables of a document.
type treeReader struct {
	b    *builder
	base dirs

	// What a program lists, if that matters.
	listed map[*Host]bool
	order  []*Host
}

// vars reads a map of variables into layers. What is not a map is a
// diagnostic that names it what.
func (r *treeReader) vars(n *node, what string, layers ...*layer) {
	if n == nil || n.isNull() {
		return
	}
	if n.kind != nodeMap {
		r.b.report(diag.Errorf("Invalid variables", &n.rng, "%s must be a map of variables to values, not %s.", what, n.describe()))
		return
	}
	for _, p := range n.pairs {
		v, ok := r.b.nodeValue(p.key, p.val)
		if !ok {
			continue
		}
		rng := hcl.RangeBetween(p.rng, p.val.rng)
		if rng.End.Line != rng.Start.Line {
			rng = p.rng
		}
		r.b.checkTemplate(p.key, v, rng)
		for _, l := range layers {
			r.b.setVar(l, p.key, Variable{Value: v, Range: rng}, r.base)
		}
	}
}

// nodeValue is the value of a variable. It reports false if that is encrypted
// and was not decrypted; such a value within another is null.
func (b *builder) nodeValue(name string, n *node) (cty.Value, bool) {
	if n.kind == nodeVault {
		return b.encryptedValue(name, n)
	}
	return n.value(func(n *node) cty.Value {
		if v, ok := b.encryptedValue(name, n); ok {
			return v
		}
		return cty.NullVal(cty.String).Mark(diag.SensitiveMark)
	}), true
}

// hosts reads the members of a group: a map of hosts to variables, a list of
// hosts, or one host.
func (r *treeReader) hosts(n *node, g *Group) {
	switch {
	case n == nil || n.isNull():
	case n.kind == nodeMap:
		for _, p := range n.pairs {
			r.host(p.key, p.rng, p.val, g)
		}
	case n.kind == nodeList:
		for _, i := range n.items {
			if s, ok := stringOf(i.scalarOrNull()); ok {
				r.host(s, i.rng, nil, g)
				continue
			}
			r.b.report(diag.Errorf("Invalid host", &i.rng, "The group %q has a host whose name is %s, not a string.", g.Name, i.describe()))
		}
	default:
		if s, ok := stringOf(n.scalarOrNull()); ok {
			r.host(s, n.rng, nil, g)
			return
		}
		r.b.report(diag.Errorf("Invalid hosts", &n.rng, "The hosts of the group %q must be a map of names to variables, not %s:\n    hosts:\n      web1:\n      web2:", g.Name, n.describe()))
	}
}

func (n *node) scalarOrNull() cty.Value {
	if n.kind != nodeScalar {
		return cty.NullVal(cty.String)
	}
	return n.scalar
}

func (r *treeReader) host(pattern string, rng hcl.Range, vars *node, g *Group) {
	name, port := splitHostPort(pattern)
	names := r.b.expand(name, rng)
	var shared layer
	if port != 0 {
		r.b.setVar(&shared, "ansible_port", Variable{Value: cty.NumberIntVal(int64(port)), Range: rng}, r.base)
	}
	r.vars(vars, fmt.Sprintf("What follows the host %q", pattern), &shared)
	for _, hn := range names {
		h := r.b.host(hn, rng)
		r.b.addMember(g, h)
		if r.listed != nil && !r.listed[h] {
			r.listed[h] = true
			r.order = append(r.order, h)
		}
		if len(shared.vars)+len(shared.args) > 0 {
			h.inline.merge(shared)
		}
	}
}
