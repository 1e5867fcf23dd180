package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/cmd/internal/view"
	"github.com/ferry-ops/ferry/engine"
	"github.com/ferry-ops/ferry/engine/event"
)

func (a *app) statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status [RUN]", Short: "Show where a run is: its plays, batches, hosts and the gate it waits at",
		Args: between(0, 1), ValidArgsFunction: first(a.completeRuns),
		RunE: func(_ *cobra.Command, args []string) error {
			j, err := a.journal()
			if err != nil {
				return err
			}
			defer j.Close()
			s, err := a.status(j, optional(args))
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(a.out).Encode(struct {
					SchemaVersion int `json:"schema_version"`
					*engine.Status
				}{1, s})
			}
			a.printStatus(s)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) printStatus(s *engine.Status) {
	took := "took " + view.Duration(s.Duration)
	if s.State == engine.Running || s.State == engine.Waiting {
		took = view.Duration(s.Duration) + " so far"
	}
	fmt.Fprintf(a.out, "Run %s: %s %s, %s, begun %s, %s\n", s.ID, s.Mode, s.Playbook, s.State, s.Started.Local().Format(time.DateTime), took)
	if s.Resumes != "" {
		fmt.Fprintf(a.out, "It resumes run %s\n", s.Resumes)
	}
	for _, p := range s.Plays {
		by := map[event.Status][]string{}
		for h, st := range p.Hosts {
			by[st] = append(by[st], h)
		}
		var parts []string
		for _, st := range []event.Status{event.OK, engine.HostRunning, event.Failed, event.Unreachable, event.Interrupted, event.NotRun, ""} {
			if n := len(by[st]); n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", n, hostWord(st)))
			}
		}
		batch := ""
		if p.Batch > 0 {
			batch = fmt.Sprintf(", batch %d", p.Batch)
		}
		fmt.Fprintf(a.out, "\nPlay %q%s: %s\n", p.Name, batch, strings.Join(parts, ", "))
		for _, st := range []event.Status{engine.HostRunning, event.Failed, event.Unreachable, event.Interrupted} {
			if hosts := by[st]; len(hosts) > 0 {
				slices.Sort(hosts)
				fmt.Fprintf(a.out, "  %-12s %s\n", hostWord(st), view.HostList(hosts))
			}
		}
	}
	if s.Gate != nil {
		fmt.Fprintf(a.out, "\nAt the gate %q of play %q: %s\n", s.Gate.Gate, s.Gate.Play, s.Gate.Reason)
	}
	if s.Summary != nil {
		for _, h := range slices.Sorted(maps.Keys(s.Summary.Hosts)) {
			if p := s.Summary.Hosts[h].Pending; len(p) > 0 {
				fmt.Fprintf(a.out, "\n%s: notified and not run: %s. The next run of the playbook runs it\n", h, strings.Join(p, ", "))
			}
		}
	}
	switch {
	case s.State == engine.Resumed:
		fmt.Fprintf(a.out, "\nIt was resumed by run %s\n", s.ResumedBy)
	case s.State == engine.AtGate && len(s.Gate.Cure) > 0:
		fmt.Fprintf(a.out, "\nTo go on:\n    %s\n", strings.Join(s.Gate.Cure, "\n    "))
	case s.Resumable():
		fmt.Fprintf(a.out, "\nThe command that goes on is\n    ferry resume %s\n", s.ID)
	}
}

// hostWord is how the status of a host in a play reads.
func hostWord(st event.Status) string {
	switch st {
	case "":
		return "to come"
	case event.OK:
		return "done"
	case event.NotRun:
		return "left out"
	}
	return string(st)
}
