package cli

import (
	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/cmd/internal/language"
	"github.com/ferry-ops/ferry/cmd/internal/lsp"
)

func (a *app) lspCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lsp",
		Short: "Run the language server for editors on standard input and output",
		Long: `Speaks the Language Server Protocol on standard input and output: diagnostics while you type, completion of blocks, modules,
arguments, values and references with their documentation, hover, go to definition, and layout.
docs/editors.md says how editors are set up.`,
		Args: between(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return lsp.Serve(cmd.Context(), a.in, a.out, lsp.Options{Language: language.New(a.reg, Version()), Registry: a.reg})
		},
	}
	cmd.Flags().Bool("stdio", true, "use standard input and output; the only way there is, for editors that always say so")
	return cmd
}
