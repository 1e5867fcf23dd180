package engine

import (
	"fmt"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/journal"
)

// State is where a run is.
type State string

// The states of a run.
const (
	Running     State = "running"     // a process works on it
	Waiting     State = "waiting"     // a process waits at a gate
	Done        State = "done"        // it came to its end and no host failed
	Incomplete  State = "incomplete"  // it came to its end; some hosts failed or were left out
	AtGate      State = "at gate"     // it stopped at a gate
	Interrupted State = "interrupted" // it was stopped, or its process is gone
	Resumed     State = "resumed"     // another run has taken it up
)

// Status is what the journal knows of a run.
type Status struct {
	journal.Run
	State     State         `json:"state"`
	ResumedBy string        `json:"resumed_by,omitempty"`
	Resumes   string        `json:"resumes,omitempty"`
	Duration  time.Duration `json:"duration_ns"`
	Plays     []PlayStatus  `json:"plays"`
	// Gate is where it waits or stopped, nil if nowhere.
	Gate     *event.Stopped `json:"gate,omitempty"`
	Summary  *event.Summary `json:"summary,omitempty"` // once it has come to its end
	last     time.Time
	finished bool
	status   event.Status
}

// PlayStatus is how far a play is.
type PlayStatus struct {
	Name  string                  `json:"name"`
	Batch int                     `json:"batch,omitempty"` // the last one that began
	Hosts map[string]event.Status `json:"hosts"`           // "" while not begun, "running" while worked on
	Ended bool                    `json:"ended"`
}

// HostRunning is the status of a host that is worked on.
const HostRunning event.Status = "running"

// Resumable reports whether resuming the run would do anything.
func (s *Status) Resumable() bool {
	return s.Mode == "apply" && (s.State == Incomplete || s.State == AtGate || s.State == Interrupted)
}

// StatusOf reads how a run stands.
func StatusOf(j *journal.Journal, r journal.Run) (*Status, error) {
	s := &Status{Run: r, last: r.Started}
	if err := j.Events(r.ID, s.event); err != nil {
		return nil, err
	}
	o, err := j.Origin(r.ID)
	if err != nil {
		return nil, err
	}
	s.Resumes = o.Resumes
	if s.ResumedBy, err = j.ResumedBy(r.ID); err != nil {
		return nil, err
	}
	live, err := j.Live(r.ID)
	if err != nil {
		return nil, err
	}
	s.Duration = s.last.Sub(r.Started)
	switch {
	case live && s.Gate != nil:
		s.State = Waiting
	case live:
		s.State = Running
	case s.ResumedBy != "":
		s.State = Resumed
	case !s.finished || s.status == event.Interrupted:
		s.State = Interrupted
	case s.Summary != nil && s.Summary.Stopped != nil:
		s.State, s.Gate = AtGate, s.Summary.Stopped
	default:
		s.State = Done
		for _, h := range s.Summary.Hosts {
			if h.Status != event.OK {
				s.State = Incomplete
			}
		}
	}
	return s, nil
}

func (s *Status) event(e event.Event) error {
	s.last = e.Time
	if e.Kind == event.RunFinished {
		s.finished, s.status, s.Summary = true, e.Status, e.Summary
	}
	if e.Play == "" {
		return nil
	}
	var p *PlayStatus
	for i := range s.Plays {
		if s.Plays[i].Name == e.Play {
			p = &s.Plays[i]
		}
	}
	if p == nil {
		s.Plays = append(s.Plays, PlayStatus{Name: e.Play, Hosts: map[string]event.Status{}})
		p = &s.Plays[len(s.Plays)-1]
	}
	switch e.Kind {
	case event.PlayStarted:
		for _, h := range e.Hosts {
			p.Hosts[h] = ""
		}
	case event.BatchStarted:
		p.Batch = e.Batch
	case event.HostStarted:
		p.Hosts[e.Host] = HostRunning
	case event.HostFinished:
		p.Hosts[e.Host] = e.Status
	case event.GateStarted:
		s.Gate = &event.Stopped{Play: e.Play, Gate: e.Gate, Kind: e.GateKind, Batch: e.Batch, Reason: e.Message}
	case event.GateFinished:
		s.Gate = nil
	case event.PlayFinished:
		p.Ended = true
	}
	return nil
}

// FindRun returns a run by its id or the beginning of it; "" is the latest one
// that changes hosts.
func FindRun(j *journal.Journal, id string) (journal.Run, error) {
	runs, err := j.Runs()
	if err != nil {
		return journal.Run{}, err
	}
	var found []journal.Run
	for _, r := range runs {
		switch {
		case r.ID == id:
			return r, nil
		case id == "" && r.Mode == "apply", id != "" && len(r.ID) > len(id) && r.ID[:len(id)] == id:
			found = append(found, r)
		}
	}
	switch {
	case len(found) == 0 && id == "":
		return journal.Run{}, fmt.Errorf("the journal in this directory records no run yet; --state-dir names another one")
	case len(found) == 0:
		return journal.Run{}, fmt.Errorf("the journal records no run %q. The command that lists the runs is\n    ferry runs", id)
	case id != "" && len(found) > 1:
		return journal.Run{}, fmt.Errorf("%q is the beginning of %d runs, %s and %s among them; write more of it", id, len(found), found[0].ID, found[1].ID)
	}
	return found[0], nil
}
