package language

import (
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/inventory"
)

// inventoryFile describes inventories in HCL.
func inventoryFile() File {
	connection := func(isHost bool) []module.ArgumentReference {
		var out []module.ArgumentReference
		for _, a := range inventory.Arguments() {
			if a.HostOnly && !isHost {
				continue
			}
			out = append(out, module.ArgumentReference{Name: a.Name, Type: a.Type, Doc: a.Doc, Choices: a.Values, Sensitive: a.Sensitive})
		}
		return append(out, arg("vars", "map", "Variables for playbooks: host.vars.NAME, and values of declared variables."))
	}
	return File{
		Top: []string{"group", "host"},
		Blocks: map[string]Block{
			"group": {Labels: []string{"NAME"}, Doc: "A set of hosts. Its arguments hold for its members, unless a closer group or the host says otherwise.", Blocks: []string{"group", "host"},
				Arguments: append(connection(false), arg("hosts", "list of strings", "Members that are declared elsewhere."), arg("children", "list of strings", "Groups that are declared elsewhere and whose members are members."))},
			"host": {Labels: []string{"NAME"}, Doc: "A host, or a range of hosts such as web[01:20].", Arguments: connection(true)},
		},
	}
}
