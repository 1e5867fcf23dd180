package view

import (
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
)

// board is what a run looks like at this moment, folded from its events. It
// knows no terminal and no clock.
type board struct {
	mode     string
	run      string
	play     string
	started  time.Time // of the play
	batch    int
	batched  int // hosts of the batch
	total    int // hosts of the play
	lost     int // of them, those that failed in an earlier play
	tasks    map[string]int
	rows     map[string]*row // hosts that have begun and not ended
	queued   map[string]bool // hosts of the batch that have not begun
	ended    map[event.Status]int
	gate     string // what the rollout waits for, "" if for nothing
	gateName string
	approval bool   // a person is to say go
	stopping string // what the user was told when he asked to stop
}

// row is one host that is worked on.
type row struct {
	host    string
	task    string // "" between tasks and before the first
	since   time.Time
	begun   time.Time
	line    string // the last that is known of the task
	waiting bool   // the host is out of reach
	// connecting says that the task waits for the connection.
	connecting bool
	delegate   string // to which, if it is not the host itself
	passed     map[string]bool
}

// newBoard returns a board; tasks is the number of tasks of each play.
func newBoard(tasks map[string]int) *board {
	return &board{tasks: tasks, rows: map[string]*row{}, queued: map[string]bool{}, ended: map[event.Status]int{}}
}

// apply takes one event that happened at now.
func (b *board) apply(e event.Event, now time.Time) {
	switch {
	case e.Kind == event.GateStarted:
		text, _, _ := strings.Cut(e.Message, "\n")
		b.run, b.gateName = e.Run, e.Gate
		b.gate, b.approval = "gate \""+e.Gate+"\"", e.GateKind == "approval"
		if text != "" {
			b.gate += ": " + text
		}
		return
	case e.Kind == event.GateFinished:
		b.gate, b.approval = "", false
		return
	case e.Gate != "": // a check of a gate: its hosts are not worked on
		return
	}
	switch e.Kind {
	case event.RunStarted:
		b.mode = e.Mode
	case event.PlayStarted:
		b.play, b.started, b.total, b.lost, b.batch, b.batched = e.Play, now, len(e.Hosts), 0, 0, 0
		b.rows, b.queued, b.ended = map[string]*row{}, map[string]bool{}, map[event.Status]int{}
	case event.BatchStarted:
		b.batch, b.batched = e.Batch, len(e.Hosts)
		for _, h := range e.Hosts {
			b.queued[h] = true
		}
	case event.HostStarted:
		b.row(e.Host, now)
	case event.HostConnecting:
		if r := b.rows[e.Host]; r != nil {
			r.connecting, r.delegate = true, e.Delegate
		}
	case event.HostConnected:
		if r := b.rows[e.Host]; r != nil && r.connecting { // only now the task begins
			r.connecting, r.waiting, r.line, r.since = false, false, "", now
		}
	case event.TaskStarted:
		r := b.row(e.Host, now)
		r.task, r.since, r.line, r.waiting, r.connecting = e.Task, now, "", false, false
	case event.TaskOutput, event.TaskRetried:
		r := b.row(e.Host, now)
		r.task, r.line, r.waiting, r.connecting = e.Task, e.Message, false, false
	case event.TaskWaiting:
		r := b.row(e.Host, now)
		r.line, r.waiting = e.Message, e.Status != event.OK
	case event.TaskFinished:
		r := b.row(e.Host, now)
		name, _, _ := strings.Cut(e.Task, "[")
		r.passed[name] = true
		r.task, r.line, r.waiting, r.connecting, r.since = "", "", false, false, now
	case event.HostFinished:
		delete(b.rows, e.Host)
		delete(b.queued, e.Host)
		b.ended[e.Status]++
		if e.Status == event.NotRun && b.batch == 0 {
			b.lost++
		}
	}
}

func (b *board) row(host string, now time.Time) *row {
	r := b.rows[host]
	if r == nil {
		delete(b.queued, host)
		r = &row{host: host, since: now, begun: now, passed: map[string]bool{}}
		b.rows[host] = r
	}
	return r
}

// working returns n of the hosts that are worked on, those out of reach first, then
// those longest at their task, and counts the others by what they do. It is called
// ten times a second with thousands of hosts: it does not sort them all.
func (b *board) working(n int) (first []*row, others map[string]int) {
	others = map[string]int{}
	for _, r := range b.rows {
		i := sort.Search(len(first), func(i int) bool { return r.before(first[i]) })
		if i == n {
			others[r.kind()]++
			continue
		}
		if len(first) == n {
			others[first[n-1].kind()]++
			first = first[:n-1]
		}
		first = slices.Insert(first, i, r)
	}
	return first, others
}

// before says that the row is to be shown before another.
func (r *row) before(o *row) bool {
	switch {
	case r.waiting != o.waiting:
		return r.waiting
	case r.since.Unix() != o.since.Unix(): // what starts together stays in the order of names
		return r.since.Before(o.since)
	}
	return r.host < o.host
}

func (b *board) finished() int {
	n := 0
	for _, k := range b.ended {
		n += k
	}
	return n
}

// done is the part of the play's work that is behind, from 0 to 1: hosts that
// have ended, and the tasks that others have passed.
func (b *board) done() float64 {
	if b.total == 0 {
		return 0
	}
	part := float64(b.finished())
	if n := b.tasks[b.play]; n > 0 {
		for _, r := range b.rows {
			part += min(float64(len(r.passed))/float64(n), 0.99)
		}
	}
	return min(part/float64(b.total), 1)
}
