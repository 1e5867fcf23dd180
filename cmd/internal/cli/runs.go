package cli

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/cmd/internal/view"
	"github.com/ferry-ops/ferry/engine"
)

func (a *app) runsCommand() *cobra.Command {
	var asJSON bool
	var most int
	cmd := &cobra.Command{
		Use: "runs", Short: "List the recorded runs, the latest first", Args: between(0, 0),
		RunE: func(*cobra.Command, []string) error {
			j, err := a.journal()
			if err != nil {
				return err
			}
			defer j.Close()
			runs, err := j.Runs()
			if err != nil {
				return err
			}
			all := []*engine.Status{}
			for i, r := range runs {
				if i == most && most > 0 {
					break
				}
				s, err := engine.StatusOf(j, r)
				if err != nil {
					return err
				}
				all = append(all, s)
			}
			if asJSON {
				return json.NewEncoder(a.out).Encode(struct {
					SchemaVersion int              `json:"schema_version"`
					Runs          []*engine.Status `json:"runs"`
				}{1, all})
			}
			fmt.Fprintf(a.out, "%-22s  %-19s  %-5s  %-11s  %6s  %8s  %s\n", "run", "started", "mode", "state", "hosts", "took", "playbook")
			for _, s := range all {
				fmt.Fprintf(a.out, "%-22s  %-19s  %-5s  %-11s  %6d  %8s  %s\n", s.ID, s.Started.Local().Format(time.DateTime), s.Mode, s.State, hostsOf(s), view.Duration(s.Duration), s.Playbook)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().IntVarP(&most, "number", "n", 20, "list at most this many; 0 lists all")
	return cmd
}

func hostsOf(s *engine.Status) int {
	seen := map[string]bool{}
	for _, p := range s.Plays {
		for h := range p.Hosts {
			seen[h] = true
		}
	}
	return len(seen)
}
