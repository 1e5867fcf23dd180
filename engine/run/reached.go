package run

import (
	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// Reached folds the events of a run, and of the runs it resumed, into what they
// reached.
type Reached struct {
	pb   *playbook.Playbook
	undo map[string]map[string]bool // by play: tasks of rescue and always
	out  *Resume
}

// NewReached begins with nothing reached; run is the last one whose events come.
func NewReached(pb *playbook.Playbook, run string) *Reached {
	return &Reached{pb: pb, undo: map[string]map[string]bool{}, out: &Resume{Run: run, Plays: map[string]*ResumedPlay{}, Present: map[string]map[string]bool{}}}
}

// Resume is what was reached by the events so far.
func (f *Reached) Resume() *Resume { return f.out }

// Event takes the next event of the run, or of one that resumed it.
func (f *Reached) Event(e event.Event) error {
	if e.Play == "" {
		return nil
	}
	p := f.out.Plays[e.Play]
	if p == nil {
		p = &ResumedPlay{Begun: map[string]bool{}, Latest: map[string]bool{}, Done: map[string]bool{}, Passed: map[GateAt]bool{}, Acted: map[string]map[string]bool{}, Unsure: map[string]map[string]bool{}}
		f.out.Plays[e.Play] = p
		f.undo[e.Play] = f.undoing(e.Play)
	}
	switch e.Kind {
	case event.BatchStarted:
		if e.Batch > p.Batch {
			p.Batch, p.Latest = e.Batch, map[string]bool{}
		}
		for _, h := range e.Hosts {
			p.Begun[h] = true
			if e.Batch == p.Batch {
				p.Latest[h] = true
			}
		}
	case event.HostFinished:
		if e.Status == event.OK {
			p.Done[e.Host] = true
		}
	case event.GateFinished:
		if e.Status == event.OK {
			p.Passed[GateAt{Gate: e.Gate, Batch: e.Batch}] = true
		}
	case event.StackDetected:
		if f.out.Present[e.Host] == nil {
			f.out.Present[e.Host] = map[string]bool{}
		}
		f.out.Present[e.Host][e.Task] = e.Status == event.OK
	case event.TaskApplying:
		note(p.Unsure, e)
	case event.TaskFinished:
		if e.Status != event.Unreachable && e.Status != event.Interrupted {
			delete(p.Unsure[e.Host], e.Task)
		}
		switch {
		case e.Status == event.Skipped: // it did nothing, also to what was done before
		case f.undo[e.Play][elementKey.ReplaceAllString(e.Task, "")]: // what was done before may have been undone
			delete(p.Acted, e.Host)
		case e.Status == event.Changed:
			note(p.Acted, e)
		}
	}
	return nil
}

// note puts an event's task to those of its host.
func note(tasks map[string]map[string]bool, e event.Event) {
	if tasks[e.Host] == nil {
		tasks[e.Host] = map[string]bool{}
	}
	tasks[e.Host][e.Task] = true
}

// undoing are the tasks of a play that stand in rescue or always.
func (f *Reached) undoing(play string) map[string]bool {
	out := map[string]bool{}
	var blocks func([]playbook.Item)
	blocks = func(items []playbook.Item) {
		for _, it := range items {
			switch it := it.(type) {
			case *playbook.Block:
				for _, part := range [][]playbook.Item{it.Rescue, it.Always} {
					playbook.Walk(part, func(t *playbook.Task) { out[t.Address()] = true })
				}
				blocks(it.Items)
			case *playbook.Use:
				blocks(it.Unit.Items)
			case *playbook.Call:
				for _, u := range it.Units {
					blocks(u.Items)
				}
			}
		}
	}
	for _, p := range f.pb.Plays {
		if p.Name == play {
			blocks(p.Items)
		}
	}
	return out
}
