package run_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/run"
	"github.com/ferry-ops/ferry/engine/schema"
)

// world is all hosts of a test: what they were told, and how they answer.
type world struct {
	mu   sync.Mutex
	log  []string          // "HOST VERB ID" of commands that may write, in order
	done map[string]bool   // "HOST ID" that were applied
	seen map[string]int    // "HOST VERB ID": times asked
	on   map[string]answer // by "HOST VERB ID", or "VERB ID" for every host
	away map[string]bool   // hosts that cannot be reached
}

// answer decides the n-th answer, counted from 1.
type answer func(n int) (host.Result, error)

func newWorld() *world {
	return &world{done: map[string]bool{}, seen: map[string]int{}, on: map[string]answer{}, away: map[string]bool{}}
}

func exits(code int, out string) answer {
	return func(int) (host.Result, error) { return host.Result{Code: code, Stdout: []byte(out)}, nil }
}

func fails(err error) answer { return func(int) (host.Result, error) { return host.Result{}, err } }

// connect implements run.Connect.
func (w *world) connect(_ context.Context, name string, _ bool, _ string) (host.Transport, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away[name] {
		return nil, &host.ConnectError{Host: name, Address: "192.0.2.1:22", What: "Nothing answers.", Cure: "Start it."}
	}
	return &fake{w: w, name: name}, nil
}

// fake is a transport to one host of the world.
type fake struct {
	w    *world
	name string
}

func (f *fake) Run(ctx context.Context, c host.Command) (host.Result, error) {
	c = c.Program()
	if err := ctx.Err(); err != nil {
		return host.Result{}, err
	}
	if c.Argv[0] == "/bin/sh" { // facts, and whether a job is under way
		return host.Result{}, nil
	}
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	verb, id := c.Argv[0], c.Argv[1]
	key := verb + " " + id
	f.w.seen[f.name+" "+key]++
	if !c.ReadOnly {
		f.w.log = append(f.w.log, f.name+" "+key)
	}
	a := f.w.on[f.name+" "+key]
	if a == nil {
		a = f.w.on[key]
	}
	var res host.Result
	var err error
	switch {
	case a != nil:
		res, err = a(f.w.seen[f.name+" "+key])
	case verb == "probe" && !f.w.done[f.name+" "+id]:
		res.Code = 1
	}
	if verb == "apply" && (err == nil && res.Code == 0 || c.Env["EFFECT"] != "") {
		for part := range strings.SplitSeq(id, "+") { // what several steps do in one go
			f.w.done[f.name+" "+part] = true
		}
	}
	return res, err
}

func (f *fake) Upload(context.Context, string, io.Reader, int64) error { return nil }
func (f *fake) Download(context.Context, string, io.Writer) error      { return nil }
func (f *fake) Lock(context.Context, int64, string) error              { return nil }
func (f *fake) Close() error                                           { return nil }
func (f *fake) Reconnect(context.Context) error {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	if f.w.away[f.name] {
		return fmt.Errorf("%s: %w", f.name, host.ErrUnreachable)
	}
	return nil
}

// settle is a step that asks "probe ID" and does "apply ID".
type settle struct {
	id, secret, shown, out string
}

func (s *settle) SetName(n string) { s.id = n }

func (s *settle) Schema(b *schema.Block) {
	b.String(&s.id, "id", "What it is about.")
	b.String(&s.secret, "secret", "What nobody may see.", schema.Sensitive)
	b.String(&s.shown, "shown", "What may be sensitive.", schema.MaySensitive)
}

func (s *settle) Results(r *schema.Results) { r.String(&s.out, "out", "What it printed.") }

func (s *settle) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	argv := []string{"probe", s.id}
	res, err := r.Query(ctx, argv...)
	switch {
	case err != nil:
		return nil, err
	case res.Code == 1:
		return module.Plan{{Argument: "shown", From: "nothing", To: s.shown, Diff: s.secret + s.shown}}, nil
	case res.Code != 0:
		return nil, &host.CommandError{Argv: argv, Result: res}
	}
	return nil, nil
}

func (s *settle) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	argv := []string{"apply", s.id}
	res, err := h.Exec(ctx, host.Command{Argv: argv})
	if res, err = host.Must(argv, res, err); err != nil {
		return err
	}
	s.out = string(res.Stdout)
	return nil
}

// act is a step that does "act ID" each time.
type act struct{ settle }

func (s *act) Probe(context.Context, host.Reader) (module.Plan, error) {
	return module.Plan{{Argument: "act " + s.id}}, nil
}

func (s *act) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	argv := []string{"act", s.id}
	res, err := h.Exec(ctx, host.Command{Argv: argv})
	if res, err = host.Must(append(argv, s.shown), res, err); err != nil {
		return err
	}
	s.out = string(res.Stdout)
	return nil
}

// look is a check that asks "look ID".
type look struct{ id string }

func (c *look) SetName(n string)     { c.id = n }
func (c *look) Schema(*schema.Block) {}
func (c *look) Check(ctx context.Context, r host.Reader) ([]module.Finding, error) {
	res, err := r.Query(ctx, "look", c.id)
	if err != nil || res.Code == 0 {
		return nil, err
	}
	return []module.Finding{{Summary: "found " + string(res.Stdout)}}, nil
}

func registry() *module.Registry {
	return module.NewRegistry(
		module.Info{Name: "settle", Summary: "Brings about a state.", New: func() module.Step { return &settle{} }},
		module.Info{Name: "bundle", Summary: "Brings about several states at once.", New: func() module.Step { return &bundle{} }},
		module.Info{Name: "shift", Summary: "A bundle that alters facts.", Effects: module.ChangesFacts, New: func() module.Step { return &bundle{} }},
		module.Info{Name: "act", Summary: "Acts.", Effects: module.Action, New: func() module.Step { return &act{} }},
		module.Info{Name: "look", Summary: "Looks.", NewCheck: func() module.Check { return &look{} }},
	)
}

// stream keeps events.
type stream struct {
	mu     sync.Mutex
	events []event.Event
}

func (s *stream) Emit(e event.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
	return nil
}

// ended are "TASK status" of finished tasks on a host, in order.
func (s *stream) ended(hostName string) string {
	var out []string
	for _, e := range s.events {
		if e.Kind == event.TaskFinished && e.Host == hostName {
			task := e.Task
			for _, p := range []string{"task.", "check.", "settle.", "bundle.", "act.", "look."} {
				task = strings.TrimPrefix(task, p)
			}
			out = append(out, strings.TrimPrefix(task, "settle.")+" "+string(e.Status))
		}
	}
	return strings.Join(out, ", ")
}

func (s *stream) json(t testing.TB) string {
	t.Helper()
	b, err := json.Marshal(s.events)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// playbookOf loads a playbook from text. Blocks begin in the play "p" unless the
// text declares plays itself.
func playbookOf(t testing.TB, dir, src string) *playbook.Playbook {
	t.Helper()
	if !strings.Contains(src, "play \"") {
		src = "play \"p\" {\n  hosts = \"all\"\n" + src + "\n}\n"
	}
	path := filepath.Join(dir, "p.hcl")
	if err := os.WriteFile(path, []byte(src), 0o644); err != nil {
		t.Fatal(err)
	}
	pb, set := playbook.Load(path, registry(), "")
	if pb == nil {
		t.Fatal(set.Diags)
	}
	return pb
}

// result is what is left of a run.
type result struct {
	*stream
	sum event.Summary
}

// runIn runs a playbook on hosts of a world.
func runIn(t testing.TB, w *world, src string, o run.Options, hosts ...string) result {
	t.Helper()
	return runPlaybook(t, w, playbookOf(t, t.TempDir(), src), o, hosts...)
}

func runPlaybook(t testing.TB, w *world, pb *playbook.Playbook, o run.Options, hosts ...string) result {
	t.Helper()
	return runOn(t, w.connect, pb, o, hosts...)
}

func runOn(t testing.TB, connect run.Connect, pb *playbook.Playbook, o run.Options, hosts ...string) result {
	t.Helper()
	s := &stream{}
	o.Sink = s
	if o.Mode == "" {
		o.Mode = run.Apply
	}
	g, set := pb.Globals(playbook.Inputs{})
	if set.HasErrors() {
		t.Fatal(set.Diags)
	}
	var plays []run.PlayHosts
	for _, p := range pb.Plays {
		ph := run.PlayHosts{Play: p}
		for _, h := range hosts {
			ph.Hosts = append(ph.Hosts, run.Host{HostInfo: playbook.HostInfo{Name: h}})
		}
		plays = append(plays, ph)
	}
	sum, err := run.New(pb, g, connect, o).Run(context.Background(), plays)
	if err != nil {
		t.Fatal(err)
	}
	return result{stream: s, sum: sum}
}
