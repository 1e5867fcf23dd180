package module

import (
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/schema"
)

// Markdown is the reference page of a module, made from its Info, its arguments
// and its results.
func Markdown(i Info) string {
	var b strings.Builder
	block, results := declarations(i)
	fmt.Fprintf(&b, "## %s %q\n\n%s\n", i.Kind(), i.Name, i.Summary)
	if i.Doc != "" {
		fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(i.Doc))
	}
	if names := i.Effects.Names(); len(names) > 0 {
		fmt.Fprintf(&b, "\nEffects: %s.\n", strings.Join(names, ", "))
	}
	fmt.Fprintf(&b, "\n```hcl\n%s\n```\n", strings.TrimSpace(i.Example))
	if len(block.Args()) > 0 {
		b.WriteString("\n| argument | type | default | |\n|---|---|---|---|\n")
	}
	for _, a := range block.Args() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", a.Name, argType(a), argDefault(a), argDoc(a))
	}
	if len(results.Attrs()) > 0 {
		b.WriteString("\n| result | type | |\n|---|---|---|\n")
	}
	for _, a := range results.Attrs() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", a.Name, typeText(a.Type), a.Doc)
	}
	return b.String()
}

func argType(a *schema.Arg) string {
	if a.Kind != schema.KindValue {
		return string(a.Kind)
	}
	return typeText(a.Type)
}

func typeText(t cty.Type) string {
	switch t {
	case cty.DynamicPseudoType:
		return "any"
	case cty.List(cty.String):
		return "list of strings"
	case cty.Map(cty.String):
		return "map of strings"
	}
	return t.FriendlyName()
}

func argDefault(a *schema.Arg) string {
	switch {
	case a.Required:
		return "required"
	case a.Default != "":
		return "`" + a.Default + "`"
	}
	return ""
}

func argDoc(a *schema.Arg) string {
	doc := a.Doc
	if len(a.Choices) > 0 {
		doc += " One of `" + strings.Join(a.Choices, "`, `") + "`."
	}
	switch {
	case a.Sensitive:
		doc += " Never shown."
	case a.MaySensitive:
		doc += " May be sensitive."
	}
	return strings.ReplaceAll(doc, "|", "\\|")
}
