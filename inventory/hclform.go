package inventory

import (
	"fmt"
	"slices"
	"sort"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
)

// hclReader reads an inventory in HCL:
//
//	group "NAME" {
//	  (connection arguments, see Arguments)
//	  vars     = { … }
//	  hosts    = ["NAME", …]    # hosts declared elsewhere
//	  children = ["GROUP", …]   # groups declared elsewhere
//	  host "NAME" { (connection arguments) vars = { … } }
//	  group "NAME" { … }
//	}
//	host "NAME" { … }
//	constructed "NAME" { … }      # see rule
//	keyed "PREFIX" { … }
type hclReader struct {
	b    *builder
	base dirs
	eval *hcl.EvalContext
	// Where an argument of a host or group was set in this file: said twice in
	// one file, one of them is a mistake.
	set map[string]hcl.Range
}

func (b *builder) readHCL(src source) {
	if d := diag.Bounds(src.data, src.name); d != nil {
		b.report(d)
		return
	}
	bodies, diags := diag.ParseParts(src.data, src.name)
	b.report(diags...)
	r := &hclReader{b: b, base: src.dirs, eval: b.evalContext(src.dirs.base), set: map[string]hcl.Range{}}
	for i, body := range bodies {
		r.attributes(body, "an inventory file", nil, func(string, *hclsyntax.Attribute) bool { return false })
		r.blocks(body, b.inv.groups[groupUngrouped])
		bodies[i] = nil // hosts without end are many megabytes of tree
	}
}

func (r *hclReader) blocks(body *hclsyntax.Body, parent *Group) {
	for _, blk := range body.Blocks {
		if r.b.tooManyProblems(blk.TypeRange.Filename) {
			return
		}
		switch blk.Type {
		case "group", "host", "constructed", "keyed":
			if d := checkLabels(blk); d != nil {
				r.b.report(d)
				continue
			}
			switch blk.Type {
			case "group":
				r.group(blk, parent)
			case "host":
				r.host(blk, parent)
			default:
				r.rule(blk, parent)
			}
		default:
			r.b.report(diag.Errorf("Unknown block", blk.TypeRange.Ptr(), "An inventory has no blocks of the type %q, only \"group\", \"host\", \"constructed\" and \"keyed\".%s",
				blk.Type, diag.DidYouMean(blk.Type, []string{"group", "host", "constructed", "keyed"})))
		}
	}
}

func checkLabels(blk *hclsyntax.Block) *hcl.Diagnostic {
	if len(blk.Labels) == 1 {
		return nil
	}
	rng := blk.DefRange()
	if len(blk.LabelRanges) > 1 {
		rng = blk.LabelRanges[1]
	}
	return diag.Errorf("Wrong number of names", &rng, "A block %q has exactly one name, for example:\n    %s \"web\" {\n    }", blk.Type, blk.Type)
}

func (r *hclReader) group(blk *hclsyntax.Block, parent *Group) {
	name, rng := blk.Labels[0], blk.LabelRanges[0]
	if why := badGroupName(name); why != "" {
		r.b.report(diag.Errorf("Invalid group name", &rng, "%q cannot be the name of a group: %s.", name, why))
		return
	}
	g := r.b.group(name, rng)
	if parent.Name != groupUngrouped {
		r.b.pending = append(r.b.pending, pendingRef{parent: parent, name: name, rng: rng})
	}
	r.attributes(blk.Body, "a group", []*layer{&g.inline}, func(arg string, a *hclsyntax.Attribute) bool {
		switch arg {
		case "children", "hosts":
			r.references(g, arg, a)
			return true
		}
		return r.argument(fmt.Sprintf("group %q", name), false, arg, a, []*layer{&g.inline})
	})
	r.blocks(blk.Body, g)
}

func (r *hclReader) references(g *Group, arg string, a *hclsyntax.Attribute) {
	v, diags := a.Expr.Value(r.eval)
	r.b.report(diags...)
	if diags.HasErrors() {
		return
	}
	exprs, _ := hcl.ExprList(a.Expr)
	names, ok := stringList(v)
	if !ok {
		r.b.report(diag.Errorf("Invalid value", a.Expr.Range().Ptr(), "The argument %q must be a list of names, for example:\n    %s = [\"web\", \"db\"]", arg, arg))
		return
	}
	for i, n := range names {
		rng := a.Expr.Range()
		if i < len(exprs) {
			rng = exprs[i].Range()
		}
		if arg == "children" {
			r.b.pending = append(r.b.pending, pendingRef{parent: g, name: n, rng: rng})
			continue
		}
		for _, hn := range r.b.expand(n, rng) {
			r.b.pending = append(r.b.pending, pendingRef{parent: g, name: hn, isHost: true, rng: rng})
		}
	}
}

func stringList(v cty.Value) ([]string, bool) {
	v, _ = v.UnmarkDeep()
	if ty := v.Type(); v.IsNull() || !v.IsWhollyKnown() || !ty.IsTupleType() && !ty.IsListType() && !ty.IsSetType() {
		return nil, false
	}
	var out []string
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		if e.IsNull() || e.Type() != cty.String {
			return nil, false
		}
		out = append(out, e.AsString())
	}
	return out, true
}

func (r *hclReader) host(blk *hclsyntax.Block, parent *Group) {
	rng := blk.LabelRanges[0]
	names := r.b.expand(blk.Labels[0], rng)
	layers := make([]*layer, len(names))
	for i, n := range names {
		h := r.b.host(n, rng)
		r.b.addMember(parent, h)
		layers[i] = &h.inline
	}
	if len(names) == 0 {
		layers = []*layer{{}} // still look for mistakes in the block
	}
	r.attributes(blk.Body, "a host", layers, func(arg string, a *hclsyntax.Attribute) bool {
		return r.argument(fmt.Sprintf("host %q", blk.Labels[0]), true, arg, a, layers)
	})
	for _, b := range blk.Body.Blocks {
		r.b.report(diag.Errorf("Unknown block", b.TypeRange.Ptr(), "A host has no blocks. Its variables are an argument:\n    vars = {\n      name = \"value\"\n    }"))
	}
}

// attributes handles the attributes of a body in the order of the source.
func (r *hclReader) attributes(body *hclsyntax.Body, what string, layers []*layer, handle func(string, *hclsyntax.Attribute) bool) {
	attrs := make([]*hclsyntax.Attribute, 0, len(body.Attributes))
	for _, a := range body.Attributes {
		attrs = append(attrs, a)
	}
	sort.Slice(attrs, func(i, j int) bool { return attrs[i].NameRange.Start.Byte < attrs[j].NameRange.Start.Byte })
	for _, a := range attrs {
		if a.Name == "vars" && layers != nil {
			r.vars(a, layers)
			continue
		}
		if handle(a.Name, a) {
			continue
		}
		var known []string
		if layers != nil {
			known = slices.Concat(r.b.args.names, []string{"vars"})
			if what == "a group" {
				known = append(known, "children", "hosts")
			}
		}
		hint := diag.DidYouMean(a.Name, known)
		if hint == "" && layers != nil {
			hint = fmt.Sprintf(" If it is a variable for playbooks, put it into vars:\n    vars = {\n      %s = …\n    }", a.Name)
		} else if hint == "" {
			hint = " Put it into a group or host block; the group \"all\" has every host."
		}
		d := diag.Errorf("Unknown argument", a.NameRange.Ptr(), "There is no argument %q for %s.%s", a.Name, what, hint)
		r.b.report(hideIfSecret(d, a.Name))
	}
}

// argument sets a connection argument of one group or of the hosts of a range.
func (r *hclReader) argument(owner string, isHost bool, name string, a *hclsyntax.Attribute, layers []*layer) bool {
	def := r.b.args.byName[name]
	if def == nil {
		return false
	}
	if def.HostOnly && !isHost {
		r.b.report(diag.Errorf("Argument of a host", a.NameRange.Ptr(), "The argument %q is for a host: the hosts of a group cannot share it.", name))
		return true
	}
	v, diags := a.Expr.Value(r.eval)
	if def.Sensitive {
		for _, d := range diags {
			d.Expression, d.EvalContext = nil, nil
			diag.HideSource(d)
		}
	}
	r.b.report(diags...)
	if diags.HasErrors() || r.again(owner, name, a.NameRange) {
		return true
	}
	rng := a.Expr.Range()
	if name == argAddress {
		r.address(def, v, rng, layers)
		return true
	}
	s, d := decodeArg(def, name, v, rng, r.base)
	if d != nil {
		r.b.report(d)
		return true
	}
	for _, l := range layers {
		l.setArg(s)
	}
	return true
}

// address gives each host of a range its own value.
func (r *hclReader) address(def *Argument, v cty.Value, rng hcl.Range, layers []*layer) {
	text, ok := stringOf(v)
	if !ok {
		r.b.setArg(layers[0], def, def.Name, v, rng, r.base)
		return
	}
	addrs, err := []string{text}, error(nil)
	if inner, p := splitHostPort(text); p == 0 && !isIPv6(inner) {
		addrs, err = expandHosts(text, maxHosts)
	}
	switch {
	case err != nil:
		r.b.report(diag.Errorf("Invalid address", &rng, "The address %q cannot be read: %s.", text, err))
		return
	case len(addrs) != len(layers) && len(addrs) > 1 || len(addrs) == 1 && len(layers) > 1:
		r.b.report(diag.Errorf("Invalid address", &rng, "The block is for %d hosts, but %q is %d addresses. Give as many addresses as hosts, with a range like that of the name:\n    host \"web[01:20]\" { address = \"10.0.0.[1:20]\" }", len(layers), text, len(addrs)))
		return
	}
	for i, l := range layers {
		r.b.setArg(l, def, def.Name, cty.StringVal(addrs[i]), rng, r.base)
	}
}

// again reports what was set before in the same file.
func (r *hclReader) again(owner, name string, rng hcl.Range) bool {
	key := owner + "." + name
	first, twice := r.set[key]
	if !twice {
		r.set[key] = rng
		return false
	}
	r.b.report(diag.Errorf("Set twice", &rng, "The argument %q of the %s is already set, at line %d. Only one of the two would count. Take one of them out.", name, owner, first.Start.Line))
	return true
}

func (r *hclReader) vars(a *hclsyntax.Attribute, layers []*layer) {
	v, diags := a.Expr.Value(r.eval)
	r.b.report(diags...)
	if diags.HasErrors() {
		return
	}
	ranges := map[string]hcl.Range{}
	if pairs, d := hcl.ExprMap(a.Expr); !d.HasErrors() {
		for _, p := range pairs {
			if k, kd := p.Key.Value(r.eval); !kd.HasErrors() {
				if s, ok := stringOf(k); ok {
					ranges[s] = hcl.RangeBetween(p.Key.Range(), p.Value.Range())
				}
			}
		}
	}
	if ty := v.Type(); v.IsMarked() || v.IsNull() || !v.IsKnown() || !ty.IsObjectType() && !ty.IsMapType() {
		r.b.report(diag.Errorf("Invalid value", a.Expr.Range().Ptr(), "The argument \"vars\" must be a map of variables, for example:\n    vars = {\n      name = \"value\"\n    }"))
		return
	}
	for it := v.ElementIterator(); it.Next(); {
		k, val := it.Element()
		rng, ok := ranges[k.AsString()]
		if !ok {
			rng = a.Expr.Range()
		}
		for _, l := range layers {
			r.b.setVar(l, k.AsString(), Variable{Value: val, Range: rng}, r.base)
		}
	}
}
