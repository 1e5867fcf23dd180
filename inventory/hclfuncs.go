package inventory

import (
	"maps"

	"github.com/hashicorp/hcl/v2"
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
