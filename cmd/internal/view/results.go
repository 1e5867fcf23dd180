package view

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
)

type batchState struct {
	active map[string]bool // hosts still in the batch
	total  int
	tasks  []*taskGroup
	byName map[string]*taskGroup
}

type taskGroup struct {
	name    string
	seen    map[string]bool
	waiting int // active hosts of the batch that have not passed it
	results []*resultGroup
	byKey   map[string]*resultGroup // results by what they say
}

type resultGroup struct {
	key   string
	ev    event.Event // of the host that comes first by name, of those not told of
	hosts []string    // not told of yet
	slow  time.Duration

	told     string        // the host whose failure was shown before the others had passed
	since    time.Time     // when the first of hosts came
	patience time.Duration // how long a failure waits for others like it
}

func (v *Human) taskFinished(e event.Event) {
	if v.batch == nil {
		return
	}
	g := v.batch.byName[e.Task]
	if g == nil {
		g = &taskGroup{name: e.Task, seen: map[string]bool{}, byKey: map[string]*resultGroup{}, waiting: len(v.batch.active)}
		v.batch.byName[e.Task] = g
		v.batch.tasks = append(v.batch.tasks, g)
	}
	if !g.seen[e.Host] && v.batch.active[e.Host] {
		g.waiting--
	}
	g.seen[e.Host] = true
	key := resultKey(e, v.o.Diff)
	r := g.byKey[key]
	if r == nil {
		r = &resultGroup{}
		g.byKey[key] = r
		g.results = append(g.results, r)
	}
	first := r.add(e)
	if first && (e.Status == event.Failed || e.Status == event.Unreachable) {
		v.wait(failure{g, r})
	}
	v.flush(false)
}

// add puts an event to those that read the same, and reports whether it is the first
// of those that are not told of.
func (r *resultGroup) add(e event.Event) (first bool) {
	if first = len(r.hosts) == 0; first {
		r.since = e.Time
	}
	if first || e.Host < r.ev.Host { // what is shown is of the host that is named first
		r.ev = e
	}
	r.hosts = append(r.hosts, e.Host)
	r.slow = max(r.slow, e.Duration)
	return first
}

// resultKey is equal for results that read the same; what a diff says counts where
// diffs are shown.
func resultKey(e event.Event, diff bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s|%s|%s", e.Status, e.Message, e.Delegate)
	for _, c := range e.Changes {
		fmt.Fprintf(&b, "|%s", c.Line())
		if diff {
			fmt.Fprintf(&b, "|%s", c.Diff)
		}
	}
	if e.Error != nil {
		fmt.Fprintf(&b, "|%s|%s|%s", e.Error.Summary, e.Error.Detail, e.Error.Output)
	}
	return withoutName(b.String(), e.Host)
}

// withoutName puts a placeholder in the place of the host's name, so that what
// differs in nothing else is one result.
func withoutName(text, name string) string {
	if len(name) < 2 { // a letter is in every word
		return text
	}
	return strings.ReplaceAll(text, name, "\x00")
}

// named reports whether what is shown of a result on several hosts has the name
// of one of them in it.
func (r *resultGroup) named(diff bool) bool {
	if len(r.hosts) < 2 || len(r.ev.Host) < 2 {
		return false
	}
	text := r.ev.Message
	for _, c := range r.ev.Changes {
		text += c.Line()
		if diff {
			text += c.Diff
		}
	}
	return strings.Contains(text, r.ev.Host)
}

// flush prints the tasks every host of the batch has passed (all: every task).
func (v *Human) flush(all bool) {
	if v.batch == nil {
		return
	}
	for len(v.batch.tasks) > 0 {
		g := v.batch.tasks[0]
		if !all && g.waiting > 0 {
			return
		}
		v.batch.tasks = v.batch.tasks[1:]
		delete(v.batch.byName, g.name)
		sortResults(g.results)
		for _, r := range g.results {
			if len(r.hosts) > 0 {
				v.result(g, r)
				r.hosts = nil
			}
		}
	}
}

// sortResults puts what most hosts have in common first, so that the order does
// not depend on which host was faster.
func sortResults(rs []*resultGroup) {
	for _, r := range rs {
		sort.Strings(r.hosts)
	}
	sort.SliceStable(rs, func(i, j int) bool {
		if len(rs[i].hosts) != len(rs[j].hosts) {
			return len(rs[i].hosts) > len(rs[j].hosts)
		}
		return len(rs[i].hosts) > 0 && rs[i].hosts[0] < rs[j].hosts[0]
	})
}
