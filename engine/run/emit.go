package run

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/module"
)

// minSecret is the shortest string that is searched for and hidden; shorter
// ones would hide half the output.
const minSecret = 4

// emitter stamps events, hides secrets in them and passes them on. It remembers
// the first error: a run whose journal cannot be written must not act.
type emitter struct {
	o Options
	// revealed gives secrets that came up after the run began, without the first
	// n; nil means there are none.
	revealed func(n int) []string

	mu      sync.Mutex
	secrets map[string]bool
	seen    int // of revealed
	hide    *strings.Replacer
	failure error
}

func newEmitter(o Options) *emitter { return &emitter{o: o, secrets: map[string]bool{}} }

// keep adds strings that must not appear in any event.
func (e *emitter) keep(secrets ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.keepLocked(secrets)
}

func (e *emitter) keepLocked(secrets []string) {
	for _, s := range secrets {
		for _, form := range forms(s) {
			if len(form) >= minSecret && !e.secrets[form] {
				e.secrets[form] = true
				e.hide = nil
			}
		}
	}
	if e.hide == nil && len(e.secrets) > 0 {
		var pairs []string
		// Of two secrets that begin alike the longer one goes first, or its rest
		// would stay.
		longest := func(a, b string) int { return len(b) - len(a) }
		for _, s := range slices.SortedFunc(maps.Keys(e.secrets), longest) {
			pairs = append(pairs, s, "(sensitive)")
		}
		e.hide = strings.NewReplacer(pairs...)
	}
}

// minLine is the shortest line of a secret of several lines that is hidden where
// it stands alone: a certificate's "}" or "---" would hide half the output too.
const minLine = 8

// forms are the shapes a secret takes in what ferry shows: as it is, as words
// of a shell and of a message are quoted, and each line of several.
func forms(s string) []string {
	out := []string{s}
	add := func(form string) {
		if form != s {
			out = append(out, form)
		}
	}
	if strings.Contains(s, "'") {
		add(strings.ReplaceAll(s, "'", `'\''`))
	}
	if q := strconv.Quote(s); len(q) > 2 {
		add(q[1 : len(q)-1])
	}
	if trimmed := strings.TrimSpace(s); trimmed != s {
		out = append(out, trimmed)
	}
	if strings.Contains(s, "\n") {
		for line := range strings.Lines(s) {
			if line = strings.TrimSpace(line); len(line) >= minLine {
				out = append(out, line)
			}
		}
	}
	return out
}

// refresh takes what was decrypted meanwhile. The caller holds the lock.
func (e *emitter) refresh() {
	if e.revealed == nil {
		return
	}
	if more := e.revealed(e.seen); len(more) > 0 {
		e.seen += len(more)
		e.keepLocked(more)
	}
}

func (e *emitter) emit(ev event.Event) {
	ev.Run = e.o.ID
	ev.Time = time.Now().UTC()
	e.mu.Lock()
	e.refresh()
	hide := e.hide
	e.mu.Unlock()
	if hide != nil {
		ev = redact(ev, hide.Replace)
	}
	if e.o.Sink == nil {
		return
	}
	if err := e.o.Sink.Emit(ev); err != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.failure == nil {
			e.failure = err
		}
	}
}

// clean returns s without secrets.
func (e *emitter) clean(s string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refresh()
	if e.hide == nil {
		return s
	}
	return e.hide.Replace(s)
}

func (e *emitter) err() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.failure
}

// redact returns ev with f applied to every text that may hold a value.
func redact(ev event.Event, f func(string) string) event.Event {
	ev.Message, ev.Delegate = f(ev.Message), f(ev.Delegate)
	if i := strings.IndexByte(ev.Task, '['); i >= 0 { // the key of a for_each
		ev.Task = ev.Task[:i] + f(ev.Task[i:])
	}
	if ev.Error != nil {
		x := *ev.Error
		x.Summary, x.Detail, x.Output = f(x.Summary), f(x.Detail), f(x.Output)
		x.Argv = mapStrings(x.Argv, f)
		ev.Error = &x
	}
	if len(ev.Changes) > 0 {
		cs := make([]module.Change, len(ev.Changes))
		for i, c := range ev.Changes {
			c.From, c.To, c.Diff, c.Argument = f(c.From), f(c.To), f(c.Diff), f(c.Argument)
			cs[i] = c
		}
		ev.Changes = cs
	}
	if ev.Summary != nil {
		sum := event.Summary{Hosts: make(map[string]event.HostSummary, len(ev.Summary.Hosts)), Stopped: ev.Summary.Stopped}
		for name, h := range ev.Summary.Hosts {
			h.Error = f(h.Error)
			sum.Hosts[name] = h
		}
		if sum.Stopped != nil {
			at := *sum.Stopped
			at.Reason = f(at.Reason)
			sum.Stopped = &at
		}
		ev.Summary = &sum
	}
	if len(ev.Findings) > 0 {
		fs := make([]module.Finding, len(ev.Findings))
		for i, x := range ev.Findings {
			x.Summary, x.Detail, x.Cure = f(x.Summary), f(x.Detail), f(x.Cure)
			fs[i] = x
		}
		ev.Findings = fs
	}
	return ev
}

func mapStrings(in []string, f func(string) string) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = f(s)
	}
	return out
}
