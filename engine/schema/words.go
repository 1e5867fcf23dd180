package schema

import (
	"errors"
	"fmt"

	"github.com/zclconf/go-cty/cty"
)

func typeName(a *Arg) string {
	switch {
	case a.Kind == KindDuration:
		return "a length of time such as \"90s\""
	case a.Kind == KindMode:
		return "a file mode such as \"0644\""
	case a.Type == cty.List(cty.String):
		return "a list of strings"
	case a.Type == cty.Map(cty.String):
		return "a map of strings"
	case a.Type == cty.Number:
		return "a number"
	case a.Type == cty.Bool:
		return "true or false"
	case a.Type == cty.String:
		return "a string"
	}
	return a.Type.FriendlyName()
}

// conversionProblem ends a sentence about what a value must be.
func conversionProblem(v cty.Value, err error) string {
	var pe cty.PathError
	switch {
	case errors.As(err, &pe) && len(pe.Path) > 0:
		return fmt.Sprintf(", and one of its elements does not fit: %s.", err)
	case v.IsKnown() && !v.IsNull() && v.CanIterateElements() && !v.Type().IsSetType() && wrongElement(v) != "":
		return "; " + wrongElement(v) + "."
	case v.Type() == cty.String: // a text that is no number, or neither true nor false
		return "; this is a string that cannot be read as one."
	}
	return fmt.Sprintf("; this is %s.", kindOf(v.Type()))
}

// wrongElement says which element of a list or object is no simple value, if
// that is what may be wrong with it.
func wrongElement(v cty.Value) string {
	n := 0
	for it := v.ElementIterator(); it.Next(); {
		k, e := it.Element()
		if n++; e.Type().IsPrimitiveType() {
			continue
		}
		if k.Type() == cty.String {
			return fmt.Sprintf("its element %q is %s", k.AsString(), kindOf(e.Type()))
		}
		return fmt.Sprintf("its element %d is %s", n, kindOf(e.Type()))
	}
	return ""
}

// kindOf names the type of a value with its article.
func kindOf(t cty.Type) string {
	switch {
	case t == cty.String:
		return "a string"
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "true or false"
	case t.IsObjectType(), t.IsMapType():
		return "an object"
	case t.IsTupleType(), t.IsListType(), t.IsSetType():
		return "a list"
	}
	return "a value of another type"
}
