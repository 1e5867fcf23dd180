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

// checkNesting refuses what would exhaust the parser's stack: it is recursive
// and has no limit of its own.
func checkNesting(src source) *hcl.Diagnostic {
	depth, unary := 0, 0
	for i, c := range src.data {
		switch c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth = max(0, depth-1)
		case '!', '-', ' ', '\t':
			unary++
			if unary < 10_000 {
				continue
			}
		}
		if c != '!' && c != '-' && c != ' ' && c != '\t' {
			unary = 0
		}
		if depth > maxNesting || unary >= 10_000 {
			return diag.Errorf("Nested too deeply", lineAt(src.name, src.data, i), "Brackets are nested more than %d deep here, or operators repeated thousands of times. No inventory needs that. Is it the right file?", maxNesting)
		}
	}
	return nil
}
