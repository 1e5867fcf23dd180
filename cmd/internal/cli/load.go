package cli

import (
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/engine"
	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/run"
	"github.com/ferry-ops/ferry/inventory"
)

// inventoryPaths are the inventories named by flags, the environment or habit.
func (a *app) inventoryPaths() []string {
	if named := a.namedInventories(); len(named) > 0 {
		return named
	}
	for _, p := range []string{"inventory.hcl", "inventory.ini", "inventory.yml"} {
		if _, err := os.Stat(p); err == nil {
			return []string{p}
		}
	}
	return nil
}

// namedInventories are the inventories named by flags or the environment.
func (a *app) namedInventories() []string {
	if len(a.inventories) > 0 {
		return a.inventories
	}
	if env := os.Getenv("FERRY_INVENTORY"); env != "" {
		return []string{env}
	}
	return nil
}

// inventory loads the inventories.
func (a *app) inventory(ctx context.Context) (*inventory.Inventory, error) {
	return a.loadInventory(ctx, inventory.Options{Secrets: a.keyring(), Facts: a.facts()})
}

// facts are the recorded ones, for constructed groups.
func (a *app) facts() inventory.RecordedFacts {
	return engine.RecordedFacts(a.stateDir, func(err error) {
		var set diag.Set
		set.Append(diag.Warningf("Recorded facts not read", nil, "%s", sentence(err.Error())))
		a.show(set)
	})
}

// lenientFacts are for those who only look, or who are about to gather facts.
func (a *app) lenientFacts() inventory.RecordedFacts {
	f := a.facts()
	f.Lenient = true
	return f
}

// inventoryNames loads the inventories for the names of hosts and groups:
// nothing encrypted is read.
func (a *app) inventoryNames(ctx context.Context) (*inventory.Inventory, error) {
	return a.loadInventory(ctx, inventory.Options{SkipSecrets: true, Facts: a.facts()})
}

func (a *app) loadInventory(ctx context.Context, o inventory.Options) (*inventory.Inventory, error) {
	paths := a.inventoryPaths()
	if len(paths) == 0 {
		return nil, failf(exitInvalid, "No inventory", "no inventory is named, and there is none in this directory. Name the file that lists the hosts:\n    --inventory FILE")
	}
	inv, set := inventory.Load(ctx, paths, o)
	if err := a.failed(set); err != nil {
		return nil, err
	}
	return inv, a.askPasswords(inv)
}

// runFlags are the flags that plan and run share.
type runFlags struct {
	vars, varFiles []string
	limit          []string
	tags, skipTags []string
	parallel       int
	patience       time.Duration
	gateWait       string
	factAge        time.Duration
	startAt        string
	step           bool
	diff, json     bool
	quiet          bool
	view           string
}

func (f *runFlags) add(a *app, cmd *cobra.Command) {
	cmd.ValidArgsFunction = first(completePlaybook)
	f.addView(cmd)
	fs := cmd.Flags()
	a.varFlags(cmd, &f.vars, &f.varFiles)
	a.passwordFlags(cmd)
	fs.StringArrayVarP(&f.limit, "limit", "l", nil, "work only on hosts of this `pattern`; @FILE reads it from a file")
	fs.StringSliceVarP(&f.tags, "tags", "t", nil, "run only tasks with one of these `tags`")
	fs.StringSliceVar(&f.skipTags, "skip-tags", nil, "leave out tasks with one of these `tags`")
	fs.IntVarP(&f.parallel, "parallel", "p", 0, "work on at most `n` hosts at once where the play does not say (default 50)")
	fs.StringVar(&f.startAt, "start-at", "", "begin with this `task`, written task.MODULE.NAME or PLAY/task.MODULE.NAME; what comes before it does not run")
	_ = cmd.RegisterFlagCompletionFunc("start-at", a.completeTasks)
	fs.DurationVar(&f.factAge, "fact-age", 0, "use facts recorded less than this long ago instead of gathering them, for example 1h (default: gather them)")
	fs.DurationVar(&f.patience, "patience", 5*time.Minute, "how long a host that was lost may take to answer again (while a job runs on it: at least 30m)")
	_ = cmd.RegisterFlagCompletionFunc("limit", a.completeLimit)
	_ = cmd.RegisterFlagCompletionFunc("tags", a.completeTags)
	_ = cmd.RegisterFlagCompletionFunc("skip-tags", a.completeTags)
}

// addGates adds the flag that says what happens at a gate.
func (f *runFlags) addGates(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.gateWait, "gate-wait", "auto", "how long to wait at a gate for an approval or for its maintenance window: a `duration`, forever, or auto (forever on a terminal, else not at all)")
	_ = cmd.RegisterFlagCompletionFunc("gate-wait", words("auto", "forever", "0", "1h"))
}

// addView adds the flags that say how a run is shown.
func (f *runFlags) addView(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.BoolVar(&f.diff, "diff", false, "show the differences of files")
	fs.BoolVar(&f.json, "json", false, "print one JSON object per event")
	fs.StringVar(&f.view, "view", "auto", "how the run is shown: live, plain, or auto (live on a terminal)")
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "leave out tasks that found nothing to do")
	_ = cmd.RegisterFlagCompletionFunc("view", words("auto", "live", "plain"))
}

// wait is what --gate-wait means.
func (f *runFlags) wait(terminal bool) (time.Duration, error) {
	switch {
	case f.gateWait == "forever", f.gateWait == "auto" && terminal:
		return -1, nil
	case f.gateWait == "auto", f.gateWait == "":
		return 0, nil
	}
	d, err := time.ParseDuration(f.gateWait)
	if err != nil && f.gateWait != "0" || d < 0 {
		return 0, failf(exitFailed, "Invalid flag", "--gate-wait %q is neither a duration such as 2h nor one of auto, forever", f.gateWait)
	}
	return d, nil
}

// request is what the flags ask for.
func (f *runFlags) request(path string, inventories []string) engine.Request {
	return engine.Request{
		Playbook: path, Inventories: inventories, Vars: f.vars, VarFiles: f.varFiles, Limit: f.limit, Tags: f.tags, SkipTags: f.skipTags,
		StartAt: f.startAt, Parallel: f.parallel, Patience: f.patience,
	}.Absolute()
}

// varFlags adds the flags that give variables values.
func (a *app) varFlags(cmd *cobra.Command, vars, files *[]string) {
	cmd.Flags().StringArrayVar(vars, "var", nil, "set a variable, `NAME=VALUE`; may be repeated")
	cmd.Flags().StringArrayVar(files, "var-file", nil, "set variables from a `file` in HCL or YAML, which may be encrypted; may be repeated")
	_ = cmd.RegisterFlagCompletionFunc("var", a.completeVar)
}

// prepare loads everything and selects hosts. No connection is made.
func (a *app) prepare(ctx context.Context, path string, f *runFlags, mode run.Mode) (engine.Config, []run.PlayHosts, error) {
	var c engine.Config
	if f.view != "auto" && f.view != "live" && f.view != "plain" {
		return c, nil, failf(exitFailed, "Invalid flag", "--view %q is not one of auto, live, plain", f.view)
	}
	log, err := a.logger()
	if err != nil {
		return c, nil, err
	}
	wait, err := f.wait(isTerminal(a.in) && isTerminal(a.out))
	if err != nil {
		return c, nil, err
	}
	pb, set := playbook.Load(path, a.reg, Version(), playbook.WithSecrets(a.keyring()))
	if err := a.failed(set); err != nil {
		return c, nil, err
	}
	g, set := pb.Globals(playbook.Inputs{Files: f.varFiles, Vars: f.vars, YAML: engine.YAMLVariables(a.keyring())})
	if err := a.failed(set); err != nil {
		return c, nil, err
	}
	inv, err := a.inventory(ctx)
	if err != nil {
		return c, nil, err
	}
	c = engine.Config{
		Playbook: pb, Globals: g, Inventory: inv, Limit: f.limit, Mode: mode, Parallel: f.parallel, Patience: f.patience, GateWait: wait, FactAge: f.factAge,
		Tags: f.tags, SkipTags: f.skipTags, StateDir: a.stateDir, Stop: a.stop, Logger: log, Request: f.request(path, a.inventoryPaths()),
	}
	if err := a.failed(pb.CheckTags("--tags", f.tags)); err != nil {
		return c, nil, err
	}
	if err := a.failed(pb.CheckTags("--skip-tags", f.skipTags)); err != nil {
		return c, nil, err
	}
	if f.startAt != "" {
		skip, set := pb.StartAt(f.startAt)
		if err := a.failed(set); err != nil {
			return c, nil, err
		}
		c.Skip = skip
	}
	if c.Globals, err = a.askVariables(c, f); err != nil {
		return c, nil, err
	}
	plays, set := engine.Hosts(c)
	if err := a.failed(set); err != nil {
		return c, nil, err
	}
	total := 0
	for _, ph := range plays {
		total += len(ph.Hosts)
	}
	if total == 0 {
		return c, nil, failf(exitInvalid, "No host selected", "no play of the playbook %q selects a host of this inventory, so there is nothing to do. The command that shows the hosts is\n    ferry inventory list", pb.Name)
	}
	return c, plays, nil
}
