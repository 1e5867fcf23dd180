package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ferry-ops/ferry/cmd/internal/view"
	"github.com/ferry-ops/ferry/engine"
	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/journal"
	"github.com/ferry-ops/ferry/engine/run"
)

// savePlan plans a playbook and saves what came out, unless a host could not be
// looked at.
func (a *app) savePlan(ctx context.Context, path string, f *runFlags, out string, detailed bool) error {
	c, plays, err := a.prepare(ctx, path, f, run.Plan)
	if err != nil {
		return err
	}
	rec, err := engine.NewRecorder(nil, nil)
	if err != nil {
		return err
	}
	c.PlanKey, c.View = rec.Key, rec
	err = a.perform(ctx, c, plays, f, detailed)
	var ce *codeError
	if errors.As(err, &ce) && ce.err == nil && ce.code != exitPending {
		return failf(ce.code, "Plan not saved", "not every host could be looked at, so there is no whole plan to save")
	}
	if err != nil && ce == nil {
		return err
	}
	plan := rec.Plan(c, fmt.Sprintf("%s-%x", time.Now().UTC().Format("20060102-150405"), rec.Key[:3]))
	if serr := plan.Save(out); serr != nil {
		return failf(exitFailed, "Plan not saved", "%w", serr)
	}
	fmt.Fprintf(a.err, "\nPlan %s is saved. The command that applies exactly this, once, is\n    ferry run %s\n", plan.ID, out)
	return err
}

// applySaved applies a saved plan: it looks at all hosts again, and if they show
// what they showed, it changes them.
func (a *app) applySaved(cmd *cobra.Command, path string, f *runFlags) error {
	plan, err := engine.ReadPlan(path)
	if err != nil {
		return failf(exitInvalid, "Saved plan not usable", "%w", err)
	}
	if err := a.onlyViewFlags(cmd, plan); err != nil {
		return err
	}
	req := plan.Request
	a.inventories = req.Inventories
	f.vars, f.varFiles, f.limit, f.tags, f.skipTags, f.parallel, f.patience = append(req.Vars, f.vars...), req.VarFiles, req.Limit, req.Tags, req.SkipTags, req.Parallel, req.Patience
	f.startAt = req.StartAt
	ctx := cmd.Context()
	if err := a.notApplied(plan); err != nil {
		return err
	}
	c, plays, err := a.prepare(ctx, req.Playbook, f, run.Plan)
	if err != nil {
		return err
	}
	if !plan.SameSources(c.Playbook) {
		return failf(exitInvalid, "Plan no longer holds", "the playbook %s has been changed since the plan %s was made, so nothing was done. Plan again with\n    ferry plan --out %s %s", req.Playbook, plan.ID, path, req.Playbook)
	}
	now, err := engine.NewRecorder(nil, plan.Key)
	if err != nil {
		return err
	}
	look := c
	look.PlanKey, look.View = plan.Key, now
	fmt.Fprintf(a.err, "Looking whether the plan %s of %s still holds\n", plan.ID, plan.Created.Local().Format(time.DateTime))
	sum, err := engine.Run(ctx, look, plays)
	if err != nil {
		return err
	}
	if code := summaryCode(sum, ctx.Err() != nil); code != exitDone {
		return failf(code, "Plan not applied", "not every host could be looked at, so nothing was done:\n%s", troubles(sum))
	}
	if diffs := plan.Differences(now, 20); len(diffs) > 0 {
		return failf(exitInvalid, "Plan no longer holds", "what the hosts show has changed since the plan %s was made, so nothing was done:\n    %s\nPlan again with\n    ferry plan --out %s %s", plan.ID, strings.Join(diffs, "\n    "), path, req.Playbook)
	}
	c.Mode, c.Saved, c.Request.Plan = run.Apply, plan, plan.ID
	return a.perform(ctx, c, plays, f, false)
}

// onlyViewFlags refuses flags that would make it another plan. Sensitive
// variables are not in the file and must be given again.
func (a *app) onlyViewFlags(cmd *cobra.Command, plan *engine.PlanFile) error {
	var wrong []string
	cmd.Flags().Visit(func(fl *pflag.Flag) {
		switch fl.Name {
		case "limit", "tags", "skip-tags", "var-file", "inventory", "check", "start-at", "parallel":
			wrong = append(wrong, "--"+fl.Name)
		}
	})
	if len(wrong) > 0 {
		return failf(exitFailed, "Invalid flag", "a saved plan is applied as it was made, so %s cannot be used with it. Plan again with other flags", strings.Join(wrong, " and "))
	}
	vars, _ := cmd.Flags().GetStringArray("var")
	given := map[string]bool{}
	for _, v := range vars {
		name, _, _ := strings.Cut(v, "=")
		given[strings.TrimSpace(name)] = true
	}
	for _, name := range plan.Request.Withheld {
		if !given[name] {
			return failf(exitInvalid, "Variable without a value", "the variable %q was given on the command line when the plan was made, and the file does not keep sensitive values. Give it again with\n    --var '%s=…'", name, name)
		}
		delete(given, name)
	}
	for name := range given {
		return failf(exitFailed, "Invalid flag", "the plan was made without --var %s. Plan again with it", name)
	}
	return nil
}

// notApplied says early what the journal would refuse later.
func (a *app) notApplied(plan *engine.PlanFile) error {
	j, err := journal.Open(a.stateDir)
	if err != nil {
		return err
	}
	defer j.Close()
	run, err := j.AppliedBy(plan.ID)
	if err != nil || run == "" {
		return err
	}
	return failf(exitInvalid, "Plan already applied", "the plan %s was applied by run %s, and a plan is applied once. The commands that show that run and, if it stopped, go on with it are\n    ferry status %s\n    ferry resume %s", plan.ID, run, run, run)
}

// troubles are the hosts of a summary that did not end well.
func troubles(s event.Summary) string {
	var lines []string
	for name, h := range s.Hosts {
		if h.Status != event.OK {
			lines = append(lines, "    "+name+": "+h.Error)
		}
	}
	return view.Few(lines, 20)
}
