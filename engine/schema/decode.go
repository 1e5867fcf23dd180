package schema

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/ferry-ops/ferry/engine/diag"
)

// SensitiveMark marks cty values that must not be shown.
const SensitiveMark = diag.SensitiveMark

// Decoded says what is special about the arguments of one decoding.
type Decoded struct {
	// Unknown holds the arguments whose values are not known yet; their
	// variables were left alone.
	Unknown []string
	// Sensitive holds the arguments whose values must not be shown.
	Sensitive []string
	// Secrets holds the sensitive strings themselves, for redaction.
	Secrets []string
}

// Known reports whether every argument has its final value.
func (d Decoded) Known() bool { return len(d.Unknown) == 0 }

// Target is the block to decode.
type Target struct {
	What  string // how diagnostics name the block: `The module "service"`
	Attrs map[string]*hclsyntax.Attribute
	Range hcl.Range // where a missing argument is reported
	// Fixed are the values of arguments that were evaluated, converted and checked
	// already; that is not done again. Null stands for an argument left out.
	Fixed map[string]cty.Value
	// Rendered are the texts of templates whose path is among Fixed.
	Rendered map[string]cty.Value
	// Value evaluates an argument in place of its expression's method; nil uses that.
	Value func(hclsyntax.Expression) (cty.Value, hcl.Diagnostics)
	// Learned is filled with what Fixed and Rendered could have held; nil keeps
	// nothing.
	Learned *Learned
}

// Learned are the values of arguments as Target.Fixed and Target.Rendered take
// them. They hold no argument whose value is not known, sensitive, or wrong.
type Learned struct {
	Values, Rendered map[string]cty.Value
}

func (l *Learned) value(name string, v cty.Value) {
	if l == nil {
		return
	}
	if l.Values == nil {
		l.Values, l.Rendered = map[string]cty.Value{}, map[string]cty.Value{}
	}
	l.Values[name] = v
}

// evaluate gives the value of an argument.
func (t Target) evaluate(e hclsyntax.Expression, scope *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	if t.Value != nil {
		return t.Value(e)
	}
	return e.Value(scope)
}

// Fixed evaluates the arguments that mention nothing and call nothing, so that
// they need not be evaluated, converted and checked for every host. What is wrong
// with one is left for Decode to say.
func (b *Block) Fixed(t Target) map[string]cty.Value {
	out := map[string]cty.Value{}
	for _, a := range b.args {
		attr, ok := t.Attrs[a.Name]
		if !ok || a.Sensitive || a.Kind == KindFile || a.Kind == KindTemplate || !constant(attr.Expr) {
			continue
		}
		v, diags := attr.Expr.Value(nil)
		if diags.HasErrors() {
			continue
		}
		v, err := a.convert(v)
		if err != nil || v.IsNull() || !v.IsWhollyKnown() || v.IsMarked() {
			continue
		}
		if a.check(v) == nil {
			out[a.Name] = v
		}
	}
	return out
}

// constant reports whether an expression has the same value everywhere.
func constant(e hclsyntax.Expression) bool {
	if len(e.Variables()) > 0 {
		return false
	}
	calls := false
	_ = hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
		_, call := n.(*hclsyntax.FunctionCallExpr)
		calls = calls || call
		return nil
	})
	return !calls
}

// convert brings a value to the argument's type.
func (a *Arg) convert(v cty.Value) (cty.Value, error) {
	if a.Type == cty.List(cty.String) && v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
		v = cty.ListVal([]cty.Value{v}) // "x" is accepted for ["x"]
	}
	return convert.Convert(v, a.Type)
}

// check applies the argument's rules.
func (a *Arg) check(v cty.Value) error {
	for _, c := range a.checks {
		if err := c(v); err != nil {
			return err
		}
	}
	return nil
}

// Decode evaluates the arguments of t in scope and sets the bound variables.
// Nothing of a value marked sensitive reaches a diagnostic. It returns all
// problems, not only the first.
func (b *Block) Decode(t Target, scope *hcl.EvalContext, files *Files) (Decoded, hcl.Diagnostics) {
	var d Decoded
	var diags hcl.Diagnostics
	unknown, missing := b.unfit(t)
	diags = append(diags, b.unfitDiags(t, unknown, missing)...)
	for _, a := range b.args {
		attr, ok := t.Attrs[a.Name]
		if !ok {
			continue
		}
		diags = append(diags, b.decodeArg(a, attr, t, scope, files, &d)...)
	}
	sort.Strings(d.Unknown)
	return d, diags
}

// CheckNames reports unknown and missing arguments without evaluating anything.
func (b *Block) CheckNames(t Target) hcl.Diagnostics {
	unknown, missing := b.unfit(t)
	return b.unfitDiags(t, unknown, missing)
}

// unfit finds the arguments given that do not exist, in the order written, and
// the required ones that were not given.
func (b *Block) unfit(t Target) (unknown []*hclsyntax.Attribute, missing []*Arg) {
	for name, attr := range t.Attrs {
		if b.Arg(name) == nil {
			unknown = append(unknown, attr)
		}
	}
	sort.Slice(unknown, func(i, j int) bool { return unknown[i].NameRange.Start.Byte < unknown[j].NameRange.Start.Byte })
	for _, a := range b.args {
		if _, ok := t.Attrs[a.Name]; !ok && a.Required {
			missing = append(missing, a)
		}
	}
	return unknown, missing
}

// unfitDiags makes one diagnostic of a misspelled required argument, which is
// both unknown and missing.
func (b *Block) unfitDiags(t Target, unknown []*hclsyntax.Attribute, missing []*Arg) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for i, attr := range unknown {
		hint := diag.DidYouMean(attr.Name, b.Names())
		if i < len(missing) {
			hint += fmt.Sprintf(" It needs the argument %q: %s", missing[i].Name, missing[i].Doc)
		}
		diags = append(diags, diag.Errorf("Unknown argument", &attr.NameRange, "%s has no argument %q.%s", t.What, attr.Name, hint))
	}
	for _, a := range missing[min(len(unknown), len(missing)):] {
		diags = append(diags, diag.Errorf("Missing argument", &t.Range, "%s needs the argument %q: %s", t.What, a.Name, a.Doc))
	}
	return diags
}

func (b *Block) decodeArg(a *Arg, attr *hclsyntax.Attribute, t Target, scope *hcl.EvalContext, files *Files, d *Decoded) hcl.Diagnostics {
	v, fixed := t.Fixed[a.Name]
	switch {
	case fixed && v.IsNull():
		return nil
	case fixed && a.set != nil && a.Kind != KindFile && a.Kind != KindTemplate:
		if a.set(v) == nil {
			return nil
		}
		fixed = false // what is wrong is said below
	}
	var diags hcl.Diagnostics
	if !fixed {
		var ok bool
		if v, diags, ok = b.evaluated(a, attr, t, scope, d); !ok {
			return diags
		}
	}
	path := v
	if a.Kind == KindFile || a.Kind == KindTemplate {
		text, more := localFile(a, v.AsString(), attr, t, scope, files, d)
		diags = append(diags, more...)
		if diags.HasErrors() || !text.IsKnown() {
			return diags
		}
		v = text
	}
	if a.local != nil {
		a.local(v.AsString(), files)
	} else if err := a.set(v); err != nil {
		rng := attr.Expr.Range()
		if len(d.Sensitive) > 0 && d.Sensitive[len(d.Sensitive)-1] == a.Name {
			return append(diags, diag.Errorf("Invalid value", &rng, "The argument %q has a value that is not allowed (the value is sensitive and not shown).", a.Name))
		}
		return append(diags, diag.Errorf("Invalid value", &rng, "The argument %q: %s.", a.Name, err))
	}
	if len(d.Sensitive) == 0 || d.Sensitive[len(d.Sensitive)-1] != a.Name {
		if t.Learned.value(a.Name, path); t.Learned != nil && a.Kind == KindTemplate {
			t.Learned.Rendered[a.Name] = v
		}
	}
	return diags
}

// evaluated gives the converted and checked value of an argument. It reports
// false where there is none to be set: it is wrong, not known, or null.
func (b *Block) evaluated(a *Arg, attr *hclsyntax.Attribute, t Target, scope *hcl.EvalContext, d *Decoded) (cty.Value, hcl.Diagnostics, bool) {
	v, diags := t.evaluate(attr.Expr, scope)
	if diags.HasErrors() {
		return v, diags, false
	}
	rng := attr.Expr.Range()
	bad := func(summary, format string, args ...any) (cty.Value, hcl.Diagnostics, bool) {
		return v, append(diags, diag.Errorf(summary, &rng, format, args...)), false
	}

	v, pathMarks := v.UnmarkDeepWithPaths()
	if marked := hasSensitive(pathMarks); marked {
		if !a.MaySensitive {
			return bad("Sensitive value not allowed here",
				"The argument %q would show this value in plans and logs, and the value is sensitive. Use it only in arguments that keep values hidden (ferry modules show lists them), or remove \"sensitive\" from where the value comes from.", a.Name)
		}
		d.Sensitive = append(d.Sensitive, a.Name)
		d.Secrets = append(d.Secrets, stringsIn(v)...)
	} else if a.Sensitive {
		d.Sensitive = append(d.Sensitive, a.Name)
		d.Secrets = append(d.Secrets, stringsIn(v)...)
	}

	given := v
	v, err := a.convert(v)
	if err != nil {
		return bad("Wrong type of value", "The argument %q must be %s%s", a.Name, typeName(a), conversionProblem(given, err))
	}
	if v.IsNull() {
		if a.Required {
			return bad("Missing argument", "%s needs the argument %q, and its value here is null: %s", t.What, a.Name, a.Doc)
		}
		if len(pathMarks) == 0 {
			t.Learned.value(a.Name, v)
		}
		return v, diags, false // null is the same as leaving the argument out
	}
	if !v.IsWhollyKnown() {
		d.Unknown = append(d.Unknown, a.Name)
		return v, diags, false
	}
	if err := a.check(v); err != nil {
		var ce *choiceError
		switch {
		case len(d.Sensitive) > 0 && d.Sensitive[len(d.Sensitive)-1] == a.Name:
			return bad("Invalid value", "The argument %q has a value that is not allowed (the value is sensitive and not shown).", a.Name)
		case errors.As(err, &ce):
			hint := diag.DidYouMean(ce.got, ce.choices)
			if meant, ok := a.instead[ce.got]; ok {
				hint = fmt.Sprintf(" Did you mean %q?", meant)
			}
			return bad("Invalid value", "The argument %q: %s.%s", a.Name, err, hint)
		}
		return bad("Invalid value", "The argument %q: %s.", a.Name, err)
	}
	return v, diags, true
}

// LocalPath is the absolute path of a file that an argument at a place names.
func LocalPath(path string, at hcl.Range) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(at.Filename), path)
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return path
}

// localFile resolves a path on the controller and, for a template, renders it.
func localFile(a *Arg, path string, attr *hclsyntax.Attribute, t Target, scope *hcl.EvalContext, files *Files, d *Decoded) (cty.Value, hcl.Diagnostics) {
	rng := attr.Expr.Range()
	path = LocalPath(path, rng)
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return cty.NilVal, hcl.Diagnostics{diag.Errorf("File not found", &rng,
			"The argument %q names the file %s, which does not exist on this machine. Paths are relative to the playbook file they are written in.", a.Name, path)}
	case err != nil:
		return cty.NilVal, hcl.Diagnostics{diag.Errorf("File not readable", &rng, "The argument %q: %s.", a.Name, err)}
	case a.Kind == KindFile:
		return cty.StringVal(path), nil
	case !st.Mode().IsRegular():
		return cty.NilVal, hcl.Diagnostics{diag.Errorf("Not a file", &rng, "The argument %q names %s, which is not a regular file; a template must be one.", a.Name, path)}
	}
	if text, ok := t.Rendered[a.Name]; ok {
		return text, nil
	}
	expr, diags := files.template(path)
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	if vars, ok := t.Attrs["vars"]; ok {
		v, more := t.evaluate(vars.Expr, scope)
		if more.HasErrors() {
			return cty.NilVal, more
		}
		scope = scope.NewChild()
		scope.Variables = map[string]cty.Value{}
		v, marks := v.Unmark()
		if v.IsKnown() && !v.IsNull() && (v.Type().IsObjectType() || v.Type().IsMapType()) {
			for k, e := range v.AsValueMap() {
				scope.Variables[k] = e.WithMarks(marks)
			}
		}
	}
	v, more := expr.Value(scope)
	diags = append(diags, more...)
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	v, pm := v.UnmarkDeepWithPaths()
	given := v
	v, err = convert.Convert(v, cty.String)
	if err != nil {
		return cty.NilVal, append(diags, diag.Errorf("Template is not text", &rng, "The template %s must give text%s", path, conversionProblem(given, err)))
	}
	if hasSensitive(pm) {
		if !a.MaySensitive {
			return cty.NilVal, append(diags, diag.Errorf("Sensitive value not allowed here", &rng, "The template %s contains a sensitive value, which the argument %q would show.", path, a.Name))
		}
		d.Sensitive = append(d.Sensitive, a.Name)
	}
	if !v.IsKnown() {
		d.Unknown = append(d.Unknown, a.Name)
	}
	return v, diags
}

func hasSensitive(pms []cty.PathValueMarks) bool {
	for _, pm := range pms {
		if _, ok := pm.Marks[SensitiveMark]; ok {
			return true
		}
	}
	return false
}

// stringsIn collects the strings of an unmarked value.
func stringsIn(v cty.Value) []string {
	var out []string
	_ = cty.Walk(v, func(_ cty.Path, e cty.Value) (bool, error) {
		if e.Type() == cty.String && e.IsKnown() && !e.IsNull() && e.AsString() != "" {
			out = append(out, e.AsString())
		}
		return true, nil
	})
	return out
}

// DecodeExpr decodes one argument from an expression outside a block's
// arguments. The function value, if there is one, evaluates it, as in Target.
func (b *Block) DecodeExpr(name string, e hclsyntax.Expression, scope *hcl.EvalContext, value func(hclsyntax.Expression) (cty.Value, hcl.Diagnostics)) (Decoded, hcl.Diagnostics) {
	attr := &hclsyntax.Attribute{Name: name, Expr: e, SrcRange: e.Range(), NameRange: e.Range()}
	return b.Decode(Target{What: "The task", Attrs: map[string]*hclsyntax.Attribute{name: attr}, Range: e.Range(), Value: value}, scope, nil)
}
