package engine

import (
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/inventory"
)

// globals are the values that are the same for every host, with the groups of
// the inventory if the playbook mentions them.
func globals(c Config) playbook.Globals {
	if !c.Playbook.UsesGroups() || c.Inventory == nil {
		return c.Globals
	}
	hosts := map[string]playbook.HostInfo{}
	groups := map[string][]playbook.HostInfo{}
	for _, g := range c.Inventory.Groups {
		members := g.Hosts()
		list := make([]playbook.HostInfo, len(members))
		for i, h := range members {
			info, ok := hosts[h.Name]
			if !ok {
				info = runHost(h).HostInfo
				hosts[h.Name] = info
			}
			list[i] = info
		}
		groups[g.Name] = list
	}
	return c.Globals.WithGroups(groups)
}

func groupNames(inv *inventory.Inventory) []string {
	var out []string
	for _, g := range inv.Groups {
		out = append(out, g.Name)
	}
	return out
}
