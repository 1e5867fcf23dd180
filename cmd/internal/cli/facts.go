package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/engine"
	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/inventory"
)

func (a *app) factsCommand() *cobra.Command {
	var parallel int
	var names []string
	var asJSON, all, save bool
	cmd := &cobra.Command{
		Use:   "facts PATTERN",
		Short: "Show and record what ferry observes about hosts",
		Long:  factsHelp(),
		Example: `  ferry facts web --only os_id,kernel
  ferry facts --all`,
		Args:              between(0, 1),
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
			if all == (len(args) == 1) {
				return failf(exitFailed, "Wrong arguments", "the command ferry facts needs a pattern of hosts, or --all. It is written\n    ferry facts PATTERN\n    ferry facts --all")
			}
			pattern := "all"
			if !all {
				pattern = args[0]
			}
			return a.gather(cmd.Context(), pattern, names, parallel, asJSON, save)
		},
	}
	cmd.Flags().IntVarP(&parallel, "parallel", "p", 50, "work on at most `n` hosts at once")
	cmd.Flags().StringSliceVar(&names, "only", nil, "show only these `facts`")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object per host")
	a.passwordFlags(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "ask every host of the inventory")
	cmd.Flags().BoolVar(&save, "save", true, "record the facts in the state directory, for constructed groups of inventories")
	_ = cmd.RegisterFlagCompletionFunc("only", completeFacts)
	return cmd
}

// gather asks hosts for facts, shows and records them. The inventory may have
// constructed groups that wait for these very facts.
func (a *app) gather(ctx context.Context, pattern string, names []string, parallel int, asJSON, save bool) error {
	log, err := a.logger()
	if err != nil {
		return err
	}
	inv, err := a.loadInventory(ctx, inventory.Options{Secrets: a.keyring(), Facts: a.lenientFacts()})
	if err != nil {
		return err
	}
	hosts, _, err := a.selectFrom(inv, pattern)
	if err != nil {
		return err
	}
	f := func(ctx context.Context, h host.Host) engine.HostResult {
		f, err := h.Facts(ctx, names...)
		return engine.HostResult{Facts: f, Err: err}
	}
	var record func([]engine.HostResult) error
	if save {
		record = func(r []engine.HostResult) error { return engine.RecordFacts(a.stateDir, inv, r) }
	}
	return a.ask(ctx, log, inv, hosts, parallel, nil, asJSON, f, record)
}

func factsHelp() string {
	var b strings.Builder
	b.WriteString("Gathers facts in one round trip per host. In a playbook a fact is written facts.NAME, and only those mentioned are gathered.\n\n" +
		"What was observed is recorded in the state directory: constructed groups of an inventory go by it, since an inventory is read before\nany host is asked.\n\n")
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
