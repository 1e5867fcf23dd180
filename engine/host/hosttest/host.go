package hosttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
)

// Stage is what a host shows after something was done to it: a command as its
// line, "job KEY", "write PATH", "reboot" or "reconnect".
type Stage struct {
	After string
	State *State
}

// Call is one call of a host's methods.
type Call struct {
	// Line is the call in one line or more: a command with "$ " before it, "job
	// KEY" and its script, "write PATH MODE OWNER GROUP" and the content, …
	Line  string
	Write bool
	Argv  []string // of a command
}

// ErrUnscripted is what a call gives that the host's description says nothing of.
var ErrUnscripted = errors.New("the fake host is not told what to answer")

// Host is a fake host. Its methods may be called concurrently.
type Host struct {
	// Unscripted, if set, is told of each call without an answer: the entry that
	// would give one.
	Unscripted func(entry string)

	name   string
	stages []Stage

	mu       sync.Mutex
	facts    map[string]any
	files    map[string]*file
	pending  map[string]bool
	answers  []*answer
	first    int // answers of the first state; the others are those of stages
	calls    []Call
	age      int
	fault    Fault
	faultAt  int // counted down with each call
	faultAll bool
}

var _ host.Host = (*Host)(nil)

// New returns a host that shows a state, and those of stages once what they name
// was done to it.
func New(name string, s *State, stages ...Stage) *Host {
	h := &Host{name: name, stages: stages, facts: map[string]any{}, files: map[string]*file{}, pending: map[string]bool{}}
	h.overlay(s)
	h.first = len(h.answers)
	return h
}

func (h *Host) overlay(s *State) {
	for n, v := range s.facts {
		h.facts[n] = v
	}
	for path := range s.gone {
		h.remove(path)
	}
	for path, f := range s.files {
		c := *f
		c.content = bytes.Clone(f.content)
		c.age = h.age
		h.files[path] = &c
	}
	for k, v := range s.pending {
		h.pending[k] = v
	}
	for _, a := range s.answers {
		c := *a
		h.answers = append(h.answers, &c)
	}
}

// Calls returns what was called so far.
func (h *Host) Calls() []Call {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Call(nil), h.calls...)
}

// Writes returns the calls that may have changed the host.
func (h *Host) Writes() []string {
	var out []string
	for _, c := range h.Calls() {
		if c.Write {
			out = append(out, c.Line)
		}
	}
	return out
}

// Unused returns the answers of the first state that nothing asked for.
func (h *Host) Unused() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for _, a := range h.answers[:h.first] {
		if !a.used {
			out = append(out, a.line)
		}
	}
	return out
}

// Struck reports whether the fault set by Break or Kill has come about.
func (h *Host) Struck() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.fault != NoFault && h.faultAt <= 0
}

// Snapshot describes every path of the host, for comparing.
func (h *Host) Snapshot() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var lines []string
	for p, f := range h.files {
		lines = append(lines, fmt.Sprintf("%s %s %04o %s %s %s %q", p, f.kind, f.mode, f.owner, f.group, f.target, f.content))
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n") + "\n"
}

// begin records a call and gives the fault it has to fail with.
func (h *Host) begin(ctx context.Context, line string, write bool) (Fault, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	h.calls = append(h.calls, Call{Line: line, Write: write})
	f := h.due()
	return f, f.before(h.name)
}

// changed makes the stages active that follow what was done. The words are those
// of the stage's After.
func (h *Host) changed(words ...string) {
	for _, st := range h.stages {
		if after, err := Words(st.After); err == nil && match(after, words) {
			h.overlay(st.State)
		}
	}
}

// find returns the last answer to a command.
func (h *Host) find(words []string) *answer {
	for i := len(h.answers) - 1; i >= 0; i-- {
		if match(h.answers[i].words, words) {
			return h.answers[i]
		}
	}
	return nil
}

func (h *Host) staged(words []string) bool {
	for _, st := range h.stages {
		if after, err := Words(st.After); err == nil && match(after, words) {
			return true
		}
	}
	return false
}

func (h *Host) unscripted(entry string) error {
	if h.Unscripted != nil {
		h.Unscripted(entry)
	}
	return fmt.Errorf("%w: %s", ErrUnscripted, entry)
}

// Name implements host.Reader.
func (h *Host) Name() string { return h.name }

// Facts implements host.Reader.
func (h *Host) Facts(ctx context.Context, names ...string) (host.Facts, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f, err := h.begin(ctx, "facts "+strings.Join(names, " "), false)
	if err != nil {
		return nil, err
	}
	if err := f.whole(h.name); err != nil {
		return nil, err
	}
	out := host.Facts{}
	for _, n := range names {
		v, ok := h.facts[n]
		if !ok {
			return nil, h.unscripted("fact " + n + " VALUE")
		}
		out[n] = v
	}
	return out, nil
}

// JobPending implements host.Reader.
func (h *Host) JobPending(ctx context.Context, key string) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f, err := h.begin(ctx, "pending "+key, false)
	if err != nil {
		return false, err
	}
	return h.pending[key], f.whole(h.name)
}

// Job implements host.Host.
func (h *Host) Job(ctx context.Context, j host.Job) (host.JobResult, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f, err := h.begin(ctx, "job "+j.Key+quoted("|", []byte(j.Script)), true)
	if err != nil {
		return host.JobResult{}, err
	}
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	res := host.JobResult{Started: began, Finished: began.Add(time.Minute), Adopted: h.pending[j.Key]}
	if f == ExitOne {
		res.Code, res.Log = 1, []byte("injected failure\n")
		return res, nil
	}
	a := h.find([]string{"job", j.Key})
	switch {
	case a == nil && !h.staged([]string{"job", j.Key}):
		return host.JobResult{}, h.unscripted("job " + j.Key)
	case a != nil:
		a.used = true
		res.Code, res.Log = a.code, bytes.Clone(a.stdout)
	}
	h.pending[j.Key] = false
	h.changed("job", j.Key)
	if err := f.after(h.name); err != nil {
		h.pending[j.Key] = true // it ends while nobody looks
		return host.JobResult{}, err
	}
	if j.Output != nil {
		for line := range strings.Lines(string(res.Log)) {
			j.Output(strings.TrimSuffix(line, "\n"))
		}
	}
	return res, nil
}

// Reboot implements host.Host.
func (h *Host) Reboot(ctx context.Context, r host.Reboot) error {
	line := "reboot"
	if len(r.Command) > 0 {
		line += " " + host.QuoteArgv(r.Command)
	}
	return h.act(ctx, line, "reboot")
}

// Reconnect implements host.Host.
func (h *Host) Reconnect(ctx context.Context) error { return h.act(ctx, "reconnect", "reconnect") }

func (h *Host) act(ctx context.Context, line, word string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	f, err := h.begin(ctx, line, true)
	if err != nil {
		return err
	}
	if f == ExitOne {
		return errExit
	}
	if a := h.find([]string{word}); a != nil {
		a.used = true
		if a.code != 0 {
			return errors.New(strings.TrimSpace(string(a.stdout)))
		}
	}
	h.changed(word)
	return f.after(h.name)
}

// Forget implements host.Host. The fake keeps no cache.
func (h *Host) Forget() {}

// Upload implements host.Host.
func (h *Host) Upload(ctx context.Context, path string, c host.Content, a host.Attr) error {
	r, size, _, err := c.Open(false)
	if err != nil {
		return err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	switch {
	case err != nil:
		return err
	case int64(len(b)) != size:
		return fmt.Errorf("upload of %s: %d bytes were announced, and %d came", path, size, len(b))
	}
	return h.WriteFile(ctx, path, b, a)
}

// Download implements host.Host.
func (h *Host) Download(ctx context.Context, path string, w io.Writer) error {
	b, err := h.read(ctx, "download "+path, path)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}
