package inventory

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/ferry-ops/ferry/engine/diag"
)

// readYAML reads an inventory in Ansible's YAML form, or the same in JSON:
//
//	all:                  # any group
//	  vars: {name: value}
//	  hosts:
//	    web1: {name: value}
//	  children:
//	    web: (a group again)
func (b *builder) readYAML(src source, f format) {
	n, d := b.parseTree(src, f == formatJSON)
	if d != nil {
		b.report(d)
		return
	}
	if n == nil || n.isNull() {
		b.report(diag.Warningf("Empty inventory", &hcl.Range{Filename: src.name}, "%s has no hosts.", src.name))
		return
	}
	if n.kind != nodeMap {
		b.report(diag.Errorf("Invalid inventory", &n.rng, "An inventory in YAML is a map of groups, not %s:\n    web:\n      hosts:\n        web1:", n.describe()))
		return
	}
	r := &treeReader{b: b, base: src.dirs}
	if isPluginConfig(n) {
		b.report(diag.Errorf("Inventory plugin not supported", &n.pairs[0].rng, "This file configures an inventory plugin of Ansible, which is a program ferry does not have. Let Ansible print what it finds, and read that:\n    ansible-inventory -i %s --list --export > hosts.json", src.name))
		return
	}
	if isListOutput(n) {
		r.listing(n)
		return
	}
	for _, p := range n.pairs {
		r.group(p, nil, 0)
	}
}

// parseTree reads a document of variables or of groups.
func (b *builder) parseTree(src source, isJSON bool) (*node, *hcl.Diagnostic) {
	if isJSON {
		return parseJSON(src)
	}
	if len(src.data) > maxYAMLSize {
		return nil, tooLarge(src.name, maxYAMLSize)
	}
	return parseYAML(src)
}

func isPluginConfig(n *node) bool {
	for _, p := range n.pairs {
		if p.key == "plugin" && p.val.kind == nodeScalar && !p.val.isNull() {
			n.pairs[0] = p
			return true
		}
	}
	return false
}

func (r *treeReader) group(p pair, parent *Group, depth int) {
	if depth > diag.MaxNesting || r.b.tooManyProblems(p.rng.Filename) {
		return
	}
	r.b.checkGroupName(p.key, p.rng)
	g := r.b.group(p.key, p.rng)
	if parent != nil && parent.Name != groupAll {
		r.b.pending = append(r.b.pending, pendingRef{parent: parent, name: p.key, rng: p.rng})
	}
	n := p.val
	if n.isNull() {
		return
	}
	if n.kind != nodeMap {
		r.b.report(diag.Errorf("Invalid group", &n.rng, "The group %q must be a map with the keys \"hosts\", \"vars\" and \"children\", not %s.", p.key, n.describe()))
		return
	}
	for _, part := range n.pairs {
		switch part.key {
		case "hosts":
			r.hosts(part.val, g)
		case "vars":
			r.vars(part.val, "The key \"vars\"", &g.inline)
		case "children":
			r.children(part.val, g, depth)
		default:
			r.b.report(diag.Errorf("Unknown key", &part.rng, "A group has the keys \"hosts\", \"vars\" and \"children\", and no key %q.%s A child group goes under \"children\", a variable under \"vars\".",
				part.key, diag.DidYouMean(part.key, []string{"hosts", "vars", "children"})))
		}
	}
}

func (r *treeReader) children(n *node, g *Group, depth int) {
	switch n.kind {
	case nodeMap:
		for _, p := range n.pairs {
			r.group(p, g, depth+1)
		}
	case nodeList:
		for _, i := range n.items {
			if s, ok := stringOf(i.scalarOrNull()); ok {
				r.b.pending = append(r.b.pending, pendingRef{parent: g, name: s, rng: i.rng})
				continue
			}
			r.b.report(diag.Errorf("Invalid child group", &i.rng, "The name of a group must be a string, not %s.", i.describe()))
		}
	default:
		if !n.isNull() {
			r.b.report(diag.Errorf("Invalid children", &n.rng, "The children of the group %q must be a map of groups, not %s:\n    children:\n      web:\n      db:", g.Name, n.describe()))
		}
	}
}
