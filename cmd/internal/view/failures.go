package view

import (
	"sort"
	"time"
)

// A failure waits a moment for others like it, to be told as one. Then it is told,
// although other hosts may be at the task for long, and what fails like it later is
// told in longer intervals.
const (
	failurePatience = 3 * time.Second
	mostPatience    = time.Minute
)

// failure is a result of a task, or how hosts ended without one that tells why.
type failure struct {
	task   *taskGroup // nil for a note
	result *resultGroup
}

// wait keeps a failure until it is due.
func (v *Human) wait(f failure) {
	if !v.o.Follow {
		return
	}
	f.result.patience = max(f.result.patience, failurePatience)
	v.failures = append(v.failures, f)
	if due := f.result.since.Add(f.result.patience); v.due.IsZero() || due.Before(v.due) {
		v.due = due
		v.wind()
	}
}

// wind sets the timer; where there is a pane, its ticks take the timer's place.
func (v *Human) wind() {
	switch left := time.Until(v.due); {
	case v.o.Live || v.due.IsZero():
	case v.timer == nil:
		v.timer = time.AfterFunc(left, v.ring)
	default:
		v.timer.Reset(left)
	}
}

func (v *Human) ring() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.overdue(time.Now())
}

// overdue tells of failures that have waited long enough for others like them.
func (v *Human) overdue(now time.Time) {
	if v.due.IsZero() || now.Before(v.due) {
		return
	}
	waiting := v.failures
	v.failures, v.due = nil, time.Time{}
	for _, f := range waiting {
		r := f.result
		switch {
		case len(r.hosts) == 0: // it was told with the others of its task or batch
			continue
		case now.Sub(r.since) < r.patience:
			v.wait(f)
			continue
		}
		sort.Strings(r.hosts)
		if f.task == nil {
			v.printNote(r)
		} else {
			v.result(f.task, r)
		}
		if r.told == "" {
			r.told = r.ev.Host
		}
		r.hosts, r.slow, r.patience = nil, 0, min(2*r.patience, mostPatience)
	}
}

// Close implements View.
func (v *Human) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.timer != nil {
		v.timer.Stop()
	}
	v.o.Follow, v.due = false, time.Time{}
	return nil
}
