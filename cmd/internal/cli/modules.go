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
	var asJSON, showJSON bool
	list := &cobra.Command{
		Use: "list", Short: "List all modules", Args: between(0, 0),
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
		Use: "show [task|check] NAME", Short: "Show what a module does and its arguments", Args: between(1, 2), ValidArgsFunction: a.completeModules,
		RunE: func(_ *cobra.Command, args []string) error { return a.showModule(args, showJSON) },
	}
	show.Flags().BoolVar(&showJSON, "json", false, "print JSON")
	cmd.AddCommand(list, show)
	return group(cmd)
}

func (a *app) showModule(args []string, asJSON bool) error {
	kind, name := "", args[len(args)-1]
	if len(args) == 2 {
		kind = args[0]
	}
	var found []module.Info
	for _, i := range a.reg.All() {
		if i.Name == name && (kind == "" || kind == i.Kind()) {
			found = append(found, i)
		}
	}
	if len(found) > 0 {
		return a.printModules(found, asJSON)
	}
	all := append(a.reg.StepNames(), a.reg.CheckNames()...)
	return failf(exitFailed, "Unknown module", "there is no module %q.%s The command that lists the modules is\n    ferry modules list",
		strings.Join(args, " "), diag.DidYouMean(name, all))
}

func (a *app) printModules(found []module.Info, asJSON bool) error {
	if asJSON {
		out := struct {
			SchemaVersion int                `json:"schema_version"`
			Modules       []module.Reference `json:"modules"`
		}{SchemaVersion: 1}
		for _, i := range found {
			out.Modules = append(out.Modules, module.Describe(i))
		}
		return json.NewEncoder(a.out).Encode(out)
	}
	for n, i := range found {
		if n > 0 {
			fmt.Fprintln(a.out)
		}
		fmt.Fprint(a.out, module.Markdown(i))
	}
	return nil
}
