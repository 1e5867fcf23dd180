// Command ferry runs playbooks over an inventory of hosts.
package main

import (
	"os"

	"github.com/ferry-ops/ferry/cmd/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
