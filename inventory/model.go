package inventory

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Inventory is all hosts and groups. It does not change after Load and is safe
// for concurrent use.
type Inventory struct {
	// Groups has every group in the order of first appearance, "all" and
	// "ungrouped" (which always exist) first.
	Groups []*Group
	// Hosts has every host in the order of first appearance.
	Hosts []*Host

	groups map[string]*Group
	hosts  map[string]*Host
}

// Group returns the group of that name, or nil.
func (inv *Inventory) Group(name string) *Group { return inv.groups[name] }

// Host returns the host of that name, or nil.
func (inv *Inventory) Host(name string) *Host { return inv.hosts[name] }

// Variable is the value of a variable and where it was set.
type Variable struct {
	Value cty.Value
	Range hcl.Range
}

// Group is a named set of hosts.
type Group struct {
	Name  string
	Range hcl.Range // where it first appears; zero for groups no file mentions

	children []*edge
	parents  []*Group
	own      []*Host // direct members
	members  []*Host // direct members, then those of the children

	inline, files layer // what inventory files, and group_vars, say
	depth         int
	priority      int64
}

// edge is a group's child and where a file says so.
type edge struct {
	child *Group
	rng   hcl.Range
}

// Children returns the groups directly below g in the order they were given.
func (g *Group) Children() []*Group {
	out := make([]*Group, len(g.children))
	for i, e := range g.children {
		out[i] = e.child
	}
	return out
}

// Parents returns the groups directly above g.
func (g *Group) Parents() []*Group { return slices.Clone(g.parents) }

// Own returns the hosts that are members of g itself, not of its children.
func (g *Group) Own() []*Host { return slices.Clone(g.own) }

// Hosts returns all members: the group's own in order, then those of its
// children, level by level. Those of "all" are in inventory order.
func (g *Group) Hosts() []*Host { return slices.Clone(g.members) }

// Vars returns the variables set for g itself.
func (g *Group) Vars() map[string]Variable {
	out := make(map[string]Variable, len(g.inline.vars)+len(g.files.vars))
	maps.Copy(out, g.inline.vars)
	maps.Copy(out, g.files.vars)
	return out
}

// Host is one machine.
type Host struct {
	Name       string
	Range      hcl.Range // where it first appears
	Connection Connection

	direct        []*Group // groups it is a direct member of
	inline, files layer
	base          *scope
	index         int
}

// Groups returns every group the host is in, "all" first and the closest,
// which has the last word on variables, last. "ungrouped" is among them if the
// host is in no other group.
func (h *Host) Groups() []*Group { return slices.Clone(h.base.groups) }

// GroupNames returns the names of Groups without "all".
func (h *Host) GroupNames() []string {
	out := make([]string, 0, len(h.base.groups))
	for _, g := range h.base.groups {
		if g.Name != groupAll {
			out = append(out, g.Name)
		}
	}
	return out
}

// Vars returns the host's variables with those of its groups. The map is the
// caller's; keep it rather than ask twice.
func (h *Host) Vars() map[string]Variable {
	out := make(map[string]Variable, len(h.base.vars)+len(h.inline.vars)+len(h.files.vars))
	maps.Copy(out, h.base.vars)
	maps.Copy(out, h.inline.vars)
	maps.Copy(out, h.files.vars)
	return out
}

// Var returns one variable of the host.
func (h *Host) Var(name string) (Variable, bool) {
	for _, m := range []map[string]Variable{h.files.vars, h.inline.vars, h.base.vars} {
		if v, ok := m[name]; ok {
			return v, true
		}
	}
	return Variable{}, false
}

// Index is the host's place in the inventory order, from 0.
func (h *Host) Index() int { return h.index }

const (
	groupAll       = "all"
	groupUngrouped = "ungrouped"
)

// layer is what one kind of source says about one host or group.
type layer struct {
	vars map[string]Variable
	args []setting
}

// setting is one connection argument, decoded.
type setting struct {
	name string
	val  any // string, int, bool, time.Duration, []string or Secret
	rng  hcl.Range
}

// scope is what all hosts with the same groups share.
type scope struct {
	groups []*Group // weakest first
	vars   map[string]Variable
	args   []setting // strongest last
}

func (l *layer) setVar(name string, v Variable) {
	if l.vars == nil {
		l.vars = map[string]Variable{}
	}
	l.vars[name] = v
}

func (l *layer) setArg(s setting) {
	for i := range l.args {
		if l.args[i].name == s.name {
			l.args[i] = s
			return
		}
	}
	l.args = append(l.args, s)
}
