package playbook

import (
	"bytes"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/ferry-ops/ferry/engine/diag"
)

// maxParsed bounds the templates that are kept parsed.
const maxParsed = 256

// parsedFiles are templates by their path, parsed once for all hosts as long as
// the file holds the same text. It may be used concurrently.
type parsedFiles struct {
	files sync.Map // of parsedFile
	n     atomic.Int32
}

type parsedFile struct {
	src   []byte
	expr  hclsyntax.Expression
	diags hcl.Diagnostics
}

func (p *parsedFiles) parse(src []byte, path string) (hclsyntax.Expression, hcl.Diagnostics) {
	old, known := p.files.Load(path)
	if known {
		if f := old.(parsedFile); bytes.Equal(f.src, src) {
			return f.expr, f.diags
		}
	}
	f := parsedFile{src: src}
	f.expr, f.diags = diag.ParseTemplate(src, path)
	if known || p.n.Add(1) <= maxParsed {
		p.files.Store(path, f)
	}
	return f.expr, f.diags
}

// templateFileFunc renders a template file with the elements of an object as
// its only names, as Terraform's function of this name does.
func templateFileFunc(dir string, funcs map[string]function.Function) function.Function {
	var parsed parsedFiles
	return function.New(&function.Spec{
		Params: []function.Parameter{
			{Name: "path", Type: cty.String},
			{Name: "vars", Type: cty.DynamicPseudoType},
		},
		Type: function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			path := args[0].AsString()
			if !filepath.IsAbs(path) {
				path = filepath.Join(dir, path)
			}
			src, err := readText(path)
			if err != nil {
				return cty.UnknownVal(cty.String), function.NewArgErrorf(0, "%s cannot be read: %s", path, err)
			}
			expr, diags := parsed.parse(src, path)
			if diags.HasErrors() {
				return cty.UnknownVal(cty.String), function.NewArgError(0, diags)
			}
			t := args[1].Type()
			if !t.IsObjectType() && !t.IsMapType() {
				return cty.UnknownVal(cty.String), function.NewArgErrorf(1, "an object with the names the template uses is needed")
			}
			vars := args[1].AsValueMap()
			for _, tr := range expr.Variables() {
				if _, ok := vars[tr.RootName()]; !ok {
					return cty.UnknownVal(cty.String), function.NewArgErrorf(1, "the template %s mentions %q, which is not among the names given to it (line %d)", path, tr.RootName(), tr.SourceRange().Start.Line)
				}
			}
			v, diags := expr.Value(&hcl.EvalContext{Variables: vars, Functions: funcs})
			if diags.HasErrors() {
				return cty.UnknownVal(cty.String), diags
			}
			v, err = convert.Convert(v, cty.String)
			if err != nil {
				return cty.UnknownVal(cty.String), fmt.Errorf("the template %s does not give text: %w", path, err)
			}
			return v, nil
		},
	})
}
