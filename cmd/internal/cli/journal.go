package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/engine"
	"github.com/ferry-ops/ferry/engine/journal"
)

// journal opens the journal to read it; unlike a run, it makes none.
func (a *app) journal() (*journal.Journal, error) {
	if _, err := os.Stat(filepath.Join(a.stateDir, "journal.db")); errors.Is(err, os.ErrNotExist) {
		return nil, failf(exitFailed, "No journal", "there is no journal of runs in %s: nothing was run from here. Go to the directory from which ferry was run, or name that journal's directory with --state-dir", a.stateDir)
	}
	return journal.Open(a.stateDir)
}

// status finds a run by its id, the beginning of it, or "" for the latest, and
// reads how it stands.
func (a *app) status(j *journal.Journal, id string) (*engine.Status, error) {
	r, err := engine.FindRun(j, id)
	if err != nil {
		return nil, failf(exitFailed, "Unknown run", "%w", err)
	}
	return engine.StatusOf(j, r)
}

// completeRuns offers the runs of the journal.
func (a *app) completeRuns(_ *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	j, err := a.journal()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer j.Close()
	runs, err := j.Runs()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, r := range runs {
		if strings.HasPrefix(r.ID, toComplete) {
			out = append(out, r.ID+"\t"+r.Mode+" "+r.Playbook)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// optional is the only argument, or "".
func optional(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}
