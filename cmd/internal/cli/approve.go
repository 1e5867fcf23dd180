package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/engine"
	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/journal"
)

func (a *app) approveCommand() *cobra.Command {
	var gate, comment, by string
	var refuse bool
	cmd := &cobra.Command{
		Use:   "approve [RUN]",
		Short: "Let a run pass the gate it waits or stopped at",
		Long: `Approves (or refuses) the gate at which a run waits or has stopped: the latest run, if none is named.
Who said so, and when, is recorded. A run that waits goes on by itself; one that has stopped (exit code 6) goes on with
ferry resume. Checks, soaks and maintenance windows are no matter of approval.`,
		Example: `  ferry status
  ferry approve --comment 'canary looks good'
  ferry approve 20260728-101500-a1b2c3 --gate shop
  ferry approve --refuse --comment 'not tonight'`,
		Args: between(0, 1), ValidArgsFunction: first(a.completeRuns),
		RunE: func(_ *cobra.Command, args []string) error {
			s, at, err := a.approve(optional(args), gate, journal.Approval{By: by, Refused: refuse, Comment: comment})
			if err != nil {
				return err
			}
			verb := "Approved"
			if refuse {
				verb = "Refused"
			}
			fmt.Fprintf(a.out, "%s by %s: gate %q of play %q after batch %d of run %s\n", verb, by, at.Gate, at.Play, at.Batch, s.ID)
			if s.State == engine.AtGate && !refuse {
				fmt.Fprintf(a.out, "The run has stopped there. The command that goes on is\n    ferry resume %s\n", s.ID)
			}
			return nil
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&gate, "gate", "", "approve only if this is the `name` of the gate")
	fs.StringVar(&comment, "comment", "", "a `text` to record with the decision")
	fs.StringVar(&by, "by", engine.Owner(), "who decides")
	fs.BoolVar(&refuse, "refuse", false, "say no: the run stops at the gate")
	return cmd
}

// approve records a decision about the gate a run is at.
func (a *app) approve(run, gate string, d journal.Approval) (*engine.Status, *event.Stopped, error) {
	j, err := a.journal()
	if err != nil {
		return nil, nil, err
	}
	defer j.Close()
	s, err := a.status(j, run)
	if err != nil {
		return nil, nil, err
	}
	at, err := gateOf(s, gate)
	if err != nil {
		return s, nil, err
	}
	d.Play, d.Gate, d.Batch, d.At = at.Play, at.Gate, at.Batch, time.Now()
	if err := j.Approve(s.ID, d); err != nil {
		return s, at, failf(exitFailed, "Not approved", "%w", err)
	}
	return s, at, nil
}

// gateWord says what opens a gate that is no approval.
func gateWord(kind string) string {
	switch kind {
	case "check":
		return "a check, which has to pass"
	case "soak":
		return "a time that has to go by"
	}
	return "a maintenance window, which has to come"
}

// gateOf is the approval a run waits for.
func gateOf(s *engine.Status, want string) (*event.Stopped, error) {
	switch {
	case s.State == engine.Resumed:
		return nil, failf(exitFailed, "Run already resumed", "the run %s was resumed by %s; approve that one:\n    ferry approve %s", s.ID, s.ResumedBy, s.ResumedBy)
	case s.Gate == nil:
		return nil, failf(exitFailed, "No gate", "the run %s is %s and waits at no gate. The command that shows it is\n    ferry status %s", s.ID, s.State, s.ID)
	case s.Gate.Kind != "" && s.Gate.Kind != "approval":
		return nil, failf(exitFailed, "Nothing to approve", "the run %s is at the gate %q, which nobody can open by saying so: it is %s. What it says is\n    %s", s.ID, s.Gate.Gate, gateWord(s.Gate.Kind), s.Gate.Reason)
	case want != "" && s.Gate.Gate != want:
		return nil, failf(exitFailed, "Another gate", "the run %s is at the gate %q, not at %q", s.ID, s.Gate.Gate, want)
	}
	return s.Gate, nil
}
