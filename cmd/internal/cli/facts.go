package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/engine"
	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/host"
)

func (a *app) factsCommand() *cobra.Command {
	var parallel int
	var names []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:               "facts PATTERN",
		Short:             "Show what ferry observes about hosts",
		Long:              factsHelp(),
		Args:              between(1, 1),
		ValidArgsFunction: first(a.completeHosts),
		RunE: func(cmd *cobra.Command, args []string) error {
			var known []string
			for _, d := range host.FactDefs() {
				known = append(known, d.Name)
			}
			for _, n := range names {
				if !contains(known, n) {
					return failf(exitFailed, "Unknown fact", "there is no fact %q.%s ferry facts --help lists them", n, diag.DidYouMean(n, known))
				}
			}
			if len(names) == 0 {
				names = known
			}
			return a.adhoc(cmd.Context(), args[0], parallel, nil, asJSON, func(ctx context.Context, h host.Host) engine.HostResult {
				f, err := h.Facts(ctx, names...)
				return engine.HostResult{Facts: f, Err: err}
			})
		},
	}
	cmd.Flags().IntVarP(&parallel, "parallel", "p", 50, "work on at most `n` hosts at once")
	cmd.Flags().StringSliceVar(&names, "only", nil, "show only these `facts`")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object per host")
	_ = cmd.RegisterFlagCompletionFunc("only", completeFacts)
	return cmd
}

func factsHelp() string {
	var b strings.Builder
	b.WriteString("Gathers facts in one round trip per host. In a playbook a fact is written facts.NAME, and only those mentioned are gathered.\n\n")
	for _, d := range host.FactDefs() {
		fmt.Fprintf(&b, "  %-16s %s\n", d.Name, d.Doc)
	}
	return strings.TrimRight(b.String(), "\n")
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}
