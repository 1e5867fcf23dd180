package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/cmd/internal/view"
	"github.com/ferry-ops/ferry/engine"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/inventory"
)

func (a *app) execCommand() *cobra.Command {
	var parallel int
	var become, asJSON bool
	cmd := &cobra.Command{
		Use:   "exec PATTERN -- COMMAND [ARG …]",
		Short: "Run one command on many hosts; equal answers are shown once",
		Long: `Runs a command on every host of the pattern and groups equal answers. One argument is run by the host's shell,
several are run as they are, without a shell.`,
		Example: `  ferry exec all -- uname -r
  ferry exec 'web:!web-1' -- 'df -h / | tail -1'`,
		Args:              between(2, -1),
		ValidArgsFunction: first(a.completeHosts),
		RunE: func(cmd *cobra.Command, args []string) error {
			argv := args[1:]
			if len(argv) == 1 {
				argv = []string{"/bin/sh", "-c", argv[0]}
			}
			var as *bool
			if cmd.Flags().Changed("become") {
				as = &become
			}
			return a.adhoc(cmd.Context(), args[0], parallel, as, asJSON, func(ctx context.Context, h host.Host) engine.HostResult {
				r, err := h.Exec(ctx, host.Command{Argv: argv})
				return engine.HostResult{Result: r, Err: err}
			})
		},
	}
	cmd.Flags().IntVarP(&parallel, "parallel", "p", 50, "work on at most `n` hosts at once")
	a.passwordFlags(cmd)
	cmd.Flags().BoolVarP(&become, "become", "b", false, "run as the become user (default: what the inventory says)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object per host")
	return cmd
}

// adhoc asks every host of a pattern and shows the answers.
func (a *app) adhoc(ctx context.Context, pattern string, parallel int, become *bool, asJSON bool, f func(context.Context, host.Host) engine.HostResult) error {
	log, err := a.logger()
	if err != nil {
		return err
	}
	hosts, inv, err := a.selectHosts(ctx, pattern)
	if err != nil {
		return err
	}
	return a.ask(ctx, log, inv, hosts, parallel, become, asJSON, f, nil)
}

// ask is adhoc for hosts that are selected; seen, if set, gets all answers.
func (a *app) ask(ctx context.Context, log *slog.Logger, inv *inventory.Inventory, hosts []*inventory.Host, parallel int, become *bool, asJSON bool,
	f func(context.Context, host.Host) engine.HostResult, seen func([]engine.HostResult) error) error {
	d, err := engine.NewDialer(inv, log)
	if err != nil {
		return err
	}
	defer d.Close()
	parallel, why := engine.AtOnce(max(1, min(parallel, len(hosts))))
	if why != "" {
		fmt.Fprintln(a.err, why)
	}
	v := view.NewAnswers(a.out, asJSON, a.color(a.out))
	results := engine.Each(ctx, a.stop, d, hosts, parallel, become, f, v.Add)
	v.Close()
	if seen != nil {
		if err := seen(results); err != nil {
			return err
		}
	}
	code := exitDone
	for _, r := range results {
		switch {
		case errors.Is(r.Err, engine.ErrNotRun) || ctx.Err() != nil:
			return &codeError{code: exitInterrupted}
		case r.Err != nil && code == exitDone:
			code = exitUnreachable
		case r.Err == nil && r.Result.Code != 0:
			code = exitHostsFailed
		}
	}
	if code != exitDone {
		return &codeError{code: code}
	}
	return nil
}

// selectHosts loads the inventory and returns the hosts of a pattern.
func (a *app) selectHosts(ctx context.Context, pattern string) ([]*inventory.Host, *inventory.Inventory, error) {
	inv, err := a.inventory(ctx)
	if err != nil {
		return nil, nil, err
	}
	return a.selectFrom(inv, pattern)
}

func (a *app) selectFrom(inv *inventory.Inventory, pattern string) ([]*inventory.Host, *inventory.Inventory, error) {
	hosts, diags := inv.Limit(inv.Hosts, []string{pattern})
	if err := a.failed(setOf(diags)); err != nil {
		return nil, nil, err
	}
	if len(hosts) == 0 {
		return nil, nil, failf(exitInvalid, "No host selected", "the pattern %q selects no host of this inventory. The command that shows the hosts is\n    ferry inventory list", pattern)
	}
	return hosts, inv, nil
}
