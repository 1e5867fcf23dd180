package playbook

import (
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
)

// listFunc is a function of the elements of one list or set, all known and of
// one type (cty.NilType: whatever type they have in common).
func listFunc(elem cty.Type, result func(list cty.Type) cty.Type, impl func([]cty.Value) (cty.Value, error)) function.Function {
	as := func(v cty.Value) (cty.Value, error) {
		want := cty.List(cty.DynamicPseudoType)
		if elem != cty.NilType {
			want = cty.List(elem)
		}
		out, err := convert.Convert(v, want)
		if err != nil {
			return cty.DynamicVal, function.NewArgError(0, err)
		}
		return out, nil
	}
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}},
		Type: func(a []cty.Value) (cty.Type, error) {
			v, err := as(a[0])
			if err != nil || !v.Type().IsListType() {
				return cty.DynamicPseudoType, err
			}
			return result(v.Type()), nil
		},
		Impl: func(a []cty.Value, t cty.Type) (cty.Value, error) {
			v, err := as(a[0])
			if err != nil {
				return cty.UnknownVal(t), err
			}
			if !v.IsWhollyKnown() {
				return cty.UnknownVal(t), nil
			}
			elems := v.AsValueSlice()
			for i, e := range elems {
				if e.IsNull() && elem != cty.NilType {
					return cty.UnknownVal(t), function.NewArgErrorf(0, "element %d is null", i)
				}
			}
			return impl(elems)
		},
	})
}

func always(t cty.Type) func(cty.Type) cty.Type { return func(cty.Type) cty.Type { return t } }

// everyFunc is alltrue or anytrue: the answer for no elements is the one that
// stands until an element says otherwise.
func everyFunc(all bool) function.Function {
	return listFunc(cty.Bool, always(cty.Bool), func(elems []cty.Value) (cty.Value, error) {
		for _, e := range elems {
			if e.True() != all {
				return cty.BoolVal(!all), nil
			}
		}
		return cty.BoolVal(all), nil
	})
}

func sumFunc() function.Function {
	return listFunc(cty.Number, always(cty.Number), func(elems []cty.Value) (cty.Value, error) {
		total := cty.Zero
		for _, e := range elems {
			total = total.Add(e)
		}
		return total, nil
	})
}

func oneFunc() function.Function {
	return listFunc(cty.NilType, func(list cty.Type) cty.Type { return list.ElementType() }, func(elems []cty.Value) (cty.Value, error) {
		switch len(elems) {
		case 0:
			return cty.NullVal(cty.DynamicPseudoType), nil
		case 1:
			return elems[0], nil
		}
		return cty.DynamicVal, function.NewArgErrorf(0, "it has %d elements, and at most one is expected", len(elems))
	})
}

func indexFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}, {Name: "value", Type: cty.DynamicPseudoType}},
		Type:   function.StaticReturnType(cty.Number),
		Impl: func(a []cty.Value, t cty.Type) (cty.Value, error) {
			if !a[0].CanIterateElements() || !a[0].Type().IsTupleType() && !a[0].Type().IsListType() {
				return cty.UnknownVal(t), function.NewArgErrorf(0, "a list is needed")
			}
			for i, e := range a[0].AsValueSlice() {
				v, err := convert.Convert(a[1], e.Type())
				if err != nil {
					continue
				}
				switch eq := e.Equals(v); {
				case !eq.IsKnown():
					return cty.UnknownVal(t), nil
				case eq.True():
					return cty.NumberIntVal(int64(i)), nil
				}
			}
			return cty.UnknownVal(t), function.NewArgErrorf(1, "the value is not in the list")
		},
	})
}
