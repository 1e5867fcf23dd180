package playbook

import (
	"fmt"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/schema"
)

// HostInfo is what the inventory says of a host.
type HostInfo struct {
	Name    string
	Address string
	Groups  []string
	Vars    map[string]cty.Value
}

// Scope is what the expressions of one play, or of one set or hook in it, see
// for one host. It belongs to one goroutine, together with the scopes made from
// it.
type Scope struct {
	pb      *Playbook
	unit    *Unit
	body    *Body // whose results can be mentioned; nil outside of plays
	vars    cty.Value
	results map[*Task]cty.Value
	outputs map[string]cty.Value // of uses that have run, by name
	shared  *shared
	static  bool // without a host

	ctx   *hcl.EvalContext // cached; nil after something changed
	built int              // the state of shared it was built from

	locals     cty.Value // evaluated when shared last changed; results are not in them
	localsAt   int       // the state of shared then, counted from 1
	localDiags hcl.Diagnostics

	classes []uint32 // of the unit's inputs, see classes
	key     []uint32 // see classKey
}

// shared is what all scopes of a play on a host see alike.
type shared struct {
	host   cty.Value
	groups cty.Value // of the inventory, if the playbook mentions them
	// groupSecrets are the sensitive texts among the groups.
	groupSecrets []string
	groupsKey    *groupsKey
	facts        map[string]cty.Value
	present      map[*Stack]bool
	changes      int // counts what makes contexts stale
}

// NewScope evaluates the variables of the playbook for a host. Values come,
// weakest first, from the default, the inventory, and the globals.
func (pb *Playbook) NewScope(p *Play, g Globals, h HostInfo) (*Scope, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	vals := map[string]cty.Value{}
	for _, v := range pb.Variables {
		if val, ok := g.values[v.Name]; ok {
			vals[v.Name] = val
			continue
		}
		val, dg := pb.keptHostValue(v, h)
		diags = append(diags, dg...)
		if val == cty.NilVal {
			val = cty.UnknownVal(v.typ)
		}
		vals[v.Name] = v.mark(val)
	}
	sh := &shared{host: hostObject(h), groups: g.groupsValue(), groupSecrets: g.groupSecrets, groupsKey: g.groupsKey, facts: pb.unknownFacts(), present: map[*Stack]bool{}}
	return newScope(pb, &pb.Unit, &p.Body, vals, sh), diags
}

func newScope(pb *Playbook, u *Unit, b *Body, vals map[string]cty.Value, sh *shared) *Scope {
	return &Scope{pb: pb, unit: u, body: b, vars: cty.ObjectVal(vals), results: map[*Task]cty.Value{}, outputs: map[string]cty.Value{}, shared: sh}
}

// hostValue finds a variable's value for one host in the inventory or its default.
func (pb *Playbook) hostValue(v *Variable, h HostInfo) (cty.Value, hcl.Diagnostics) {
	if raw, ok := h.Vars[v.Name]; ok {
		val, dg := v.convert(raw, &v.Range, fmt.Sprintf("the inventory's value for host %s", h.Name))
		if dg != nil {
			return cty.NilVal, hcl.Diagnostics{dg}
		}
		return val, pb.validate(v, val, "inventory, host "+h.Name)
	}
	if v.def != nil {
		return *v.def, pb.validate(v, *v.def, "its default")
	}
	return cty.NilVal, hcl.Diagnostics{diag.Errorf("Variable without a value", &v.Range,
		"The variable %q has no default, and nothing gives it a value for host %s. Set it with\n    --var '%s=…'\nin a file named with --var-file or in the inventory.", v.Name, h.Name, v.Name)}
}

// staticScope knows types but no values, for checks without a host.
func (pb *Playbook) staticScope(u *Unit, b *Body) *Scope {
	vals := map[string]cty.Value{}
	for _, v := range u.Variables {
		vals[v.Name] = v.mark(cty.UnknownVal(v.typ))
	}
	h := cty.ObjectVal(map[string]cty.Value{
		"name": cty.UnknownVal(cty.String), "address": cty.UnknownVal(cty.String),
		"groups": cty.UnknownVal(cty.List(cty.String)), "vars": cty.DynamicVal,
	})
	s := newScope(pb, u, b, vals, &shared{host: h, groups: cty.DynamicVal, facts: allFacts()})
	s.static = true
	return s
}

// unknownFacts are the facts the playbook mentions, before they are gathered.
func (pb *Playbook) unknownFacts() map[string]cty.Value {
	out := make(map[string]cty.Value, len(pb.Facts))
	all := allFacts()
	for _, n := range pb.Facts {
		out[n] = all[n]
	}
	return out
}

// allFacts are all facts there are, not known yet.
var allFacts = sync.OnceValue(func() map[string]cty.Value {
	out := map[string]cty.Value{}
	for _, d := range host.FactDefs() {
		out[d.Name] = cty.UnknownVal(schema.FromGo(d.Zero).Type())
	}
	return out
})

// SetFacts makes gathered facts known.
func (s *Scope) SetFacts(f host.Facts) {
	for n, v := range f {
		s.shared.facts[n] = schema.FromGo(v)
	}
	s.shared.changes++
}

// SetResult makes the result of a task known. For a task with for_each, v is an
// object of the instances' results.
func (s *Scope) SetResult(t *Task, v cty.Value) {
	if !t.ResultUsed { // nothing can see it
		return
	}
	s.results[t] = v
	s.ctx = nil
}

// HasResult reports whether the result of a task is known; it is where nothing
// can see it.
func (s *Scope) HasResult(t *Task) bool {
	_, ok := s.results[t]
	return ok || !t.ResultUsed
}

// Context returns what an expression sees; extra adds root names ("each", "self").
func (s *Scope) Context(extra map[string]cty.Value) *hcl.EvalContext {
	if s.ctx == nil || s.built != s.shared.changes {
		s.ctx, s.built = s.build(), s.shared.changes
	}
	if len(extra) == 0 {
		return s.ctx
	}
	c := s.ctx.NewChild()
	c.Variables = extra
	return c
}

func (s *Scope) build() *hcl.EvalContext {
	path := map[string]cty.Value{"module": cty.StringVal(s.unit.Dir)}
	root := s.unit == &s.pb.Unit
	if root {
		path["playbook"] = cty.StringVal(s.pb.Dir)
	}
	functions := s.unit.functions
	if s.static {
		functions = s.unit.static
	}
	c := &hcl.EvalContext{Functions: functions, Variables: map[string]cty.Value{
		"var": s.vars, "host": s.shared.host, "facts": cty.ObjectVal(s.shared.facts), "path": cty.ObjectVal(path),
	}}
	if s.static || s.pb.usesGroups {
		c.Variables["groups"] = s.shared.groups
	}
	s.unsettle()
	if at := s.shared.changes + 1; s.localsAt != at {
		s.localDiags = s.evalLocals(c)
		s.locals, s.localsAt = c.Variables["local"], at
	}
	c.Variables["local"] = s.locals
	if s.body != nil {
		c.Variables["task"], c.Variables["check"] = s.resultObjects()
		c.Variables["use"] = s.useObject()
		if root {
			c.Variables["stack"] = s.stackObject()
		}
	}
	return c
}

// Locals evaluates the local values and returns the problems in them.
func (s *Scope) Locals() hcl.Diagnostics {
	s.Context(nil)
	return s.localDiags
}

func (s *Scope) resultObjects() (tasks, checks cty.Value) {
	byKind := map[string]map[string]map[string]cty.Value{"task": {}, "check": {}}
	own(s.body.Items, func(t *Task) {
		if !t.ResultUsed { // most are not, and a large play would pay for them at every change
			return
		}
		v, ok := s.results[t]
		if !ok {
			v = unknownResult(t)
		}
		m := byKind[t.Kind]
		if m[t.Module] == nil {
			m[t.Module] = map[string]cty.Value{}
		}
		m[t.Module][t.Name] = v
	})
	obj := func(kind string) cty.Value {
		out := map[string]cty.Value{}
		for mod, names := range byKind[kind] {
			out[mod] = cty.ObjectVal(names)
		}
		return cty.ObjectVal(out)
	}
	return obj("task"), obj("check")
}

// Instance is one element of for_each.
type Instance struct {
	Key   string
	Value cty.Value
}

// Instances lists the elements of a for_each value in a stable order.
func Instances(v cty.Value) ([]Instance, error) {
	v, marks := v.Unmark()
	t := v.Type()
	switch {
	case v.IsNull():
		return nil, fmt.Errorf("The argument \"for_each\" is null; give a list, set, map or object, which may be empty.")
	case !v.CanIterateElements():
		return nil, fmt.Errorf("The argument \"for_each\" takes a list, set, map or object, not %s.", t.FriendlyName())
	}
	var out []Instance
	for it := v.ElementIterator(); it.Next(); {
		k, e := it.Element()
		in := Instance{Value: e.WithMarks(marks)}
		switch {
		case t.IsSetType():
			in.Key = keyText(e)
		default:
			in.Key = keyText(k)
		}
		out = append(out, in)
	}
	return out, nil
}

func keyText(v cty.Value) string {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return "null"
	}
	switch v.Type() {
	case cty.String:
		return v.AsString()
	case cty.Number:
		return v.AsBigFloat().Text('f', -1)
	}
	return fmt.Sprint(schema.ToGo(v))
}

// globalScope sees the variables that do not depend on a host; the others are
// unknown.
func (pb *Playbook) globalScope(g Globals) *Scope {
	s := pb.staticScope(&pb.Unit, nil)
	vals := s.vars.AsValueMap()
	if vals == nil {
		vals = map[string]cty.Value{}
	}
	for _, v := range pb.Variables {
		if val, ok := g.values[v.Name]; ok {
			vals[v.Name] = val
		} else if v.def != nil {
			vals[v.Name] = v.mark(*v.def)
		}
	}
	s.vars = cty.ObjectVal(vals)
	return s
}

// HostPattern evaluates the play's host pattern.
func (pb *Playbook) HostPattern(p *Play, g Globals) (string, hcl.Diagnostics) {
	v, diags := p.Hosts.Value(pb.globalScope(g).Context(nil))
	rng := p.Hosts.Range()
	v, _ = v.Unmark()
	switch {
	case diags.HasErrors():
		return "", diags
	case !v.IsKnown():
		return "", hcl.Diagnostics{diag.Errorf("Host pattern not known", &rng, "The argument \"hosts\" of the play %q depends on a value that is not known before a host is chosen. Use variables that are set with a default, a file or --var.", p.Name)}
	case v.IsNull() || v.Type() != cty.String:
		return "", hcl.Diagnostics{diag.Errorf("Wrong type of value", &rng, "The argument \"hosts\" of the play %q must be a string, a host pattern such as \"web:!bastion\".", p.Name)}
	}
	return v.AsString(), nil
}
