package engine

import (
	"slices"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/journal"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/run"
)

// reached folds the events of a run, and of the runs it resumed, into what they
// reached.
func reached(j *journal.Journal, pb *playbook.Playbook, id string) (*run.Resume, error) {
	var chain []string
	for at := id; at != ""; {
		chain = append(chain, at)
		o, err := j.Origin(at)
		if err != nil {
			return nil, err
		}
		at = o.Resumes
	}
	slices.Reverse(chain)
	f := folder{pb: pb, undo: map[string]map[string]bool{}, out: &run.Resume{Run: id, Plays: map[string]*run.ResumedPlay{}}}
	for _, r := range chain {
		if err := j.Events(r, f.event); err != nil {
			return nil, err
		}
	}
	return f.out, nil
}

type folder struct {
	pb   *playbook.Playbook
	undo map[string]map[string]bool // by play: tasks of rescue and always
	out  *run.Resume
}

func (f *folder) event(e event.Event) error {
	if e.Play == "" {
		return nil
	}
	p := f.out.Plays[e.Play]
	if p == nil {
		p = &run.ResumedPlay{Begun: map[string]bool{}, Done: map[string]bool{}, Passed: map[run.GateAt]bool{}, Acted: map[string]map[string]bool{}}
		f.out.Plays[e.Play] = p
		f.undo[e.Play] = f.undoing(e.Play)
	}
	switch e.Kind {
	case event.BatchStarted:
		p.Batch = max(p.Batch, e.Batch)
		for _, h := range e.Hosts {
			p.Begun[h] = true
		}
	case event.HostFinished:
		if e.Status == event.OK {
			p.Done[e.Host] = true
		}
	case event.GateFinished:
		if e.Status == event.OK {
			p.Passed[run.GateAt{Gate: e.Gate, Batch: e.Batch}] = true
		}
	case event.TaskFinished:
		switch {
		case f.undo[e.Play][e.Task]: // what was done before may have been undone
			delete(p.Acted, e.Host)
		case e.Status == event.Changed:
			if p.Acted[e.Host] == nil {
				p.Acted[e.Host] = map[string]bool{}
			}
			p.Acted[e.Host][e.Task] = true
		}
	}
	return nil
}

// undoing are the tasks of a play that stand in rescue or always.
func (f *folder) undoing(play string) map[string]bool {
	out := map[string]bool{}
	var blocks func([]playbook.Item)
	blocks = func(items []playbook.Item) {
		for _, it := range items {
			if b, ok := it.(*playbook.Block); ok {
				for _, part := range [][]playbook.Item{b.Rescue, b.Always} {
					playbook.Walk(part, func(t *playbook.Task) { out[t.Address()] = true })
				}
				blocks(b.Items)
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
