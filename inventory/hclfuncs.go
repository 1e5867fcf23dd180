package inventory

import (
	"maps"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"github.com/ferry-ops/ferry/engine/diag"
)

// evalContext is what expressions of an inventory can use: a few functions
// that only compute or read secrets and files, and no variables. An inventory is
// data. Paths start at the directory dir.
func (b *builder) evalContext(dir string) *hcl.EvalContext {
	f := map[string]function.Function{
		"concat":    stdlib.ConcatFunc,
		"format":    stdlib.FormatFunc,
		"join":      stdlib.JoinFunc,
		"lower":     stdlib.LowerFunc,
		"merge":     stdlib.MergeFunc,
		"replace":   stdlib.ReplaceFunc,
		"split":     stdlib.SplitFunc,
		"trimspace": stdlib.TrimSpaceFunc,
		"upper":     stdlib.UpperFunc,
		"sensitive": sensitiveFunc(),
	}
	maps.Copy(f, b.secretFuncs(dir))
	return &hcl.EvalContext{Functions: f}
}

// sensitiveFunc makes a variable of the inventory one that is never shown.
func sensitiveFunc() function.Function {
	return function.New(&function.Spec{
		Description: "Returns its argument as a value that is not shown in any output.",
		Params:      []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowMarked: true, AllowDynamicType: true}},
		Type:        func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return args[0].Mark(diag.SensitiveMark), nil
		},
	})
}

// conditionFuncs are the functions that expressions of constructed groups have
// besides those of all expressions.
func conditionFuncs() map[string]function.Function {
	test := func(f func(s, part string) bool) function.Function {
		return function.New(&function.Spec{
			Params: []function.Parameter{{Name: "string", Type: cty.String}, {Name: "part", Type: cty.String}},
			Type:   function.StaticReturnType(cty.Bool),
			Impl: func(a []cty.Value, _ cty.Type) (cty.Value, error) {
				return cty.BoolVal(f(a[0].AsString(), a[1].AsString())), nil
			},
		})
	}
	return map[string]function.Function{
		"can":         tryfunc.CanFunc,
		"coalesce":    stdlib.CoalesceFunc,
		"contains":    stdlib.ContainsFunc,
		"element":     stdlib.ElementFunc,
		"endswith":    test(strings.HasSuffix),
		"keys":        stdlib.KeysFunc,
		"length":      stdlib.LengthFunc,
		"lookup":      stdlib.LookupFunc,
		"regex":       stdlib.RegexFunc,
		"startswith":  test(strings.HasPrefix),
		"strcontains": test(strings.Contains),
		"substr":      stdlib.SubstrFunc,
		"tonumber":    stdlib.MakeToFunc(cty.Number),
		"tostring":    stdlib.MakeToFunc(cty.String),
		"try":         tryfunc.TryFunc,
		"values":      stdlib.ValuesFunc,
	}
}
