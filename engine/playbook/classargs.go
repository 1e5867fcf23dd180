package playbook

import (
	"maps"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/schema"
)

// keptArgs are the arguments of a task that can be the same on several hosts.
type keptArgs struct {
	kept[argValues]
	names map[string]bool
}

// argValues are the values of a task's arguments on the hosts of one class,
// converted and checked; what is null was left out. They are not changed.
type argValues struct {
	fixed    map[string]cty.Value
	rendered map[string]cty.Value // the texts of templates
}

// from takes what was learned of the kept arguments, if all of it may be given to
// other hosts.
func (k *keptArgs) from(t *Task, l schema.Learned, d schema.Decoded) (argValues, bool) {
	for _, list := range [][]string{d.Unknown, d.Sensitive} {
		for _, name := range list {
			if k.names[name] {
				return argValues{}, false
			}
		}
	}
	out := argValues{fixed: maps.Clone(t.fixed), rendered: map[string]cty.Value{}}
	if out.fixed == nil {
		out.fixed = map[string]cty.Value{}
	}
	for name := range k.names {
		v, ok := l.Values[name]
		if !ok || !settled(v) {
			return argValues{}, false
		}
		out.fixed[name] = v
		if text, ok := l.Rendered[name]; ok {
			if !settled(text) {
				return argValues{}, false
			}
			out.rendered[name] = text
		}
	}
	return out, true
}

// keepArgs finds the arguments of a task that are kept.
func (c *classes) keepArgs(pb *Playbook, t *Task) {
	b, _ := Bind(t)
	all := &needs{}
	names := map[string]bool{}
	for _, a := range b.Args() {
		attr := t.Attrs[a.Name]
		if _, fixed := t.fixed[a.Name]; fixed || attr == nil || a.Sensitive {
			continue
		}
		n := c.needsOf(t.Unit, attr.Expr)
		if a.Kind == schema.KindTemplate {
			n = n.and(c.templateNeeds(pb, t, attr))
		}
		if n != nil {
			names[a.Name] = true
			all = all.and(n)
		}
	}
	if len(names) > 0 {
		t.args = &keptArgs{kept: kept[argValues]{inputs: all.inputs, each: all.each}, names: names}
	}
}

// templateNeeds are what a rendered template depends on besides its path, which
// must be the same everywhere.
func (c *classes) templateNeeds(pb *Playbook, t *Task, attr *hclsyntax.Attribute) *needs {
	if len(attr.Expr.Variables()) > 0 {
		return nil
	}
	path, diags := attr.Expr.Value(&hcl.EvalContext{Functions: t.Unit.static})
	if diags.HasErrors() || path.Type() != cty.String || !settled(path) || path.IsNull() {
		return nil
	}
	e := pb.Files.Template(schema.LocalPath(path.AsString(), attr.Expr.Range()))
	if e == nil {
		return nil
	}
	n := c.needsOf(t.Unit, e)
	if vars := t.Attrs["vars"]; vars != nil {
		n = n.and(c.needsOf(t.Unit, vars.Expr))
	}
	return n
}
