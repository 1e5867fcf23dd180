package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/cmd/internal/view"
	"github.com/ferry-ops/ferry/engine/diag"
)

// between accepts from low to high arguments (high -1: any number) and says in
// its error how the command is written.
func between(low, high int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		n := len(args)
		if n >= low && (n <= high || high < 0) {
			return nil
		}
		what := "needs more than the " + view.Count(n, "argument") + " it is given"
		switch {
		case n == 0:
			what = "needs to be told what to work on"
		case n > high && high == 0:
			what = "takes no arguments"
		case n > high && high > 0:
			what = "takes at most " + view.Count(high, "argument")
		}
		return failf(exitFailed, "Wrong arguments", "the command %s %s. It is written\n    %s", cmd.CommandPath(), what, strings.TrimSuffix(cmd.UseLine(), " [flags]"))
	}
}

// group makes cmd, which only holds subcommands, show its help when it is
// called alone, and say which of them may have been meant otherwise.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		var names []string
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				names = append(names, c.Name())
			}
		}
		return failf(exitFailed, "Unknown command", "%s has no command %q.%s The command that lists them is\n    %s --help",
			cmd.CommandPath(), args[0], diag.DidYouMean(args[0], names), cmd.CommandPath())
	}
	return cmd
}
