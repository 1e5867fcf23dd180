package diag

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// minHidden is the shortest sensitive text that is looked for in a message;
// shorter ones would take half of its words with them.
const minHidden = 4

// withoutSecrets returns d without the sensitive values that the message of a
// failed expression may quote, and d itself if there are none. A function's
// message may hold a value in any form, so all of it goes.
func withoutSecrets(d *hcl.Diagnostic) *hcl.Diagnostic {
	call, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d)
	if ok && call.FunctionCallError() != nil {
		if err := call.FunctionCallError(); errors.Is(err, ErrSecret) {
			out := *d
			out.Summary, out.Detail = "Secret not readable", err.Error()
			return &out
		}
		if touchesSensitive(d.Expression, d.EvalContext) {
			out := *d
			out.Summary = "Function failed"
			out.Detail = fmt.Sprintf("The function %q cannot give a result for this value. The value is sensitive, so why is not shown.", call.CalledFunctionName())
			return &out
		}
		return d
	}
	if d.Expression == nil || d.EvalContext == nil {
		return d
	}
	detail := d.Detail
	for _, t := range d.Expression.Variables() {
		v, diags := t.TraverseAbs(d.EvalContext)
		if diags.HasErrors() || !v.ContainsMarked() {
			continue
		}
		for _, s := range textsIn(v) {
			detail = strings.ReplaceAll(detail, s, "(sensitive)")
		}
	}
	if detail == d.Detail {
		return d
	}
	out := *d
	out.Detail = detail
	return &out
}

// touchesSensitive reports whether a sensitive value is in what e, or one of its
// arguments if it is a call, evaluates to.
func touchesSensitive(e hcl.Expression, ctx *hcl.EvalContext) bool {
	if e == nil || ctx == nil {
		return false
	}
	for _, t := range e.Variables() {
		if v, diags := t.TraverseAbs(ctx); !diags.HasErrors() && v.ContainsMarked() {
			return true
		}
	}
	parts := []hcl.Expression{e}
	if call, ok := e.(*hclsyntax.FunctionCallExpr); ok {
		parts = parts[:0] // the call itself fails
		for _, a := range call.Args {
			parts = append(parts, a)
		}
	}
	for _, p := range parts {
		if v, _ := p.Value(ctx); v.ContainsMarked() {
			return true
		}
	}
	return false
}

// textsIn are the strings in a value that are long enough to be looked for.
func textsIn(v cty.Value) []string {
	v, _ = v.UnmarkDeep()
	var out []string
	_ = cty.Walk(v, func(_ cty.Path, e cty.Value) (bool, error) {
		if e.Type() == cty.String && e.IsKnown() && !e.IsNull() && len(e.AsString()) >= minHidden {
			out = append(out, e.AsString())
		}
		return true, nil
	})
	return out
}
