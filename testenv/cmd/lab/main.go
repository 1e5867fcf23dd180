// Command lab builds, boots and removes the lab: real hosts of the source
// distribution on this machine, to be migrated. Run it without arguments for
// its usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(dispatch(ctx, os.Args[1:]))
}

// errUsage is an error whose cure is to read the usage.
var errUsage = errors.New("wrong usage")

// exitError carries the exit code of a command run on a host.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func dispatch(ctx context.Context, args []string) int {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return 2
	}
	for _, c := range commands {
		if c.name != args[0] {
			continue
		}
		err := c.run(ctx, args[1:])
		var exit exitError
		switch {
		case err == nil || errors.Is(err, flag.ErrHelp):
			return 0
		case errors.As(err, &exit):
			return int(exit)
		default:
			fmt.Fprintf(os.Stderr, "lab %s: %v\n", c.name, err)
			if errors.Is(err, errUsage) {
				fmt.Fprint(os.Stderr, usage)
				return 2
			}
			return 1
		}
	}
	if args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		fmt.Print(usage)
		return 0
	}
	fmt.Fprintf(os.Stderr, "lab: there is no command %q\n%s", args[0], usage)
	return 2
}

const usage = `Usage: lab COMMAND [--name LAB] …

  up [--hosts N] [--traps LIST] [--no-web]   build what is missing, boot N hosts (3)
  down [--all]                               remove the lab (or all labs)
  status                                     hosts, addresses, what they run
  inventory [--ansible]                      print the path of the inventory
  ssh HOST [COMMAND …]                       log in as admin, or run a command
  reboot | poweroff | start HOST             as the words say
  pause | resume HOST                        freeze every process of a host
  cut | restore HOST                         take a host off the network
  traps                                      list the traps --traps can lay
  build                                      only build the distributions

LAB is a name of at most eight letters ("lab"); labs of different names do not
disturb each other. LIST is like third-party,exclude for all hosts, or
el-2=third-party+exclude,el-3=config.
`
