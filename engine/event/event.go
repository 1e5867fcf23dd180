// Package event defines the one stream of what happens in a run. The journal
// stores it; every view (terminal, JSON, report) is a reader of it. It is a leaf.
package event

import (
	"time"

	"github.com/ferry-ops/ferry/engine/module"
)

// SchemaVersion is the version of the JSON form of events. It grows when a
// reader of the old form would misunderstand the new one.
const SchemaVersion = 1

// Kind says what happened.
type Kind string

// The kinds of events, in the order a run goes through them.
const (
	RunStarted   Kind = "run_started"
	PlayStarted  Kind = "play_started"
	BatchStarted Kind = "batch_started"
	HostStarted  Kind = "host_started" // with the play; it is connected to next
	// HostConnecting says that a host's turn waits for its connection, or for that
	// to the delegate, for more than a second.
	HostConnecting Kind = "host_connecting"
	HostConnected  Kind = "host_connected" // or, for it, the delegate
	TaskStarted    Kind = "task_started"   // the task looks at the host
	TaskApplying   Kind = "task_applying"  // durable before the task acts
	TaskOutput     Kind = "task_output"    // one line of a long task's log
	TaskWaiting    Kind = "task_waiting"   // the host is out of reach, the task goes on there
	TaskRetried    Kind = "task_retried"
	TaskFinished   Kind = "task_finished"
	// StackDetected says whether the host has a stack, which Task names: "ok" if it
	// has, "skipped" if not.
	StackDetected Kind = "stack_detected"
	HostFinished  Kind = "host_finished" // with the play, for this host
	BatchFinished Kind = "batch_finished"
	GateStarted   Kind = "gate_started" // what must hold before the next batch is looked at
	GateFinished  Kind = "gate_finished"
	PlayFinished  Kind = "play_finished"
	RunFinished   Kind = "run_finished"
)

// Status is how a task, a host or a run ended.
type Status string

// The statuses. Planned is "would change", only in a plan.
const (
	OK      Status = "ok"
	Changed Status = "changed"
	Planned Status = "planned"
	// Undecided is a task a plan cannot tell about: it depends on what the tasks
	// before it would change. Only in a plan.
	Undecided   Status = "undecided"
	Skipped     Status = "skipped"
	Failed      Status = "failed"
	Ignored     Status = "ignored" // failed, and ignore_errors is set
	Unreachable Status = "unreachable"
	Interrupted Status = "interrupted"
	// NotRun is a host or handler whose turn never came.
	NotRun Status = "not_run"
)

// Event is one thing that happened. Fields that do not apply are empty.
type Event struct {
	Seq  int64     `json:"seq"`
	Time time.Time `json:"time"`
	Run  string    `json:"run"`
	Kind Kind      `json:"kind"`

	Play  string `json:"play,omitempty"`
	Batch int    `json:"batch,omitempty"` // from 1
	Host  string `json:"host,omitempty"`
	// Task is the address within the play: task.service.sshd, with ["key"] for
	// an element of for_each. Path names the blocks around it.
	Task string `json:"task,omitempty"`
	// Place is where the task is written, file:line.
	Place string `json:"place,omitempty"`

	Status   Status           `json:"status,omitempty"`
	Changes  []module.Change  `json:"changes,omitempty"`
	Findings []module.Finding `json:"findings,omitempty"`
	Error    *Error           `json:"error,omitempty"`
	Message  string           `json:"message,omitempty"`
	// Once says that one host does the task for all: Host, unless it is skipped.
	Once bool `json:"once,omitempty"`
	// Effects are, in a plan, what a task would do beyond its changes.
	Effects []string `json:"effects,omitempty"`
	// Digest stands for the changes of a plan that is saved.
	Digest string `json:"digest,omitempty"`
	// Waves are, in a plan, the batches a play would go through.
	Waves []Wave `json:"waves,omitempty"`
	// Attempt counts from 1 where a task is retried.
	Attempt  int           `json:"attempt,omitempty"`
	Duration time.Duration `json:"duration_ns,omitempty"`

	// Gate is the gate this is about, or whose checks these are.
	Gate string `json:"gate,omitempty"`
	// GateKind is approval, soak, check or window.
	GateKind string `json:"gate_kind,omitempty"`
	By       string `json:"by,omitempty"` // who approved
	// Delegate is the host that did the task for Host.
	Delegate string `json:"delegate,omitempty"`
	// Notify are the handlers a task that is about to act notifies.
	Notify []string `json:"notify,omitempty"`
	// Pending are the handlers that were notified on a host and have not run.
	Pending []string `json:"pending_handlers,omitempty"`

	Hosts   []string `json:"hosts,omitempty"` // of the play or batch
	Mode    string   `json:"mode,omitempty"`  // of the run: "plan" or "apply"
	Summary *Summary `json:"summary,omitempty"`
}

// Wave is a batch of a run to come.
type Wave struct {
	Batch int `json:"batch"`
	Hosts int `json:"hosts"`
	// Rounds is how many times hosts wait for others of the batch to end, because
	// of "parallel" and "spread": the batch takes about so many times as long as
	// one host.
	Rounds int      `json:"rounds"`
	Gates  []string `json:"gates,omitempty"` // passed after it
	// Took is an estimate from earlier runs, 0 if there were none.
	Took time.Duration `json:"estimate_ns,omitempty"`
}

// Error is a failure as everything shows it.
type Error struct {
	Summary string   `json:"summary"`
	Detail  string   `json:"detail,omitempty"`
	Argv    []string `json:"argv,omitempty"`
	Exit    int      `json:"exit,omitempty"`
	Output  string   `json:"output,omitempty"`
	File    string   `json:"file,omitempty"`
	Line    int      `json:"line,omitempty"`
	// Address is how the host was reached, for connection errors.
	Address string `json:"address,omitempty"`
}

// Summary counts how hosts ended, and tasks per host.
type Summary struct {
	Hosts map[string]HostSummary `json:"hosts"`
	// Stopped is the gate at which the run stopped, nil if at none.
	Stopped *Stopped `json:"stopped,omitempty"`
}

// Stopped is where and why a run stopped at a gate.
type Stopped struct {
	Play   string `json:"play"`
	Gate   string `json:"gate"`
	Kind   string `json:"gate_kind,omitempty"` // as in Event
	Batch  int    `json:"batch,omitempty"`
	Reason string `json:"reason"`
	// Cure are the commands that go on from there.
	Cure []string `json:"cure,omitempty"`
}

// HostSummary is what became of one host.
type HostSummary struct {
	Status  Status         `json:"status"`
	Tasks   map[Status]int `json:"tasks"`
	Error   string         `json:"error,omitempty"`
	Pending []string       `json:"pending_handlers,omitempty"` // notified, not run
}

// Sink receives events. Emit may be called from any goroutine and must not
// block for long; it returns when the event is as safe as the sink makes it.
type Sink interface {
	Emit(Event) error
}

// Sinks sends each event to several sinks in order; the first error is returned
// after all were tried.
type Sinks []Sink

// Emit implements Sink.
func (s Sinks) Emit(e Event) error {
	var first error
	for _, k := range s {
		if err := k.Emit(e); err != nil && first == nil {
			first = err
		}
	}
	return first
}
