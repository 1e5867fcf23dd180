package playbook

import (
	"fmt"
	"regexp"
	"strings"

	ctyyaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// Bounds of YAML that is decoded: a host may have printed it. The decoder takes
// time quadratic in the nesting, and aliases of aliases grow without bound.
const (
	maxYAMLText    = 1 << 20
	maxYAMLNesting = 200
	maxYAMLAliases = 16
)

var (
	yamlAlias  = regexp.MustCompile(`(?m)(^|[\s,\[{:-])\*[\pL\pN_-]+`)
	yamlDashes = regexp.MustCompile(`([-?:][ \t]+){200}`)
)

// yamlDecodeFunc is Terraform's yamldecode with bounds.
func yamlDecodeFunc() function.Function {
	decode := ctyyaml.YAMLDecodeFunc
	check := func(v cty.Value) error {
		if !v.IsKnown() || v.IsNull() {
			return nil
		}
		if err := yamlBounds(v.AsString()); err != nil {
			return function.NewArgError(0, err)
		}
		return nil
	}
	return function.New(&function.Spec{
		Params: params("text"),
		Type: func(a []cty.Value) (cty.Type, error) {
			if err := check(a[0]); err != nil {
				return cty.DynamicPseudoType, err
			}
			return decode.ReturnTypeForValues(a)
		},
		Impl: func(a []cty.Value, _ cty.Type) (cty.Value, error) { return decode.Call(a) },
	})
}

func yamlBounds(text string) error {
	if len(text) > maxYAMLText {
		return fmt.Errorf("the text is longer than %d MiB", maxYAMLText>>20)
	}
	if len(yamlAlias.FindAllStringIndex(text, maxYAMLAliases+1)) > maxYAMLAliases {
		return fmt.Errorf("the text has more than %d aliases (*NAME), which could make it grow without bound", maxYAMLAliases)
	}
	depth, deep := 0, yamlDashes.MatchString(text)
	for _, r := range text {
		switch r {
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(depth-1, 0)
		}
		deep = deep || depth > maxYAMLNesting
	}
	for line := range strings.Lines(text) { // nesting by indentation needs as much of it
		indent := len(line) - len(strings.TrimLeft(line, " "))
		deep = deep || indent > 10*maxYAMLNesting
	}
	if deep {
		return fmt.Errorf("the text is nested deeper than %d levels", maxYAMLNesting)
	}
	return nil
}
