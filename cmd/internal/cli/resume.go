package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/cmd/internal/view"
	"github.com/ferry-ops/ferry/engine"
	"github.com/ferry-ops/ferry/engine/run"
)

func (a *app) resumeCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "resume [RUN]",
		Short: "Go on with a run that stopped: at a gate, by an interrupt, by failures or by a crash",
		Long: `Goes on with a run (the latest one, if none is named) with the same playbook, inventory and variables.
Plays that a host had finished are left out, gates that were passed stay passed, and batches go on where they were.
All other hosts are looked at again: what a host shows decides, and only actions that had ended well, which leave nothing
to look at, are taken from the journal and not done twice. Hosts that had failed are tried again.`,
		Args: between(0, 1), ValidArgsFunction: first(a.completeRuns),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.resume(cmd.Context(), optional(args), &f)
		},
	}
	a.varFlags(cmd, &f.vars, &f.varFiles)
	a.passwordFlags(cmd)
	f.addGates(cmd)
	f.addView(cmd)
	cmd.Flags().IntVarP(&f.parallel, "parallel", "p", 0, "work on at most `n` hosts at once where the play does not say (default: as before)")
	return cmd
}

func (a *app) resume(ctx context.Context, id string, f *runFlags) error {
	req, s, err := a.resumable(id)
	if err != nil {
		return err
	}
	a.inventories = req.Inventories
	given := map[string]bool{}
	for _, v := range f.vars {
		name, _, _ := strings.Cut(v, "=")
		given[strings.TrimSpace(name)] = true
	}
	for _, name := range req.Withheld {
		if !given[name] {
			return failf(exitInvalid, "Variable without a value", "the variable %q was given on the command line, and the journal does not keep sensitive values. Give it again:\n    ferry resume %s --var '%s=…'", name, s.ID, name)
		}
	}
	f.vars, f.varFiles = append(req.Vars, f.vars...), append(req.VarFiles, f.varFiles...)
	f.limit, f.tags, f.skipTags, f.patience, f.startAt = req.Limit, req.Tags, req.SkipTags, req.Patience, req.StartAt
	if f.parallel == 0 {
		f.parallel = req.Parallel
	}
	c, plays, err := a.prepare(ctx, req.Playbook, f, run.Apply)
	if err != nil {
		return err
	}
	if req.Plan != "" {
		if req.Changed(c.Playbook) {
			return failf(exitInvalid, "Plan no longer holds", "the run %s applied the saved plan %s, and the playbook has been changed since, so going on would do what nobody has seen. What a new run would do is shown by\n    ferry plan %s", s.ID, req.Plan, req.Playbook)
		}
		fmt.Fprintf(a.err, "It applied the saved plan %s; what is left is done as the hosts show it now\n", req.Plan)
	}
	c.Request.Plan = req.Plan
	a.tellOfChanges(req, s, c, plays)
	c.Resumes = s.ID
	return a.perform(ctx, c, plays, f, false)
}

// resumable reads what a run was asked to do and makes sure that there is
// something left of it.
func (a *app) resumable(id string) (engine.Request, *engine.Status, error) {
	var req engine.Request
	j, err := a.journal()
	if err != nil {
		return req, nil, err
	}
	defer j.Close()
	s, err := a.status(j, id)
	if err != nil {
		return req, nil, err
	}
	switch s.State {
	case engine.Running, engine.Waiting:
		return req, s, failf(exitLocked, "Run under way", "the run %s is under way in another process. The command that shows it is\n    ferry status %s", s.ID, s.ID)
	case engine.Resumed:
		return req, s, failf(exitFailed, "Run already resumed", "the run %s was resumed by %s. What is left of it belongs to that run:\n    ferry resume %s", s.ID, s.ResumedBy, s.ResumedBy)
	}
	if !s.Resumable() {
		why := "it came to its end, and no host was left out"
		if s.Mode != "apply" {
			why = "it was a plan, which changes nothing"
		}
		return req, s, failf(exitFailed, "Nothing to resume", "the run %s needs no resuming: %s. To run the playbook again, the command is\n    ferry run PLAYBOOK", s.ID, why)
	}
	req, err = engine.RequestOf(j, s.ID)
	if err != nil {
		return req, s, err
	}
	fmt.Fprintf(a.err, "Resuming run %s of %s\n", s.ID, s.Started.Local().Format("2006-01-02 15:04:05"))
	return req, s, nil
}

// tellOfChanges says what is not as it was when the run that is resumed began.
// Mending a playbook or an inventory and going on is what resuming is for; that a
// host is left out, or a new one taken in, is not to happen unseen.
func (a *app) tellOfChanges(req engine.Request, s *engine.Status, c engine.Config, plays []run.PlayHosts) {
	if req.Changed(c.Playbook) {
		fmt.Fprintln(a.err, "The playbook has been changed since. Tasks run as they are written now; actions that were done are not done again.")
	}
	now := map[string]map[string]bool{}
	for _, ph := range plays {
		now[ph.Play.Name] = map[string]bool{}
		for _, h := range ph.Hosts {
			now[ph.Play.Name][h.Name] = true
		}
	}
	for _, p := range s.Plays {
		var gone, come []string
		for h := range p.Hosts {
			if !now[p.Name][h] {
				gone = append(gone, h)
			}
		}
		for h := range now[p.Name] {
			if _, ok := p.Hosts[h]; !ok && len(p.Hosts) > 0 { // a play that did not begin lists none
				come = append(come, h)
			}
		}
		if len(gone) > 0 {
			fmt.Fprintf(a.err, "The play %q was for %s, which it does not select any more.\n", p.Name, view.HostList(gone))
		}
		if len(come) > 0 {
			fmt.Fprintf(a.err, "The play %q selects %s, for which it was not.\n", p.Name, view.HostList(come))
		}
	}
}
