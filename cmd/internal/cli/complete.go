package cli

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/inventory"
)

// completion is what cobra asks for the words a shell offers.
type completion = func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective)

// first offers words for the first argument only.
func first(c completion) completion {
	return func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return c(cmd, args, toComplete)
	}
}

// completePlaybook offers .hcl files and directories that hold some.
func completePlaybook(_ *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	dir, _ := filepath.Split(toComplete)
	entries, err := os.ReadDir(filepath.Join(".", dir))
	if filepath.IsAbs(dir) {
		entries, err = os.ReadDir(dir)
	}
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var out []string
	for _, e := range entries {
		name := dir + e.Name()
		switch {
		case strings.HasPrefix(e.Name(), ".") || !strings.HasPrefix(name, toComplete):
		case e.IsDir():
			out = append(out, name+"/")
		case strings.HasSuffix(name, ".hcl"):
			out = append(out, name)
		}
	}
	directive := cobra.ShellCompDirectiveNoFileComp
	if len(out) == 1 && strings.HasSuffix(out[0], "/") {
		directive |= cobra.ShellCompDirectiveNoSpace
	}
	return out, directive
}

// completeHosts offers groups and hosts of the inventory, also behind the part
// of a pattern that is already written.
func (a *app) completeHosts(cmd *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	paths := a.inventoryPaths()
	if len(paths) == 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	inv, set := inventory.Load(cmd.Context(), paths, inventory.Options{SkipSecrets: true, Facts: a.lenientFacts()})
	if inv == nil || set.HasErrors() {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	at := strings.LastIndexAny(toComplete, ":,&!") + 1
	before, word := toComplete[:at], toComplete[at:]
	var out []string
	add := func(name, what string) {
		if strings.HasPrefix(name, word) {
			out = append(out, before+name+"\t"+what)
		}
	}
	for _, g := range inv.Groups {
		add(g.Name, "group")
	}
	for _, h := range inv.Hosts {
		add(h.Name, "host")
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeGroups offers the groups of the inventory.
func (a *app) completeGroups(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	all, directive := a.completeHosts(cmd, args, toComplete)
	var out []string
	for _, s := range all {
		if strings.HasSuffix(s, "\tgroup") {
			out = append(out, s)
		}
	}
	return out, directive
}

// completeModules offers the modules with what they do.
func (a *app) completeModules(_ *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	var out []string
	for _, i := range a.reg.All() {
		if strings.HasPrefix(i.Name, toComplete) {
			out = append(out, i.Name+"\t"+i.Summary)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeLimit is completeHosts, and files after @.
func (a *app) completeLimit(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	file, ok := strings.CutPrefix(toComplete, "@")
	if !ok {
		return a.completeHosts(cmd, args, toComplete)
	}
	names, _ := filepath.Glob(file + "*")
	for i, n := range names {
		if st, err := os.Stat(n); err == nil && st.IsDir() {
			n += "/"
		}
		names[i] = "@" + n
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeFacts offers the facts there are.
func completeFacts(_ *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	at := strings.LastIndexByte(toComplete, ',') + 1
	var out []string
	for _, d := range host.FactDefs() {
		if strings.HasPrefix(d.Name, toComplete[at:]) {
			out = append(out, toComplete[:at]+d.Name+"\t"+d.Doc)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// words offers a fixed list.
func words(list ...string) completion {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return list, cobra.ShellCompDirectiveNoFileComp
	}
}
