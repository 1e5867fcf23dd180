package cli

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/engine/playbook"
)

// completeVar offers the variables of the playbook that is named already.
func (a *app) completeVar(_ *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	directive := cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	if strings.Contains(toComplete, "=") {
		return nil, directive
	}
	var out []string
	for _, pb := range a.playbooksOf(args) {
		for _, v := range pb.Variables {
			if strings.HasPrefix(v.Name, toComplete) {
				out = append(out, v.Name+"=\t"+oneLine(v.Description))
			}
		}
	}
	return out, directive
}

// completeTags offers the tags of the playbook that is named already; what is
// before the last comma stays.
func (a *app) completeTags(_ *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	at := strings.LastIndexByte(toComplete, ',') + 1
	before, word := toComplete[:at], toComplete[at:]
	seen := map[string]bool{"always": true, "never": true}
	for _, pb := range a.playbooksOf(args) {
		for _, t := range pb.Tags() {
			seen[t] = true
		}
	}
	var out []string
	for _, t := range slices.Sorted(maps.Keys(seen)) {
		if strings.HasPrefix(t, word) {
			out = append(out, before+t)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeTasks offers the addresses of the tasks of the playbook that is named
// already.
func (a *app) completeTasks(_ *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	var out []string
	for _, pb := range a.playbooksOf(args) {
		for _, p := range pb.Plays {
			playbook.Walk(p.Items, func(t *playbook.Task) {
				if strings.HasPrefix(t.Address(), toComplete) {
					out = append(out, t.Address()+"\t"+oneLine(t.Meta.Description))
				}
			})
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// playbooksOf loads the playbooks among the arguments, as far as they are right.
func (a *app) playbooksOf(args []string) []*playbook.Playbook {
	var out []*playbook.Playbook
	for _, p := range args {
		if pb, _ := playbook.Load(p, a.reg, ""); pb != nil {
			out = append(out, pb)
		}
	}
	return out
}

// oneLine is the first line of a description.
func oneLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return s
}
