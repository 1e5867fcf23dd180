package schema

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"
)

// Results declares what a use of a module tells later tasks
// (task.MODULE.NAME.attribute). The variables are read after the module has
// acted. The zero value is ready.
type Results struct {
	attrs []*Attr
}

// Attr is one declared result.
type Attr struct {
	Name string
	Doc  string
	Type cty.Type
	get  func() cty.Value
}

// Attrs returns the results in the order of declaration.
func (r *Results) Attrs() []*Attr { return r.attrs }

func (r *Results) add(name, doc string, t cty.Type, get func() cty.Value) {
	for _, a := range r.attrs {
		if a.Name == name {
			panic(fmt.Sprintf("schema: result %q is declared twice", name))
		}
	}
	r.attrs = append(r.attrs, &Attr{Name: name, Doc: doc, Type: t, get: get})
}

// String declares a result that is a string.
func (r *Results) String(p *string, name, doc string) {
	r.add(name, doc, cty.String, func() cty.Value { return cty.StringVal(*p) })
}

// Bool declares a result that is true or false.
func (r *Results) Bool(p *bool, name, doc string) {
	r.add(name, doc, cty.Bool, func() cty.Value { return cty.BoolVal(*p) })
}

// Int declares a result that is a whole number.
func (r *Results) Int(p *int, name, doc string) {
	r.add(name, doc, cty.Number, func() cty.Value { return cty.NumberIntVal(int64(*p)) })
}

// Strings declares a result that is a list of strings.
func (r *Results) Strings(p *[]string, name, doc string) {
	r.add(name, doc, cty.List(cty.String), func() cty.Value { return FromGo(*p) })
}

// StringMap declares a result that is a map of strings.
func (r *Results) StringMap(p *map[string]string, name, doc string) {
	r.add(name, doc, cty.Map(cty.String), func() cty.Value { return FromGo(*p) })
}

// Any declares a result of any type (see FromGo).
func (r *Results) Any(p *any, name, doc string) {
	r.add(name, doc, cty.DynamicPseudoType, func() cty.Value { return FromGo(*p) })
}

// Value returns the present values as an object.
func (r *Results) Value() cty.Value {
	out := map[string]cty.Value{}
	for _, a := range r.attrs {
		out[a.Name] = a.get()
	}
	return cty.ObjectVal(out)
}

// Unknown returns an object of unknown values: what is known of the results
// before the module has acted.
func (r *Results) Unknown() cty.Value {
	out := map[string]cty.Value{}
	for _, a := range r.attrs {
		out[a.Name] = cty.UnknownVal(a.Type)
	}
	return cty.ObjectVal(out)
}
