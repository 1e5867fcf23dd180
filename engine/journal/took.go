package journal

import (
	"slices"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
)

// tookRuns is how many of the latest runs an estimate looks at.
const tookRuns = 5

// Took is how long hosts that ended well were in a play of a playbook in its
// latest runs: the median, 0 if there is none. What cannot be read counts as
// none: it is an estimate.
func (j *Journal) Took(playbook, play string) time.Duration {
	runs, err := j.Runs()
	if err != nil {
		return 0
	}
	var all []time.Duration
	n := 0
	for _, r := range runs {
		if r.Playbook != playbook || r.Mode != "apply" {
			continue
		}
		if n++; n > tookRuns {
			break
		}
		_ = j.Events(r.ID, func(e event.Event) error {
			if e.Kind == event.HostFinished && e.Play == play && e.Status == event.OK && e.Duration > 0 {
				all = append(all, e.Duration)
			}
			return nil
		})
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}
