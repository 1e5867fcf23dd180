package inventory

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

const varPriority = "ansible_group_priority"

// collectMembers fills in which hosts each group has with its children.
func (b *builder) collectMembers() {
	for _, g := range b.inv.Groups {
		if g.Name == groupAll {
			g.members = b.inv.Hosts
			continue
		}
		if len(g.children) == 0 {
			g.members = g.own
			continue
		}
		g.members = descend(g)
	}
}

// descend walks the groups below g level by level and collects their hosts.
func descend(g *Group) []*Host {
	var out []*Host
	hosts, groups := map[*Host]bool{}, map[*Group]bool{g: true}
	for level := []*Group{g}; len(level) > 0; {
		var next []*Group
		for _, l := range level {
			for _, h := range l.own {
				if !hosts[h] {
					hosts[h] = true
					out = append(out, h)
				}
			}
			for _, e := range l.children {
				if !groups[e.child] {
					groups[e.child] = true
					next = append(next, e.child)
				}
			}
		}
		level = next
	}
	return out
}

// resolveHosts gives every host its groups, variables and connection. Hosts
// with the same direct groups share one scope, so the work grows with the
// number of hosts and not with that of their variables.
func (b *builder) resolveHosts() {
	for _, g := range b.inv.Groups {
		for _, l := range []layer{g.inline, g.files} {
			if v, ok := l.vars[varPriority]; ok {
				if n, known := asInt(v.Value); known {
					g.priority = n
				}
			}
		}
	}
	index := make(map[*Group]int, len(b.inv.Groups))
	for i, g := range b.inv.Groups {
		index[g] = i
	}
	scopes := map[string]*scope{}
	var key strings.Builder
	for _, h := range b.inv.Hosts {
		key.Reset()
		for _, g := range h.direct {
			key.WriteString(strconv.Itoa(index[g]))
			key.WriteByte(',')
		}
		s := scopes[key.String()]
		if s == nil {
			s = newScope(h.direct)
			scopes[key.String()] = s
		}
		h.base = s
		h.Connection = connection(h.Name, s.args, h.inline.args, h.files.args)
	}
}

func newScope(direct []*Group) *scope {
	seen := map[*Group]bool{}
	s := &scope{vars: map[string]Variable{}}
	for todo := slices.Clone(direct); len(todo) > 0; {
		g := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !seen[g] {
			seen[g] = true
			s.groups = append(s.groups, g)
			todo = append(todo, g.parents...)
		}
	}
	slices.SortFunc(s.groups, func(a, b *Group) int {
		return cmp.Or(cmp.Compare(a.depth, b.depth), cmp.Compare(a.priority, b.priority), strings.Compare(a.Name, b.Name))
	})
	add := func(l layer) {
		for k, v := range l.vars {
			if k != varPriority { // it is about the group, not for its hosts
				s.vars[k] = v
			}
		}
		s.args = append(s.args, l.args...)
	}
	for _, g := range s.groups {
		add(g.inline)
	}
	for _, g := range s.groups { // as in Ansible: group_vars, also of a parent, override what inventory files say
		add(g.files)
	}
	return s
}

func asInt(v cty.Value) (int64, bool) {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return 0, false
	}
	switch v.Type() {
	case cty.Number:
		n, _ := v.AsBigFloat().Int64()
		return n, true
	case cty.String:
		n, err := strconv.ParseInt(v.AsString(), 10, 64)
		return n, err == nil
	}
	return 0, false
}
