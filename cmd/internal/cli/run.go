package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/cmd/internal/view"
	"github.com/ferry-ops/ferry/engine"
	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/journal"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/run"
)

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	var check bool
	cmd := &cobra.Command{
		Use:   "run PLAYBOOK",
		Short: "Run a playbook: look at each host, change what differs, prove it",
		Long: `Runs the playbook on the hosts its plays select. Every task looks at the host first and changes only what differs,
so a run that was interrupted is simply run again: what the host shows decides where it goes on.

In place of a playbook, a plan saved with "ferry plan --out FILE" can be named. It is applied once, exactly as it was
planned: if a host shows anything else by now, nothing is changed.`,
		Example: `  ferry run site -i inventory.hcl --limit web
  ferry run site -i inventory.hcl --step
  ferry plan site -i inventory.hcl --out site.plan && ferry run site.plan`,
		Args: between(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			mode := run.Apply
			if check {
				mode = run.Plan
			}
			if engine.IsPlanFile(args[0]) {
				return a.applySaved(cmd, args[0], &f)
			}
			return a.execute(cmd.Context(), args[0], &f, mode, false)
		},
	}
	f.add(a, cmd)
	f.addGates(cmd)
	cmd.Flags().BoolVar(&f.step, "step", false, "ask before each task that would change something")
	cmd.Flags().BoolVar(&check, "check", false, "only look: the same as ferry plan")
	return cmd
}

func (a *app) planCommand() *cobra.Command {
	var f runFlags
	var detailed bool
	var out string
	cmd := &cobra.Command{
		Use:   "plan PLAYBOOK",
		Short: "Show what a run would change, host by host; nothing is written",
		Args:  between(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out != "" {
				return a.savePlan(cmd.Context(), args[0], &f, out, detailed)
			}
			return a.execute(cmd.Context(), args[0], &f, run.Plan, detailed)
		},
	}
	f.add(a, cmd)
	cmd.Flags().StringVarP(&out, "out", "o", "", "save the plan to a `file`, which ferry run applies exactly, once")
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit 5 if there are changes to make")
	return cmd
}

// execute plans or runs a playbook.
func (a *app) execute(ctx context.Context, path string, f *runFlags, mode run.Mode, detailed bool) error {
	c, plays, err := a.prepare(ctx, path, f, mode)
	if err != nil {
		return err
	}
	return a.perform(ctx, c, plays, f, detailed)
}

// perform runs what was prepared and shows it.
func (a *app) perform(ctx context.Context, c engine.Config, plays []run.PlayHosts, f *runFlags, detailed bool) error {
	a.running = true
	v := a.view(f, c)
	if c.View != nil { // it hands on what it sees
		c.View = event.Sinks{c.View, v}
	} else {
		c.View = v
	}
	if f.step {
		confirm, err := a.stepper()
		if err != nil {
			return err
		}
		c.Confirm = confirm
	}
	sum, err := engine.Run(ctx, c, plays)
	a.tell(func(string) {}) // what is left to say is said below
	a.logs.to(nil)
	if cerr := v.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	interrupted := ctx.Err() != nil
	select {
	case <-a.stop:
		interrupted = true
	default:
	}
	code := summaryCode(sum, interrupted)
	if code == exitDone && detailed {
		for _, h := range sum.Hosts {
			if h.Tasks[event.Planned] > 0 {
				code = exitPending
			}
		}
	}
	if code != exitDone {
		a.toGoOn(c, code, f.json)
		return &codeError{code: code}
	}
	return nil
}

// toGoOn says how a run that did not get to its end is taken up again. At a gate that
// is said with the gate.
func (a *app) toGoOn(c engine.Config, code int, asJSON bool) {
	if asJSON || c.Mode != run.Apply || code != exitHostsFailed && code != exitUnreachable && code != exitInterrupted {
		return
	}
	more := ""
	if c.StateDir != engine.DefaultStateDir {
		more = " --state-dir " + host.Quote(c.StateDir)
	}
	fmt.Fprintf(a.out, "When the cause is mended, this goes on where it stopped:\n    ferry resume%s\n", more)
}

// view chooses how the run is shown.
func (a *app) view(f *runFlags, c engine.Config) view.View {
	if f.json {
		return view.NewJSON(a.out)
	}
	o := view.Options{
		Color: a.color(a.out), Width: width(a.out), Fold: isTerminal(a.out), Diff: f.diff || c.Mode == run.Plan, Quiet: f.quiet,
		Errors: func(e event.Event, hosts []string) string { return a.failureText(e, hosts, c.Playbook.Sources) }, Follow: true,
	}
	live := isTerminal(a.in) && isTerminal(a.out)
	if f.view == "plain" || f.step || !live || f.view == "auto" && os.Getenv("TERM") == "dumb" {
		return view.NewHuman(a.out, o)
	}
	v := view.NewLive(a.in, a.out, view.LiveOptions{Options: o, Tasks: taskCounts(c.Playbook), Interrupt: a.interrupt, Approve: func(run, gate string) error {
		_, _, err := a.approve(run, gate, journal.Approval{By: engine.Owner()})
		return err
	}})
	a.tell(v.Notice)
	a.logs.to(v.Log)
	return v
}

// taskCounts is how many tasks a host passes in each play when all goes well.
func taskCounts(pb *playbook.Playbook) map[string]int {
	out := map[string]int{}
	var count func(items []playbook.Item) int
	count = func(items []playbook.Item) int {
		n := 0
		for _, it := range items {
			switch it := it.(type) {
			case *playbook.Task:
				n++
			case *playbook.Block:
				n += count(it.Items) + count(it.Always)
			case *playbook.Use:
				n += count(it.Unit.Items)
			case *playbook.Call:
				for _, u := range it.Units {
					n += count(u.Items)
				}
			}
		}
		return n
	}
	for _, p := range pb.Plays {
		out[p.Name] = count(p.Items)
	}
	return out
}
