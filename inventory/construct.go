package inventory

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/ferry-ops/ferry/engine/diag"
)

const (
	maxKeyed   = 10_000 // groups that keyed blocks make
	maxUnknown = 5      // hosts that one message names
)

// construct puts hosts into the groups of rules. Hosts have their variables by
// then, those of groups that are written; constructed groups give none to
// expressions. It reports whether a host joined a group.
func (b *builder) construct() bool {
	order, ok := b.ruleOrder()
	if !ok {
		return false
	}
	c := &construction{b: b, in: map[string]map[*Host]bool{}, names: map[string]bool{}}
	for _, g := range b.inv.Groups {
		c.names[g.Name] = true
	}
	any := false
	for _, r := range order {
		if c.apply(r) {
			any = true
		}
	}
	return any
}

// construction is the evaluation of rules, one after the other.
type construction struct {
	b     *builder
	in    map[string]map[*Host]bool // members of groups.X, by name, as far as they were asked for
	names map[string]bool           // of groups that are written
	keyed int
}

// apply evaluates one rule for every host.
func (c *construction) apply(r *rule) bool {
	ctx := r.eval.NewChild()
	ctx.Functions = conditionFuncs()
	var lacking []*Host
	lacks := ""
	joined := false
	known := map[string]cty.Value{} // of hosts that are alike
	for _, h := range c.b.inv.Hosts {
		key, alike := c.key(r, h)
		v, seen := known[key]
		var diags hcl.Diagnostics
		if !alike || !seen {
			ctx.Variables = c.scope(r, h)
			v, diags = r.expr.Value(ctx)
			if alike && !diags.HasErrors() {
				known[key] = v
			}
		}
		if diags.HasErrors() {
			what := missing(r, ctx.Variables)
			if what == "" {
				c.failed(r, h, diags)
				return joined
			}
			if !r.skip && !c.b.facts.Lenient {
				lacking = append(lacking, h)
				if lacks == "" {
					lacks = what
				}
			}
			continue
		}
		names, err := r.groupsOf(v)
		if err != nil {
			rng := r.expr.Range()
			c.b.report(diag.Errorf("Wrong type of value", &rng, "The expression of %s gives %s for the host %q: %s.", r.what(), describeValue(v), h.Name, err))
			return joined
		}
		for _, n := range names {
			g := c.b.inv.groups[n]
			if g == nil {
				if c.keyed++; c.keyed > maxKeyed {
					c.b.report(diag.Errorf("Too many groups", &r.rng, "The block %s makes more than %d groups. Is its key different for every host?", r.what(), maxKeyed))
					return joined
				}
				g = c.b.group(n, r.rng)
			}
			c.b.addMember(g, h)
			joined = true
		}
	}
	c.reportLacking(r, lacking, lacks)
	return joined
}

// scope is what the expression sees of one host.
func (c *construction) scope(r *rule, h *Host) map[string]cty.Value {
	vars := map[string]cty.Value{}
	if r.allVars {
		for n, v := range h.Vars() {
			vars[n] = v.Value
		}
	} else {
		for _, t := range r.vars {
			n := stepName(t[2])
			if v, ok := h.Var(n); ok {
				vars[n] = v.Value
			}
		}
	}
	facts := map[string]cty.Value{}
	if len(r.facts) > 0 {
		known := c.b.facts.of(h, r.age)
		for _, t := range r.facts {
			if v, ok := known[stepName(t[1])]; ok {
				facts[stepName(t[1])] = v
			}
		}
	}
	groups := map[string]cty.Value{}
	for _, t := range r.groups {
		n := stepName(t[1])
		groups[n] = cty.BoolVal(c.members(n)[h])
	}
	return map[string]cty.Value{
		"host":   cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal(h.Name), "address": cty.StringVal(h.Connection.Address), "vars": cty.ObjectVal(vars)}),
		"facts":  cty.ObjectVal(facts),
		"groups": cty.ObjectVal(groups),
	}
}

// key is equal for hosts for which the expression gives the same value, if that
// can be told: thousands of hosts have a handful of roles.
func (c *construction) key(r *rule, h *Host) (string, bool) {
	if r.allVars || r.named {
		return "", false
	}
	var b strings.Builder
	add := func(v cty.Value) bool {
		if v.IsMarked() || !v.IsKnown() || v.IsNull() || !v.Type().IsPrimitiveType() {
			return false
		}
		s, _ := convert.Convert(v, cty.String)
		fmt.Fprintf(&b, "%s%d:%s", v.Type().FriendlyName()[:1], len(s.AsString()), s.AsString())
		return true
	}
	for _, t := range r.vars {
		v, ok := h.Var(stepName(t[2]))
		if ok && !add(v.Value) {
			return "", false
		}
		b.WriteByte(';')
	}
	if len(r.facts) > 0 {
		facts := c.b.facts.of(h, r.age)
		for _, t := range r.facts {
			v, ok := facts[stepName(t[1])]
			if ok && !add(v) {
				return "", false
			}
			b.WriteByte(';')
		}
	}
	for _, t := range r.groups {
		fmt.Fprint(&b, c.members(stepName(t[1]))[h])
	}
	return b.String(), true
}

// members are the hosts in a group or below it at this moment: rules that come
// before have been applied.
func (c *construction) members(name string) map[*Host]bool {
	if m, ok := c.in[name]; ok {
		return m
	}
	m := map[*Host]bool{}
	if g := c.b.inv.groups[name]; g != nil {
		hosts := descend(g)
		if name == groupAll {
			hosts = c.b.inv.Hosts
		}
		for _, h := range hosts {
			m[h] = true
		}
	}
	c.in[name] = m
	return m
}

// groupsOf are the groups a value of the expression means.
func (r *rule) groupsOf(v cty.Value) ([]string, error) {
	v, _ = v.UnmarkDeep()
	if r.kind == "constructed" {
		ok, err := convert.Convert(v, cty.Bool)
		if err != nil || ok.IsNull() || !ok.IsKnown() {
			return nil, fmt.Errorf("a condition must give true or false")
		}
		if ok.True() {
			return []string{r.name}, nil
		}
		return nil, nil
	}
	var keys []cty.Value
	switch ty := v.Type(); {
	case v.IsNull():
	case ty.IsPrimitiveType():
		keys = []cty.Value{v}
	case ty.IsListType() || ty.IsSetType() || ty.IsTupleType():
		keys = v.AsValueSlice()
	default:
		return nil, fmt.Errorf("a key must be a string, a number, true or false, or a list of those")
	}
	var out []string
	for _, k := range keys {
		s, err := convert.Convert(k, cty.String)
		if err != nil || !s.IsKnown() {
			return nil, fmt.Errorf("each key must be a string, a number, true or false")
		}
		if !s.IsNull() && s.AsString() != "" {
			out = append(out, r.name+r.sep+groupPart(s.AsString()))
		}
	}
	return out, nil
}

// groupPart makes a value part of a group's name: what patterns could not take
// becomes an underscore.
func groupPart(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7f && !isSpaceOrControl(r) {
			return r
		}
		return '_'
	}, s)
	return s[:min(len(s), 100)]
}

// missing names what the expression mentions and a host does not have.
func missing(r *rule, scope map[string]cty.Value) string {
	have := func(root cty.Value, name string) bool { return root.Type().HasAttribute(name) }
	for _, t := range r.facts {
		if n := stepName(t[1]); !have(scope["facts"], n) {
			return "facts." + n
		}
	}
	vars := scope["host"].GetAttr("vars")
	for _, t := range r.vars {
		if n := stepName(t[2]); !have(vars, n) {
			return "host.vars." + n
		}
	}
	return ""
}

func (c *construction) failed(r *rule, h *Host, diags hcl.Diagnostics) {
	for _, d := range diags {
		d.Detail = strings.TrimSpace(d.Detail) + fmt.Sprintf("\n\nThis is about the host %q, in %s.", h.Name, r.what())
		c.b.report(d)
	}
}

func (c *construction) reportLacking(r *rule, hosts []*Host, lacks string) {
	if len(hosts) == 0 {
		return
	}
	var names []string
	for _, h := range hosts[:min(len(hosts), maxUnknown)] {
		names = append(names, h.Name)
	}
	who := strings.Join(names, ", ")
	if n := len(hosts) - len(names); n > 0 {
		who += fmt.Sprintf(" and %s more", count(n, "host"))
	}
	rng := r.expr.Range()
	if name, isFact := strings.CutPrefix(lacks, "facts."); isFact {
		c.b.report(diag.Errorf("Fact not recorded", &rng, "Whether a host is in %s depends on %s, and that was not recorded in the last %s for %s. The inventory is read before a host is asked, so ask them first:\n    ferry facts --all --only %s -i INVENTORY\n\nTo leave out hosts of which it is not known, write unknown = \"skip\".",
			r.what(), lacks, shortAge(r.age.String()), who, name))
		return
	}
	c.b.report(diag.Errorf("Variable without a value", &rng, "Whether a host is in %s depends on %s, which has no value for %s. Give it one in the inventory, or a default here:\n    try(%s, \"\")\n\nTo leave out hosts that do not have it, write unknown = \"skip\".",
		r.what(), lacks, who, lacks))
}

// shortAge drops the parts of a duration that are zero.
func shortAge(s string) string { return strings.TrimSuffix(strings.TrimSuffix(s, "0s"), "0m") }

func describeValue(v cty.Value) string {
	if v.IsMarked() {
		return "a value that is not shown"
	}
	if v.IsNull() {
		return "null"
	}
	return kindOf(v.Type())
}

// ruleOrder sorts the rules so that each comes after those whose groups it asks
// about, or reports a cycle.
func (b *builder) ruleOrder() ([]*rule, bool) {
	makes := func(g string) []*rule { // the rules that make members of a group or of groups below it
		var out []*rule
		for _, r := range b.rules {
			below := map[string]bool{g: true}
			if grp := b.inv.groups[g]; grp != nil {
				for _, d := range groupsBelow(grp) {
					below[d.Name] = true
				}
			}
			for name := range below {
				if r.kind == "constructed" && name == r.name || r.kind == "keyed" && strings.HasPrefix(name, r.name+r.sep) {
					out = append(out, r)
					break
				}
			}
		}
		return out
	}
	const under, done, broken = 1, 2, 3
	var order []*rule
	state := map[*rule]int{}
	var path []*rule
	var visit func(r *rule) bool
	visit = func(r *rule) bool {
		switch state[r] {
		case done:
			return true
		case broken:
			return false
		case under:
			var names []string
			for _, p := range append(path[slices.Index(path, r):], r) {
				names = append(names, p.what())
			}
			b.report(diag.Errorf("Cycle of constructed groups", &r.rng, "Who is in %s depends on itself: %s. Take one of these references out.", r.what(), strings.Join(names, " asks about ")))
			return false
		}
		state[r] = under
		path = append(path, r)
		for _, t := range r.groups {
			name := stepName(t[1])
			deps := makes(name)
			if name != groupAll && len(deps) == 0 && b.inv.groups[name] == nil {
				rng := t.SourceRange()
				b.report(diag.Errorf("Unknown group", &rng, "The inventory has no group %q.%s", name, diag.DidYouMean(name, b.inv.groupNames())))
				return false
			}
			if name == groupAll {
				continue
			}
			if name == groupUngrouped {
				rng := t.SourceRange()
				b.report(diag.Errorf("Reference not possible here", &rng, "Which hosts are in no group is known only after constructed groups are made."))
				return false
			}
			for _, d := range deps {
				if !visit(d) {
					return false
				}
			}
		}
		path = path[:len(path)-1]
		state[r] = done
		order = append(order, r)
		return true
	}
	good := true
	for _, r := range b.rules {
		path = nil
		if !visit(r) {
			good = false
			for _, p := range path {
				state[p] = broken
			}
		}
	}
	return order, good
}

// groupsBelow are the groups a group contains, each once.
func groupsBelow(g *Group) []*Group {
	seen := map[*Group]bool{g: true}
	var out []*Group
	for todo := []*Group{g}; len(todo) > 0; {
		next := todo[0]
		todo = todo[1:]
		for _, e := range next.children {
			if !seen[e.child] {
				seen[e.child] = true
				out, todo = append(out, e.child), append(todo, e.child)
			}
		}
	}
	return out
}
