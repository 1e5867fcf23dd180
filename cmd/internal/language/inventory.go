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
		Top: []string{"group", "host", "constructed", "keyed"},
		Blocks: map[string]Block{
			"group": {Labels: []string{"NAME"}, Doc: "A set of hosts. Its arguments hold for its members, unless a closer group or the host says otherwise.", Blocks: []string{"group", "host"},
				Arguments: append(connection(false), arg("hosts", "list of strings", "Members that are declared elsewhere."), arg("children", "list of strings", "Groups that are declared elsewhere and whose members are members."))},
			"constructed": {Labels: []string{"NAME"}, Doc: "Puts hosts into a group by a condition over host.vars, recorded facts (ferry facts --all) and other groups (groups.NAME).", Arguments: append([]module.ArgumentReference{
				required(arg("when", "bool", "Hosts for which this holds are members, for example host.vars.role == \"db\" && !groups.lab.")),
			}, unknown()...)},
			"keyed": {Labels: []string{"PREFIX"}, Doc: "Puts hosts into one group for each value of an expression: PREFIX_VALUE.", Arguments: append([]module.ArgumentReference{
				required(arg("key", "string or list of strings", "The value, for example facts.os_id. Null and the empty string give no group.")),
				arg("separator", "string", "What stands between prefix and value; \"_\" if not given."),
			}, unknown()...)},
			"host": {Labels: []string{"NAME"}, Doc: "A host, or a range of hosts such as web[01:20].", Arguments: connection(true)},
		},
	}
}

func unknown() []module.ArgumentReference {
	return []module.ArgumentReference{
		arg("unknown", "string", "What to do with a host that lacks a variable or a recorded fact that is mentioned: an error (\"error\", the default), or it is no member (\"skip\").", "error", "skip"),
		arg("max_age", "duration", "How old recorded facts may be, for example \"1h\"; 24h if not given."),
	}
}
