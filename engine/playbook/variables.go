package playbook

import (
	"fmt"
	"path/filepath"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/schema"
)

type typeDefaults = *typeexpr.Defaults

// assignment is NAME = value in a file of variable values or on the command line.
type assignment struct {
	name  string
	expr  hclsyntax.Expression
	rng   hcl.Range
	text  string // from the command line: the value as typed
	given string // how diagnostics name the place, where there is no range

	value  *cty.Value // from a file that is not HCL
	secret bool       // from an encrypted file: sensitive whatever the declaration says
	file   string     // not a value, but a whole encrypted file of them
}

func assignments(body *hclsyntax.Body, set *diag.Set) []assignment {
	reader{what: "A file of variable values", body: body, set: set}.only(attrNames(body), nil)
	var out []assignment
	for _, a := range sortedAttrs(body) {
		out = append(out, assignment{name: a.Name, expr: a.Expr, rng: a.NameRange})
	}
	return out
}

func (u *Unit) readVariable(b *hclsyntax.Block, set *diag.Set) {
	if !labels(b, set, "NAME") {
		return
	}
	v := &Variable{Name: b.Labels[0], Range: b.DefRange(), typ: cty.DynamicPseudoType}
	if old := u.Variable(v.Name); old != nil {
		set.Append(diag.Errorf("Duplicate variable", &v.Range, "The variable %q is declared twice, first at %s.", v.Name, place(old.Range)))
		return
	}
	r := reader{what: fmt.Sprintf("The variable %q", v.Name), body: b.Body, rng: v.Range, set: set}
	r.only([]string{"type", "default", "description", "sensitive"}, []string{"validation"})
	v.Description = r.str("description")
	v.Sensitive = r.boolean("sensitive")
	if e := r.expr("type"); e != nil {
		t, d, diags := typeexpr.TypeConstraintWithDefaults(e)
		set.Extend(diags)
		if !diags.HasErrors() {
			v.typ, v.defaults = t, d
		}
	}
	if e := r.expr("default"); e != nil {
		val, diags := e.Value(nil)
		set.Extend(diags)
		if !diags.HasErrors() {
			rng := e.Range()
			val, dg := v.convert(val, &rng, "its default")
			if dg != nil {
				set.Append(dg)
			} else {
				v.def = &val
			}
		}
	}
	for _, vb := range b.Body.Blocks {
		if vb.Type == "validation" {
			v.readValidation(vb, set)
		}
	}
	u.Variables = append(u.Variables, v)
}

func (v *Variable) readValidation(b *hclsyntax.Block, set *diag.Set) {
	rng := b.DefRange()
	r := reader{what: "The block \"validation\"", body: b.Body, rng: rng, set: set}
	r.only([]string{"condition", "error_message"}, nil)
	val := validation{condition: r.expr("condition"), message: r.expr("error_message")}
	if val.condition == nil || val.message == nil {
		set.Append(diag.Errorf("Missing argument", &rng, "A block \"validation\" needs the arguments \"condition\" (what must hold) and \"error_message\" (what to tell the user)."))
		return
	}
	for _, e := range []hclsyntax.Expression{val.condition, val.message} {
		for _, t := range e.Variables() {
			if t.RootName() != "var" || len(t) < 2 || attrName(t[1]) != v.Name {
				rng := t.SourceRange()
				set.Append(diag.Errorf("Invalid reference", &rng, "The validation of the variable %q can only mention var.%s.", v.Name, v.Name))
				return
			}
		}
	}
	v.validations = append(v.validations, val)
}

// Variable returns the declared variable of that name, or nil.
func (u *Unit) Variable(name string) *Variable {
	for _, v := range u.Variables {
		if v.Name == name {
			return v
		}
	}
	return nil
}

func (u *Unit) variableNames() []string {
	out := make([]string, len(u.Variables))
	for i, v := range u.Variables {
		out[i] = v.Name
	}
	return out
}

// convert brings a value to the variable's type; where names the value's place.
func (v *Variable) convert(val cty.Value, rng *hcl.Range, where string) (cty.Value, *hcl.Diagnostic) {
	if v.defaults != nil && !val.IsNull() {
		plain, marks := val.UnmarkDeepWithPaths()
		if val = v.defaults.Apply(plain); len(marks) > 0 { // paths may be others now
			val = val.Mark(schema.SensitiveMark)
		}
	}
	out, err := convert.Convert(val, v.typ)
	if err != nil {
		return cty.NilVal, diag.Errorf("Wrong type of value", rng, "The variable %q is declared as %s, and %s does not fit: %s.", v.Name, v.typ.FriendlyNameForConstraint(), where, err)
	}
	return out, nil
}

// validate evaluates the variable's validation blocks for a value.
func (u *Unit) validate(v *Variable, val cty.Value, from string) hcl.Diagnostics {
	var out hcl.Diagnostics
	val = v.mark(val)
	scope := &hcl.EvalContext{
		Functions: u.functions,
		Variables: map[string]cty.Value{"var": cty.ObjectVal(map[string]cty.Value{v.Name: val})},
	}
	for _, rule := range v.validations {
		rng := rule.condition.Range()
		ok, diags := rule.condition.Value(scope)
		if diags.HasErrors() {
			out = append(out, diags...)
			continue
		}
		ok, _ = ok.Unmark()
		if !ok.IsKnown() {
			continue
		}
		if ok, err := convert.Convert(ok, cty.Bool); err != nil || ok.IsNull() {
			out = append(out, diag.Errorf("Wrong type of value", &rng, "The condition of a validation must be true or false."))
			continue
		} else if ok.True() {
			continue
		}
		msg := "its validation failed"
		if m, diags := rule.message.Value(scope); !diags.HasErrors() {
			if m.ContainsMarked() {
				msg = "its validation failed, and the message would show the value, which is sensitive"
			} else if m.Type() == cty.String && m.IsKnown() && !m.IsNull() {
				msg = m.AsString()
			}
		}
		out = append(out, diag.Errorf("Invalid value for variable", &rng, "The value of the variable %q (%s) is refused: %s", v.Name, from, msg))
	}
	return out
}

// HasDefault reports whether the variable has a value without being given one.
func (v *Variable) HasDefault() bool { return v.def != nil }

// Has reports whether a variable is given the same value for every host.
func (g Globals) Has(name string) bool {
	_, ok := g.values[name]
	return ok
}

// Inputs are values of variables given when a run starts, strongest last.
type Inputs struct {
	Files []string // --var-file
	Vars  []string // --var, each NAME=VALUE
	// YAML reads a file of variables that is not in HCL; nil refuses such files.
	// What of them is sensitive is marked.
	YAML func(name string) ([]Given, diag.Set)
	// SkipSecrets decrypts nothing: encrypted files beside the playbook are left
	// out and other secrets are not known.
	SkipSecrets bool
}

// Given is a variable's value from a file that is not in HCL.
type Given struct {
	Name  string
	Value cty.Value
	Range hcl.Range
}

// Globals are the values of variables that are the same for every host.
type Globals struct {
	values map[string]cty.Value
	from   map[string]string
	groups cty.Value // see WithGroups
	// groupSecrets are the sensitive texts among them, each once.
	groupSecrets []string
	groupsKey    *groupsKey // tells these groups from others
}

// Globals evaluates the values given in *.auto.vars.hcl, files and on the
// command line. A variable without such a value gets its value per host, from
// the inventory or its default.
func (pb *Playbook) Globals(in Inputs) (Globals, diag.Set) {
	set := diag.Set{Sources: pb.Sources}
	g := Globals{values: map[string]cty.Value{}, from: map[string]string{}}
	functions := pb.functions
	if in.SkipSecrets {
		functions = pb.static
	}
	var all []assignment
	for _, a := range pb.autoVars {
		if a.file != "" && in.SkipSecrets {
			continue
		}
		if a.file != "" {
			all = append(all, encryptedFile{a.file}.assignments(pb, &set)...)
			continue
		}
		all = append(all, a)
	}
	for _, f := range in.Files {
		all = append(all, pb.fileAssignments(f, in, &set)...)
	}
	for _, s := range in.Vars {
		name, text, ok := strings.Cut(s, "=")
		if !ok {
			set.Append(diag.Errorf("Invalid --var", nil, "%q is not NAME=VALUE. Write for example --var 'release=22.03-LTS-SP4'.", s))
			continue
		}
		given := "--var " + s
		if v := pb.Variable(strings.TrimSpace(name)); v == nil || v.Sensitive {
			given = "--var " + strings.TrimSpace(name) // the value may be a secret
		}
		all = append(all, assignment{name: strings.TrimSpace(name), text: text, given: given})
	}
	for _, a := range all {
		pb.assign(a, &g, functions, &set)
	}
	for _, name := range sortedNames(g.values) {
		v := pb.Variable(name)
		set.Extend(pb.validate(v, g.values[name], g.from[name]))
		g.values[name] = v.mark(g.values[name])
	}
	set.Sort()
	return g, set
}

// fileAssignments reads one file of variable values.
func (pb *Playbook) fileAssignments(name string, in Inputs, set *diag.Set) []assignment {
	plain := strings.TrimSuffix(name, ageSuffix)
	switch ext := strings.ToLower(filepath.Ext(plain)); {
	case (ext == ".yml" || ext == ".yaml") && in.YAML != nil:
		given, more := in.YAML(name)
		set.Merge(more)
		out := make([]assignment, len(given))
		for i, g := range given {
			out[i] = assignment{name: g.Name, value: &g.Value, rng: g.Range}
		}
		return out
	case plain != name:
		return encryptedFile{name}.assignments(pb, set)
	}
	if body := readFile(name, set); body != nil {
		return assignments(body, set)
	}
	return nil
}

func (pb *Playbook) assign(a assignment, g *Globals, functions map[string]function.Function, set *diag.Set) {
	var rng *hcl.Range
	from := a.given
	if a.expr != nil || a.value != nil {
		rng, from = &a.rng, "set at "+place(a.rng)
	}
	v := pb.Variable(a.name)
	if v == nil && pb.partial {
		return
	}
	if v == nil {
		set.Append(diag.Errorf("Unknown variable", rng, "The playbook declares no variable %q, so it cannot be given a value%s.%s", a.name, inParens(a.given), diag.DidYouMean(a.name, pb.variableNames())))
		return
	}
	val := cty.StringVal(a.text)
	if a.value != nil {
		val = *a.value
	} else if a.expr != nil {
		var diags hcl.Diagnostics
		if val, diags = a.expr.Value(&hcl.EvalContext{Functions: functions}); diags.HasErrors() {
			for _, d := range diags {
				if a.secret {
					d = hushed(d, a.rng.Filename)
				}
				set.Append(d)
			}
			return
		}
		if a.secret {
			val = val.Mark(schema.SensitiveMark)
		}
	} else if v.typ != cty.String && !(v.typ == cty.DynamicPseudoType) {
		expr, diags := diag.ParseExpression([]byte(a.text), "--var "+a.name)
		if !diags.HasErrors() {
			val, diags = expr.Value(&hcl.EvalContext{Functions: functions})
		}
		if diags.HasErrors() {
			typed := a.text
			if v.Sensitive {
				typed = "what was given"
			}
			set.Append(diag.Errorf("Invalid --var", nil, "The variable %q is declared as %s, and %s is not an expression that gives one. Quote it for the shell, for example --var '%s=[\"a\", \"b\"]'.", a.name, v.typ.FriendlyNameForConstraint(), typed, a.name))
			return
		}
	}
	val, dg := v.convert(val, rng, "the value given"+inParens(a.given))
	if dg != nil {
		set.Append(dg)
		return
	}
	g.values[a.name], g.from[a.name] = val, from
}

func inParens(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

func sortedNames(m map[string]cty.Value) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func place(r hcl.Range) string { return fmt.Sprintf("%s:%d", r.Filename, r.Start.Line) }
