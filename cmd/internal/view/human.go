package view

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/ferry-ops/ferry/engine/event"
)

// Options say how a human view looks.
type Options struct {
	Color bool
	Width int  // of the terminal; 0 means 100
	Fold  bool // break long lines; what a program reads stays whole
	Diff  bool // show the diffs of changes
	// Errors renders the failure of a task on these hosts.
	Errors func(e event.Event, hosts []string) string
	// Follow says that the events happen now: a failure is told after a moment
	// although other hosts are still at the task.
	Follow bool
	// Live leaves out the progress of long tasks, which something else shows.
	Live bool
	// Quiet leaves out tasks that found nothing to do.
	Quiet bool
}

// Human prints a run for people: equal results of a task on many hosts are one
// line, printed once all hosts of the batch have passed the task. It may be used from any goroutine.
type Human struct {
	mu    sync.Mutex
	w     io.Writer
	o     Options
	st    style
	plan  bool
	batch *batchState
	waves int
	// coming are the batches a run of the present play would go through.
	coming []event.Wave
	last   map[string]time.Time // of a progress line per host and task
	notes  []*resultGroup       // hosts that ended without a task that tells why

	failures []failure // that are not told of yet
	due      time.Time // when the first of them is; zero if there is none
	timer    *time.Timer
}

// NewHuman returns a view that writes to w.
func NewHuman(w io.Writer, o Options) *Human {
	if o.Width <= 0 {
		o.Width = 100
	}
	return &Human{w: w, o: o, st: style(o.Color), last: map[string]time.Time{}}
}

// Emit implements event.Sink.
func (v *Human) Emit(e event.Event) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	defer v.overdue(e.Time) // after it: what fails like others is told with them
	switch e.Kind {
	case event.RunStarted:
		v.plan = e.Mode == "plan"
		verb := "Running"
		if v.plan {
			verb = "Planning"
		}
		v.printf("%s %s on %s (run %s)\n", verb, v.st.bold(e.Message), Count(len(e.Hosts), "host"), e.Run)
	case event.PlayStarted:
		on := ""
		if len(e.Hosts) > 0 {
			on = " on " + Count(len(e.Hosts), "host")
		}
		v.printf("\n%s%s\n", v.st.bold(fmt.Sprintf("Play %q", e.Play)), on)
		if e.Message != "" {
			v.printf("  %s\n", e.Message)
		}
		v.waves, v.coming = len(e.Hosts), e.Waves
	case event.BatchStarted:
		v.flushNotes()
		if len(e.Hosts) < v.waves || e.Batch > 1 {
			v.printf("  batch %d: %s\n", e.Batch, HostList(e.Hosts))
		}
		v.batch = newBatch(e.Hosts)
	case event.TaskFinished:
		v.taskFinished(e)
	case event.TaskOutput, event.TaskWaiting, event.TaskRetried:
		v.progress(e)
	case event.HostFinished:
		v.hostFinished(e)
	case event.BatchFinished:
		v.flush(true)
		v.flushNotes()
	case event.GateStarted:
		v.gate(e)
	case event.GateFinished:
		v.gateFinished(e)
	case event.PlayFinished:
		v.flushNotes()
		v.forecast()
		if e.Status == event.NotRun {
			v.printf("  not run: %s\n", e.Message)
		}
	case event.RunFinished:
		v.summary(e)
	}
	return nil
}

func (v *Human) printf(format string, args ...any) { fmt.Fprintf(v.w, format, args...) }

func (v *Human) hostFinished(e event.Event) {
	if e.Status == event.NotRun {
		v.waves-- // no batch will have this host
	}
	if e.Status == event.NotRun || e.Error != nil { // no task told of it
		v.note(e)
	}
	if v.batch != nil {
		if v.batch.active[e.Host] {
			delete(v.batch.active, e.Host)
			for _, g := range v.batch.tasks {
				if !g.seen[e.Host] {
					g.waiting--
				}
			}
		}
		v.flush(false)
	}
}

func (v *Human) result(g *taskGroup, r *resultGroup) {
	e := r.ev
	if v.o.Quiet && (e.Status == event.OK || e.Status == event.Skipped) && e.Message == "" {
		return
	}
	took := ""
	if r.slow >= 100*time.Millisecond {
		took = "  " + v.st.dim(Duration(r.slow))
	}
	line := fmt.Sprintf("  %s %s  ", v.st.status(e.Status, pad(word(e.Status), 12)), pad(g.name, v.taskColumn()))
	hosts := HostList(r.hosts)
	below := ""
	switch {
	case len(r.hosts) == v.batch.total && v.batch.total > 1:
		hosts = allHosts(len(r.hosts))
	case v.o.Fold && len(r.hosts) > 1 && lipgloss.Width(line+hosts+took) > v.o.Width:
		if e.Status == event.Failed || e.Status == event.Unreachable || len(r.hosts) <= fewHosts {
			below = hostNames(r.hosts)
		}
		hosts = Count(len(r.hosts), "host")
	}
	v.printf("%s%s%s\n", line, hosts, took)
	if below != "" {
		v.indented(below, "")
	}
	if r.told != "" {
		v.printf("      %s\n", v.st.dim("(as on "+r.told+", above)"))
		return
	}
	if e.Delegate != "" {
		v.indented("done by "+e.Delegate, "")
	}
	if e.Message != "" {
		v.indented(e.Message, "")
	}
	v.changes(e)
	if r.named(v.o.Diff) {
		v.printf("      %s\n", v.st.dim("(as on "+e.Host+"; the same on each host, with its own name)"))
	}
	if len(e.Effects) > 0 {
		v.printf("      %s\n", v.st.dim(strings.Join(e.Effects, "; ")))
	}
	if e.Error != nil && e.Status != event.Skipped && e.Status != event.Interrupted {
		v.failure(e, r.hosts)
	}
}

// progress shows a line of a long task at most every few seconds per host.
func (v *Human) progress(e event.Event) {
	key := e.Host + e.Task
	if e.Kind == event.TaskOutput {
		if v.o.Live || time.Since(v.last[key]) < 5*time.Second {
			return
		}
		v.last[key] = time.Now()
	}
	line := clean(e.Message)
	if max := v.o.Width - 30; len(line) > max && max > 20 {
		line = line[:max] + "…"
	}
	v.printf("  %s %s  %s\n", v.st.dim(pad("…", 12)), v.st.dim(e.Host+" "+e.Task), v.st.dim(line))
}

func (v *Human) changes(e event.Event) {
	if e.Status != event.Changed && e.Status != event.Planned && e.Status != event.Failed {
		return
	}
	const most = 12
	for i, c := range e.Changes {
		if i == most && !v.o.Diff && len(e.Changes) > most+1 {
			v.printf("      %s\n", v.st.dim(fmt.Sprintf("… and %d more (--diff shows all)", len(e.Changes)-most)))
			break
		}
		v.indented(c.Line(), "")
		if v.o.Diff && c.Diff != "" {
			for _, line := range strings.Split(strings.TrimRight(c.Diff, "\n"), "\n") {
				v.printf("        %s\n", v.st.diffLine(clean(line)))
			}
		}
	}
}

func (v *Human) indented(text, prefix string) {
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		for i, part := range v.fold(clean(line), v.o.Width-10) {
			if i > 0 {
				part = "  " + part
			}
			v.printf("      %s%s\n", prefix, part)
		}
	}
}

func (v *Human) failure(e event.Event, hosts []string) {
	if v.o.Errors != nil {
		text := v.o.Errors(e, hosts)
		v.printf("%s", text)
		return
	}
	v.indented(e.Error.Summary+": "+e.Error.Detail, "")
}

// taskColumn is the width of the names of tasks.
func (v *Human) taskColumn() int { return min(max(v.o.Width-52, 20), 56) }

// resize changes the width of what is printed from now on.
func (v *Human) resize(width int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.o.Width = width
}
