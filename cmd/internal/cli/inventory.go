package cli

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/inventory"
)

func setOf(diags hcl.Diagnostics) diag.Set { return diag.Set{Diags: diags} }

func orders() []string {
	var out []string
	for _, o := range inventory.Orders() {
		out = append(out, string(o))
	}
	return out
}

func (a *app) inventoryCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "inventory", Short: "Show the hosts, groups and variables of the inventory"}
	var asJSON, withVars bool
	var order string
	var seed uint64
	list := &cobra.Command{
		Use: "list [PATTERN]", Short: "List hosts with their groups and how they are reached", Args: between(0, 1), ValidArgsFunction: first(a.completeHosts),
		RunE: func(cmd *cobra.Command, args []string) error {
			pattern := "all"
			if len(args) == 1 {
				pattern = args[0]
			}
			hosts, inv, err := a.selectHosts(cmd.Context(), pattern)
			if err != nil {
				return err
			}
			hosts, err = inventory.Sort(hosts, inventory.Order(order), seed)
			if err != nil {
				return failf(exitFailed, "Invalid flag", "--order: %w", err)
			}
			l := inv.List(hosts)
			if asJSON {
				b, err := l.JSON()
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(a.out, "%s\n", b)
				return err
			}
			if withVars {
				for _, h := range l.Hosts {
					fmt.Fprint(a.out, h.Text())
				}
				return nil
			}
			width := 4
			for _, h := range l.Hosts {
				width = max(width, len(h.Name))
			}
			for _, h := range l.Hosts {
				at := h.Connection.Address
				if h.Connection.User != "" {
					at = h.Connection.User + "@" + at
				}
				if h.Connection.Port != 0 {
					at += fmt.Sprintf(" port %d", h.Connection.Port)
				}
				fmt.Fprintf(a.out, "%-*s  %-32s  %s\n", width, h.Name, at, strings.Join(h.Groups, ", "))
			}
			return nil
		},
	}
	list.Flags().BoolVar(&asJSON, "json", false, "print JSON, with variables")
	list.Flags().StringVar(&order, "order", string(inventory.OrderInventory), "`order` of the hosts: "+strings.Join(orders(), ", "))
	list.Flags().Uint64Var(&seed, "seed", 0, "`number` from which --order shuffle starts; the same one gives the same order")
	_ = list.RegisterFlagCompletionFunc("order", words(orders()...))
	list.Flags().BoolVar(&withVars, "vars", false, "show each host with its connection and variables; what is sensitive is masked")
	graph := &cobra.Command{
		Use: "graph [GROUP]", Short: "Show groups and hosts as a tree", Args: between(0, 1), ValidArgsFunction: first(a.completeGroups),
		RunE: func(cmd *cobra.Command, args []string) error {
			inv, err := a.inventoryNames(cmd.Context())
			if err != nil {
				return err
			}
			name := "all"
			if len(args) == 1 {
				name = args[0]
			}
			g := inv.Group(name)
			if g == nil {
				var names []string
				for _, x := range inv.Groups {
					names = append(names, x.Name)
				}
				return failf(exitInvalid, "Unknown group", "the inventory has no group %q.%s", name, diag.DidYouMean(name, names))
			}
			fmt.Fprint(a.out, inv.Graph(g))
			return nil
		},
	}
	cmd.AddCommand(list, graph)
	return group(cmd)
}
