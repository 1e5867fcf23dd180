package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/cmd/internal/view"
	"github.com/ferry-ops/ferry/engine/event"
)

func (a *app) showCommand() *cobra.Command {
	var asJSON, diff, quiet bool
	var hosts []string
	cmd := &cobra.Command{
		Use: "show [RUN]", Short: "Show again what a recorded run did",
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
			var v view.View = view.NewHuman(a.out, view.Options{Color: a.color(a.out), Width: width(a.out), Fold: isTerminal(a.out), Diff: diff, Quiet: quiet,
				Errors: func(e event.Event, hosts []string) string { return a.failureText(e, hosts, nil) }})
			if asJSON {
				v = view.NewJSON(a.out)
			}
			if err := j.Events(s.ID, func(e event.Event) error {
				if e, ok := only(e, hosts); ok {
					return v.Emit(e)
				}
				return nil
			}); err != nil {
				return err
			}
			return v.Close()
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&asJSON, "json", false, "print one JSON object per event")
	fs.BoolVar(&diff, "diff", false, "show the differences of files")
	fs.BoolVarP(&quiet, "quiet", "q", false, "leave out tasks that found nothing to do")
	fs.StringSliceVar(&hosts, "host", nil, "show only these `hosts`")
	return cmd
}

// only narrows an event to some hosts and reports whether it is about any.
func only(e event.Event, hosts []string) (event.Event, bool) {
	if len(hosts) == 0 {
		return e, true
	}
	if e.Host != "" && !slices.Contains(hosts, e.Host) {
		return e, false
	}
	keep := func(h string) bool { return !slices.Contains(hosts, h) }
	e.Hosts = slices.DeleteFunc(slices.Clone(e.Hosts), keep)
	if e.Summary != nil {
		s := event.Summary{Hosts: map[string]event.HostSummary{}, Stopped: e.Summary.Stopped}
		for _, h := range hosts {
			if x, ok := e.Summary.Hosts[h]; ok {
				s.Hosts[h] = x
			}
		}
		e.Summary = &s
	}
	return e, true
}
