package engine

import (
	"slices"

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
	f := run.NewReached(pb, id)
	for _, r := range chain {
		if err := j.Events(r, f.Event); err != nil {
			return nil, err
		}
	}
	return f.Resume(), nil
}
