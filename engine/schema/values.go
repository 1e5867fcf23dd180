package schema

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"
)

// choiceError is a value that is not one of an argument's choices.
type choiceError struct {
	got     string
	choices []string
}

func (e *choiceError) Error() string {
	quoted := make([]string, len(e.choices))
	for i, c := range e.choices {
		quoted[i] = strconv.Quote(c)
	}
	return fmt.Sprintf("%q is not one of %s", e.got, strings.Join(quoted, ", "))
}

// ParseDuration reads a length of time in Go's notation, with days ("7d") and
// bare seconds refused in words a user understands.
func ParseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a length of time; write a number and a unit, for example \"90s\", \"15m\" or \"1h30m\"", s)
	}
	if d < 0 {
		return 0, fmt.Errorf("%q is negative; a length of time cannot be", s)
	}
	return d, nil
}

func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func parseMode(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 8, 32)
	if err != nil || n > 0o7777 || len(s) < 3 {
		return 0, fmt.Errorf("%q is not a file mode; write the permission bits as an octal string, for example \"0644\"", s)
	}
	return uint32(n), nil
}

func wholeNumber(v cty.Value) (int, error) {
	n, acc := v.AsBigFloat().Int64()
	if acc != big.Exact || n > 1<<53 || n < -(1<<53) {
		return 0, fmt.Errorf("%s is not a whole number", v.AsBigFloat().Text('g', 10))
	}
	return int(n), nil
}

func eachString(v cty.Value, f func(string) error) error {
	if v.Type() == cty.String {
		return f(v.AsString())
	}
	if !v.CanIterateElements() {
		return nil
	}
	for _, e := range v.AsValueSlice() {
		if e.IsNull() || e.Type() != cty.String {
			continue
		}
		if err := f(e.AsString()); err != nil {
			return err
		}
	}
	return nil
}

// ToGo turns a known, unmarked value into plain Go values: string, bool, int64,
// float64, []any, map[string]any or nil.
func ToGo(v cty.Value) any {
	if v.IsNull() || !v.IsKnown() {
		return nil
	}
	t := v.Type()
	switch {
	case t == cty.String:
		return v.AsString()
	case t == cty.Bool:
		return v.True()
	case t == cty.Number:
		if n, acc := v.AsBigFloat().Int64(); acc == big.Exact {
			return n
		}
		f, _ := v.AsBigFloat().Float64()
		return f
	case t.IsListType() || t.IsSetType() || t.IsTupleType():
		out := []any{}
		for _, e := range v.AsValueSlice() {
			out = append(out, ToGo(e))
		}
		return out
	case t.IsMapType() || t.IsObjectType():
		out := map[string]any{}
		for k, e := range v.AsValueMap() {
			out[k] = ToGo(e)
		}
		return out
	}
	return nil
}

// FromGo is the inverse of ToGo; it also takes ints, []string,
// map[string]string and cty values.
func FromGo(x any) cty.Value {
	switch x := x.(type) {
	case nil:
		return cty.NullVal(cty.DynamicPseudoType)
	case cty.Value:
		return x
	case string:
		return cty.StringVal(x)
	case bool:
		return cty.BoolVal(x)
	case int:
		return cty.NumberIntVal(int64(x))
	case int64:
		return cty.NumberIntVal(x)
	case float64:
		return cty.NumberFloatVal(x)
	case []string:
		if len(x) == 0 {
			return cty.ListValEmpty(cty.String)
		}
		out := make([]cty.Value, len(x))
		for i, s := range x {
			out[i] = cty.StringVal(s)
		}
		return cty.ListVal(out)
	case map[string]string:
		if len(x) == 0 {
			return cty.MapValEmpty(cty.String)
		}
		out := make(map[string]cty.Value, len(x))
		for k, s := range x {
			out[k] = cty.StringVal(s)
		}
		return cty.MapVal(out)
	case []any:
		out := make([]cty.Value, len(x))
		for i, e := range x {
			out[i] = FromGo(e)
		}
		return cty.TupleVal(out)
	case map[string]any:
		out := make(map[string]cty.Value, len(x))
		for k, e := range x {
			out[k] = FromGo(e)
		}
		return cty.ObjectVal(out)
	}
	panic(fmt.Sprintf("schema: no value for Go type %T", x))
}
