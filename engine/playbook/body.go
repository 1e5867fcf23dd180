package playbook

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/schema"
)

// reader reads the attributes and blocks of one body, collecting problems.
type reader struct {
	what string // how diagnostics name the block
	body *hclsyntax.Body
	rng  hcl.Range
	set  *diag.Set
	// ctx allows variables and local values. Nil allows nothing but constants.
	ctx *hcl.EvalContext
	// allKnown makes it an error if ctx leaves a value unknown.
	allKnown bool
}

// only reports attributes and blocks that do not belong in the body.
func (r reader) only(attrs, blocks []string) {
	for _, a := range sortedAttrs(r.body) {
		if !contains(attrs, a.Name) {
			r.set.Append(diag.Errorf("Unknown argument", &a.NameRange, "%s has no argument %q.%s", r.what, a.Name, diag.DidYouMean(a.Name, attrs)))
		}
	}
	for _, b := range r.body.Blocks {
		if !contains(blocks, b.Type) {
			rng := b.DefRange()
			r.set.Append(diag.Errorf("Unknown block", &rng, "%s takes no block %q.%s", r.what, b.Type, diag.DidYouMean(b.Type, blocks)))
		}
	}
}

// labels checks the number of labels of a block and that they are names.
func labels(b *hclsyntax.Block, set *diag.Set, names ...string) bool {
	rng := b.DefRange()
	if len(b.Labels) != len(names) {
		want := b.Type
		for _, n := range names {
			want += " \"" + n + "\""
		}
		set.Append(diag.Errorf("Wrong number of labels", &rng, "A block %q is written %s { … }; this one has %s.", b.Type, want, count(len(b.Labels), "label")))
		return false
	}
	for i, l := range b.Labels {
		if !hclsyntax.ValidIdentifier(l) {
			set.Append(diag.Errorf("Invalid name", &b.LabelRanges[i], "%q cannot be used as a name: names are made of letters, digits, _ and -, and start with a letter.", l))
			return false
		}
	}
	return true
}

func (r reader) expr(name string) hclsyntax.Expression {
	if a, ok := r.body.Attributes[name]; ok {
		return a.Expr
	}
	return nil
}

// constant evaluates an attribute that may mention nothing.
func (r reader) constant(name string, t cty.Type) (cty.Value, bool) {
	e := r.expr(name)
	if e == nil {
		return cty.NilVal, false
	}
	rng := e.Range()
	if len(e.Variables()) > 0 && r.ctx == nil {
		if hint := yesNo(e.Variables()[0].RootName()); hint != "" {
			r.set.Append(diag.Errorf("Unknown reference", &rng, "There is nothing called %q here.%s", e.Variables()[0].RootName(), hint))
			return cty.NilVal, false
		}
		r.set.Append(diag.Errorf("Constant expected", &rng, "The argument %q of %s is needed before any host is known, so its value must be written out and cannot mention variables or facts.", name, lowerFirst(r.what)))
		return cty.NilVal, false
	}
	v, diags := e.Value(r.ctx)
	if diags.HasErrors() {
		r.set.Extend(diags)
		return cty.NilVal, false
	}
	v, marks := v.UnmarkDeep()
	if _, sensitive := marks[schema.SensitiveMark]; sensitive {
		r.set.Append(diag.Errorf("Sensitive value not allowed here", &rng, "The argument %q of %s is shown in plans and logs, and the value is sensitive. Use a value that is not.", name, lowerFirst(r.what)))
		return cty.NilVal, false
	}
	if r.ctx != nil && !v.IsWhollyKnown() {
		if r.allKnown {
			r.set.Append(diag.Errorf("Value not known", &rng, "The argument %q of %s is needed before any host is chosen, and its value depends on the host. Use variables that are set with a default, a file or --var.", name, lowerFirst(r.what)))
		}
		return cty.NilVal, false
	}
	if t == cty.List(cty.String) && v.Type() == cty.String {
		v = cty.ListVal([]cty.Value{v})
	}
	v, err := convert.Convert(v, t)
	if err != nil || v.IsNull() || !v.IsWhollyKnown() {
		r.set.Append(diag.Errorf("Wrong type of value", &rng, "The argument %q of %s must be %s.", name, lowerFirst(r.what), friendly(t)))
		return cty.NilVal, false
	}
	return v, true
}

func (r reader) str(name string) string {
	if v, ok := r.constant(name, cty.String); ok {
		return v.AsString()
	}
	return ""
}

// oneOf reads a string that must be one of some words; the first is the default.
func (r reader) oneOf(name string, known []string) string {
	s := r.str(name)
	switch {
	case s == "":
		return known[0]
	case !contains(known, s):
		rng := r.expr(name).Range()
		r.set.Append(diag.Errorf("Invalid value", &rng, "The argument %q must be one of %s, not %q.%s", name, strings.Join(known, ", "), s, diag.DidYouMean(s, known)))
		return known[0]
	}
	return s
}

func (r reader) boolean(name string) bool {
	v, ok := r.constant(name, cty.Bool)
	return ok && v.True()
}

func (r reader) optBool(name string) *bool {
	if v, ok := r.constant(name, cty.Bool); ok {
		b := v.True()
		return &b
	}
	return nil
}

func (r reader) strs(name string) []string {
	v, ok := r.constant(name, cty.List(cty.String))
	if !ok {
		return nil
	}
	var out []string
	for _, e := range v.AsValueSlice() {
		if !e.IsNull() {
			out = append(out, e.AsString())
		}
	}
	return out
}

func (r reader) integer(name string, low, high int) int {
	v, ok := r.constant(name, cty.Number)
	if !ok {
		return 0
	}
	n, exact := v.AsBigFloat().Int64()
	if exact != 0 || n < int64(low) || n > int64(high) {
		rng := r.expr(name).Range()
		r.set.Append(diag.Errorf("Invalid value", &rng, "The argument %q must be a whole number between %d and %d.", name, low, high))
		return 0
	}
	return int(n)
}

func (r reader) duration(name string) time.Duration {
	s := r.str(name)
	if s == "" {
		return 0
	}
	d, err := schema.ParseDuration(s)
	if err != nil {
		rng := r.expr(name).Range()
		r.set.Append(diag.Errorf("Invalid value", &rng, "The argument %q: %s.", name, err))
	}
	return d
}

func (r reader) size(name, s string) (Size, bool) {
	n, err := ParseSize(s)
	if err != nil {
		rng := r.expr(name).Range()
		r.set.Append(diag.Errorf("Invalid value", &rng, "The argument %q: %s.", name, err))
		return Size{}, false
	}
	return n, true
}

func friendly(t cty.Type) string {
	switch t {
	case cty.String:
		return "a string"
	case cty.Bool:
		return "true or false"
	case cty.Number:
		return "a number"
	case cty.List(cty.Number):
		return "a list of numbers"
	}
	return "a list of strings"
}

func sortedAttrs(b *hclsyntax.Body) []*hclsyntax.Attribute {
	out := make([]*hclsyntax.Attribute, 0, len(b.Attributes))
	for _, a := range b.Attributes {
		out = append(out, a)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].SrcRange.Start.Byte < out[j].SrcRange.Start.Byte })
	return out
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
