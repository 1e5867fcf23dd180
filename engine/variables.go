package engine

import (
	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/inventory"
)

// YAMLVariables reads files of variables in YAML for playbook.Inputs, with the
// values as an inventory would read them.
func YAMLVariables(d inventory.Decrypter) func(string) ([]playbook.Given, diag.Set) {
	return func(name string) ([]playbook.Given, diag.Set) {
		vars, set := inventory.ReadVariables(name, inventory.Options{Secrets: d})
		out := make([]playbook.Given, len(vars))
		for i, v := range vars {
			out[i] = playbook.Given{Name: v.Name, Value: v.Value, Range: v.Range}
		}
		return out, set
	}
}
