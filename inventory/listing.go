package inventory

import (
	"fmt"

	"github.com/ferry-ops/ferry/engine/diag"
)

// isListOutput tells what an inventory program prints (and ansible-inventory
// --list) from an inventory written by hand: there, children and hosts are
// lists, and variables of hosts are under _meta.
func isListOutput(n *node) bool {
	for _, p := range n.pairs {
		if p.key == "_meta" {
			return true
		}
	}
	return false
}

// listing reads {"_meta": {"hostvars": {host: {…}}}, group: {"hosts": […],
// "children": […], "vars": {…}}} and the old short form {group: [host, …]}.
func (r *treeReader) listing(n *node) {
	var meta *node
	r.listed = map[*Host]bool{}
	for _, p := range n.pairs {
		if p.key == "_meta" {
			meta = p.val
			continue
		}
		if p.val.kind == nodeList {
			r.b.checkGroupName(p.key, p.rng)
			r.hosts(p.val, r.b.group(p.key, p.rng))
			continue
		}
		r.group(p, nil, 0)
	}
	if meta == nil || meta.isNull() {
		return
	}
	if meta.kind != nodeMap {
		r.b.report(diag.Errorf("Invalid inventory", &meta.rng, "The key \"_meta\" must be a map with the key \"hostvars\", not %s.", meta.describe()))
		return
	}
	for _, p := range meta.pairs {
		if p.key != "hostvars" || p.val.isNull() {
			continue
		}
		if p.val.kind != nodeMap {
			r.b.report(diag.Errorf("Invalid inventory", &p.val.rng, "The key \"hostvars\" must be a map of hosts to variables, not %s.", p.val.describe()))
			return
		}
		for _, hv := range p.val.pairs {
			h := r.b.inv.hosts[hv.key]
			if h == nil || !r.listed[h] {
				// Variables alone do not make a host, and not a word about one of
				// another source: Ansible ignores them as well.
				continue
			}
			r.vars(hv.val, fmt.Sprintf("The variables of the host %q", hv.key), &h.inline)
		}
	}
}
