package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/cmd/internal/view"
	"github.com/ferry-ops/ferry/engine"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/source"
)

func (a *app) getCommand() *cobra.Command {
	var update bool
	cmd := &cobra.Command{
		Use:   "get PLAYBOOK [NAME ...]",
		Short: "Fetch the git repositories and archives a playbook uses, and pin them",
		Long: `Fetches what the playbook's uses and stacks name as source, puts it into .ferry/sources beside the playbook, and pins
commits, versions and hashes in ferry.lock.hcl there, which belongs into version control. What is pinned stays as it is until
--update chooses anew: of all sources, or of those of the uses and stacks named.

No other command fetches anything.

    ferry get site                  fetch what is missing, pin what is new
    ferry get site --update         choose anew what versions and branches give now
    ferry get site --update nginx   the same for one of them`,
		Args: between(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 && !update {
				return failf(exitFailed, "Wrong arguments", "names of uses and stacks say what --update chooses anew, and --update is not given")
			}
			got, set := engine.Get(cmd.Context(), args[0], a.reg, Version(), engine.GetOptions{
				Update: update, Names: args[1:],
				Tell: func(e source.Entry, s source.State) { fmt.Fprintln(a.out, sourceLine(e, s)) },
			})
			if err := a.failed(set); err != nil {
				return err
			}
			text := "as it was"
			if got.LockChanged {
				text = "written"
			}
			if got.Sources == 0 && !got.LockChanged {
				fmt.Fprintln(a.out, "Nothing is to be fetched: the playbook uses directories only.")
				return nil
			}
			fmt.Fprintf(a.out, "%s; %s %s.\n", view.Count(got.Sources, "source"), got.LockFile, text)
			return nil
		},
	}
	cmd.Flags().BoolVar(&update, "update", false, "choose anew what is pinned")
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return completePlaybook(cmd, args, toComplete)
		}
		return completeUses(args[0], a), cobra.ShellCompDirectiveNoFileComp
	}
	return cmd
}

// sourceLine says what became of one source.
func sourceLine(e source.Entry, s source.State) string {
	line := fmt.Sprintf("%-8s %s", s, e.Source)
	if e.Version != "" {
		line += " " + e.Version
	}
	if e.Commit != "" {
		line += " (" + e.Commit[:12] + ")"
	}
	return line
}

// completeUses offers the names of a playbook's uses and stacks.
func completeUses(path string, a *app) []string {
	pb, _ := playbook.Load(path, a.reg, Version())
	if pb == nil {
		return nil
	}
	var out []string
	for _, s := range pb.Stacks {
		out = append(out, s.Name+"\tstack")
	}
	for _, p := range pb.Plays {
		for _, name := range playbook.UseNames(p.Items) {
			out = append(out, name+"\tuse")
		}
	}
	return out
}
