package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/cmd/internal/view"
	"github.com/ferry-ops/ferry/engine/playbook"
)

func (a *app) validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "validate PLAYBOOK",
		Short:             "Check a playbook (and the inventory, if one is named) without touching a host",
		Args:              between(1, 1),
		ValidArgsFunction: first(completePlaybook),
		RunE: func(cmd *cobra.Command, args []string) error {
			pb, set := playbook.Load(args[0], a.reg, Version(), playbook.WithSecrets(a.keyring()))
			if err := a.failed(set); err != nil {
				return err
			}
			tasks := 0
			for _, p := range pb.Plays {
				playbook.Walk(p.Items, func(*playbook.Task) { tasks++ })
				tasks += len(p.Handlers)
			}
			if len(a.inventories) > 0 {
				if _, err := a.inventory(cmd.Context()); err != nil {
					return err
				}
			}
			fmt.Fprintf(a.out, "%s is valid: %s, %s.\n", pb.Name, view.Count(len(pb.Plays), "play"), view.Count(tasks, "task"))
			return nil
		},
	}
}
