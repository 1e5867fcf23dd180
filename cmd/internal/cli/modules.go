package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/module"
)

func (a *app) modulesCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "modules", Short: "List the modules, or show how one is used"}
	var asJSON bool
	list := &cobra.Command{
		Use: "list", Short: "List all modules", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				type row struct {
					Kind    string `json:"kind"`
					Name    string `json:"name"`
					Summary string `json:"summary"`
				}
				out := struct {
					SchemaVersion int   `json:"schema_version"`
					Modules       []row `json:"modules"`
				}{SchemaVersion: 1}
				for _, i := range a.reg.All() {
					out.Modules = append(out.Modules, row{i.Kind(), i.Name, i.Summary})
				}
				return json.NewEncoder(a.out).Encode(out)
			}
			for _, i := range a.reg.All() {
				fmt.Fprintf(a.out, "%-6s %-16s %s\n", i.Kind(), i.Name, i.Summary)
			}
			return nil
		},
	}
	list.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	show := &cobra.Command{
		Use: "show [task|check] NAME", Short: "Show what a module does and its arguments", Args: cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error { return a.showModule(args) },
	}
	cmd.AddCommand(list, show)
	return cmd
}

func (a *app) showModule(args []string) error {
	kind, name := "", args[len(args)-1]
	if len(args) == 2 {
		kind = args[0]
	}
	found := false
	for _, i := range a.reg.All() {
		if i.Name != name || kind != "" && kind != i.Kind() {
			continue
		}
		if found {
			fmt.Fprintln(a.out)
		}
		found = true
		fmt.Fprint(a.out, module.Markdown(i))
	}
	if found {
		return nil
	}
	all := append(a.reg.StepNames(), a.reg.CheckNames()...)
	return &codeError{exitFailed, fmt.Errorf("there is no module %q.%s The command that lists the modules is\n    ferry modules list",
		strings.Join(args, " "), diag.DidYouMean(name, all))}
}
