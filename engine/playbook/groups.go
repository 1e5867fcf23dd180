package playbook

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/schema"
)

// groupRef is a group of the inventory that an expression names.
type groupRef struct {
	name string
	rng  hcl.Range
}

// UsesGroups reports whether an expression mentions the groups of the inventory,
// which are put together only then.
func (pb *Playbook) UsesGroups() bool { return pb.usesGroups }

// CheckGroups reports names of groups that are mentioned and not among known.
func (pb *Playbook) CheckGroups(known []string) diag.Set {
	set := diag.Set{Sources: pb.Sources}
	for _, r := range pb.groupRefs {
		if !slices.Contains(known, r.name) {
			set.Append(diag.Errorf("Unknown group", &r.rng, "The inventory has no group %q.%s If it may well be without, declare the group empty in the inventory, or write lookup(groups, %q, []).",
				r.name, diag.DidYouMean(r.name, known), r.name))
		}
	}
	return set
}

// WithGroups gives expressions the groups of the inventory: for each its hosts,
// those of its children too. The value is shared by all hosts of a run.
func (g Globals) WithGroups(groups map[string][]HostInfo) Globals {
	made := map[string]cty.Value{}
	out := make(map[string]cty.Value, len(groups))
	for name, hosts := range groups {
		vals := make([]cty.Value, len(hosts))
		for i, h := range hosts {
			v, ok := made[h.Name]
			if !ok {
				v = hostObject(h)
				made[h.Name] = v
			}
			vals[i] = v
		}
		out[name] = cty.TupleVal(vals) // their variables differ, so a list it is not
	}
	g.groups, g.groupsKey = cty.ObjectVal(out), &groupsKey{}
	var all []cty.Value
	for _, v := range made {
		all = append(all, v)
	}
	g.groupSecrets = secretTexts(all...)
	slices.Sort(g.groupSecrets)
	g.groupSecrets = slices.Compact(g.groupSecrets)
	return g
}

// noteGroup remembers that an expression mentions groups.
func (v *env) noteGroup(t hcl.Traversal) {
	pb := v.ld.pb
	pb.usesGroups = true
	if len(t) < 2 {
		return
	}
	if name := attrName(t[1]); name != "" {
		r := groupRef{name, t.SourceRange()}
		if !slices.Contains(pb.groupRefs, r) {
			pb.groupRefs = append(pb.groupRefs, r)
		}
	}
}

// groupsValue is what "groups" stands for.
func (g Globals) groupsValue() cty.Value {
	if g.groups == cty.NilVal {
		return cty.DynamicVal
	}
	return g.groups
}

// hostObject is a host as expressions see it.
func hostObject(h HostInfo) cty.Value {
	vars := h.Vars
	if vars == nil {
		vars = map[string]cty.Value{}
	}
	return cty.ObjectVal(map[string]cty.Value{
		"name": cty.StringVal(h.Name), "address": cty.StringVal(h.Address),
		"groups": schema.FromGo(h.Groups), "vars": cty.ObjectVal(vars),
	})
}
