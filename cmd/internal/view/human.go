package view

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"sync"
	"time"

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
	// Live leaves out the progress of long tasks, which something else shows.
	Live bool
	// Quiet leaves out tasks that found nothing to do.
	Quiet bool
}

// Human prints a run for people: equal results of a task on many hosts are one
// line, printed once all hosts of the batch have passed the task; failures are
// printed at once. It may be used from any goroutine.
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
}

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
	ev    event.Event
	hosts []string
	slow  time.Duration
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
	key := resultKey(e)
	r := g.byKey[key]
	if r == nil {
		r = &resultGroup{ev: e}
		g.byKey[key] = r
		g.results = append(g.results, r)
	}
	r.hosts = append(r.hosts, e.Host)
	r.slow = max(r.slow, e.Duration)
	v.flush(false)
}

// resultKey is equal for results that read the same.
func resultKey(e event.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s|%s|%v|%s", e.Status, e.Message, e.Changes, e.Delegate)
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
func (r *resultGroup) named() bool {
	if len(r.hosts) < 2 || len(r.ev.Host) < 2 {
		return false
	}
	text := r.ev.Message
	for _, c := range r.ev.Changes {
		text += c.Line() + c.Diff
	}
	return strings.Contains(text, r.ev.Host)
}

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
			v.result(g, r)
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
		return rs[i].hosts[0] < rs[j].hosts[0]
	})
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
	hosts := HostList(r.hosts)
	if len(r.hosts) == v.batch.total && v.batch.total > 1 {
		hosts = allHosts(len(r.hosts))
	}
	v.printf("  %s %s  %s%s\n", v.st.status(e.Status, pad(word(e.Status), 12)), pad(g.name, v.taskColumn()), hosts, took)
	if e.Delegate != "" {
		v.indented("done by "+e.Delegate, "")
	}
	if e.Message != "" {
		v.indented(e.Message, "")
	}
	v.changes(e)
	if r.named() {
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

// Close implements View.
func (v *Human) Close() error { return nil }
