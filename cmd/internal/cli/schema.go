package cli

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/cmd/internal/language"
)

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print a description of the language and the modules as JSON, for programs",
		Long: `Prints one JSON document that describes what playbooks and inventories can say: blocks with their arguments, modules
with their arguments and results, facts, functions and references, each with its documentation. "schema_version" is raised
when a reader would have to change; new properties do not raise it.

It is no JSON Schema: that describes JSON, and editors cannot use it for HCL. Editors get completion and diagnostics from
    ferry lsp`,
		Args: between(0, 0),
		RunE: func(*cobra.Command, []string) error {
			e := json.NewEncoder(a.out)
			e.SetEscapeHTML(false)
			e.SetIndent("", "  ")
			return e.Encode(language.New(a.reg, Version()))
		},
	}
}
