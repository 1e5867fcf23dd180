package playbook

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
)

// use reads an item that runs the tasks of a set.
func (tr *taskReader) use(b *hclsyntax.Block) *Use {
	if !labels(b, tr.set, "NAME") {
		return nil
	}
	u := &Use{Name: b.Labels[0], Outer: tr.unit, Range: b.DefRange(), Args: map[string]*hclsyntax.Attribute{}}
	key := "use." + u.Name
	if first, ok := tr.seen[key]; ok {
		tr.set.Append(diag.Errorf("Duplicate use", &u.Range, "%s already has a use %q, at %s. Give one of them another name, so that references are clear.", upperFirst(tr.what), u.Name, place(first)))
		return nil
	}
	tr.seen[key] = u.Range
	r := reader{what: fmt.Sprintf("The use %q", u.Name), body: b.Body, rng: u.Range, set: tr.set}
	r.noBlocks("Variables of the set are given values as arguments.")
	u.When, u.ForEach, u.Tags = r.expr("when"), r.expr("for_each"), r.strs("tags")
	r.str("description")
	u.args(b)
	s := site{reader: r, name: u.Name, what: fmt.Sprintf("the set %q", u.Name), prefix: tr.unit.prefix + key + ".", unit: tr.unit}
	found, ok := tr.ld.open(s, roleKind)
	if !ok {
		tr.body.broken[key] = true
		return nil
	}
	u.Unit = tr.ld.newUnit(s, found)
	if become := r.optBool("become"); become != nil {
		u.Unit.Become = become
	}
	tr.ld.readSet(u.Unit, found)
	return u
}

// args keeps the arguments that are values of variables.
func (u *Use) args(b *hclsyntax.Block) {
	for name, a := range b.Body.Attributes {
		if !contains(siteArgs, name) {
			u.Args[name] = a
		}
	}
}

// noBlocks reports blocks in a body that takes none.
func (r reader) noBlocks(hint string) {
	for _, b := range r.body.Blocks {
		rng := b.DefRange()
		r.set.Append(diag.Errorf("Unknown block", &rng, "%s takes no block %q. %s", r.what, b.Type, hint))
	}
}

// newUnit makes the unit of what a site uses.
func (ld *loader) newUnit(s site, found used) *Unit {
	u := &Unit{
		Dir: found.dir, Become: s.unit.Become, what: s.what, prefix: s.prefix,
		usedAt: append([]hcl.Range{s.rng}, s.unit.usedAt...), chain: found.chain, tree: found.tree,
		Body: Body{broken: map[string]bool{}},
	}
	u.functions, u.static = ld.functionsOf(found.dir)
	ld.pb.units = append(ld.pb.units, u)
	return u
}

var setBlocks = []string{"ferry", "variable", "locals", "output", "task", "check", "block", "use", "handler", "flush_handlers"}

// readSet reads the files of a set.
func (ld *loader) readSet(u *Unit, found used) {
	ld.in(u, func(set *diag.Set) {
		for _, f := range found.files {
			reader{what: "A file of a set", body: f.body, set: set}.only(nil, setBlocks)
			u.readNames(f.body, set)
			for _, b := range f.body.Blocks {
				if b.Type == "output" {
					u.readOutput(b, set)
				}
			}
		}
		tr := ld.taskReader(u, &u.Body, u.what, set)
		for _, f := range found.files {
			tr.handlers(f.body)
		}
		for _, f := range found.files {
			u.Items = append(u.Items, tr.items(f.body)...)
		}
		tr.resolveNotify()
	})
}

// readNames reads the variables and local values of a file of a set or stack.
func (u *Unit) readNames(body *hclsyntax.Body, set *diag.Set) {
	for _, b := range body.Blocks {
		switch b.Type {
		case "variable":
			if len(b.Labels) == 1 && contains(siteArgs, b.Labels[0]) {
				set.Append(diag.Errorf("Reserved name", &b.LabelRanges[0], "A variable of a set cannot be called %q: who uses the set could not tell it from the argument of this name.", b.Labels[0]))
				continue
			}
			u.readVariable(b, set)
		case "locals":
			if labels(b, set) {
				u.readLocals(b, set)
			}
		}
	}
}

func (u *Unit) readOutput(b *hclsyntax.Block, set *diag.Set) {
	if !labels(b, set, "NAME") {
		return
	}
	o := &Output{Name: b.Labels[0], Range: b.DefRange()}
	if old := u.output(o.Name); old != nil {
		set.Append(diag.Errorf("Duplicate output", &o.Range, "The output %q is declared twice, first at %s.", o.Name, place(old.Range)))
		return
	}
	r := reader{what: fmt.Sprintf("The output %q", o.Name), body: b.Body, rng: o.Range, set: set}
	r.only([]string{"value", "description", "sensitive"}, nil)
	o.Description, o.Sensitive = r.str("description"), r.boolean("sensitive")
	if o.expr = r.expr("value"); o.expr == nil {
		set.Append(diag.Errorf("Missing argument", &o.Range, "The output %q needs the argument \"value\": what who uses the set is to see.", o.Name))
		u.broken["output."+o.Name] = true
		return
	}
	u.Outputs = append(u.Outputs, o)
}

// checkArgs holds the arguments of a use or stack against the variables of the
// unit, as far as their values are known without a host.
func (u *Unit) checkArgs(args map[string]*hclsyntax.Attribute, rng hcl.Range, ctx *hcl.EvalContext, set *diag.Set) {
	var missing []*Variable
	for _, v := range u.Variables {
		if args[v.Name] == nil && v.def == nil {
			missing = append(missing, v)
		}
	}
	for _, name := range sortedAttrNames(args) {
		a := args[name]
		v := u.Variable(name)
		if v == nil {
			hint := diag.DidYouMean(name, append(u.variableNames(), siteArgs...))
			if len(missing) > 0 {
				hint += fmt.Sprintf(" It needs the variable %q%s", missing[0].Name, described(missing[0]))
				missing = missing[1:]
			}
			set.Append(diag.Errorf("Unknown argument", &a.NameRange, "%s declares no variable %q.%s", upperFirst(u.what), name, hint))
			continue
		}
		if ctx == nil {
			continue
		}
		val, diags := a.Expr.Value(ctx)
		set.Extend(diags)
		if diags.HasErrors() {
			continue
		}
		_, diags = u.argument(v, val, a.Expr.Range())
		set.Extend(diags)
	}
	for _, v := range missing {
		set.Append(diag.Errorf("Missing argument", &rng, "%s needs the variable %q%s", upperFirst(u.what), v.Name, described(v)))
	}
}

// described ends a sentence that names a variable.
func described(v *Variable) string {
	if v.Description == "" {
		return fmt.Sprintf(", declared at %s.", place(v.Range))
	}
	d := v.Description
	if last := d[len(d)-1]; last != '.' && last != '?' {
		d += "."
	}
	return ": " + d
}

// argument turns a value given to a variable of the unit into what the variable
// has. Null is the same as giving nothing.
func (u *Unit) argument(v *Variable, val cty.Value, rng hcl.Range) (cty.Value, hcl.Diagnostics) {
	if val.IsNull() && val.Type() != cty.NilType {
		if v.def == nil {
			return cty.UnknownVal(v.typ), hcl.Diagnostics{diag.Errorf("Variable without a value", &rng, "The variable %q of %s has no default, and the value given here is null.", v.Name, u.what)}
		}
		return v.mark(*v.def), nil
	}
	out, dg := v.convert(val, &rng, "the value given")
	if dg != nil {
		return cty.UnknownVal(v.typ), hcl.Diagnostics{dg}
	}
	diags := u.validate(v, out, "given at "+place(rng))
	for _, d := range diags {
		d.Subject = &rng
	}
	return v.mark(out), diags
}
