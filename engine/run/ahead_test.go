package run_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/run"
	"github.com/ferry-ops/ferry/engine/schema"
)

// cells is a host that is nothing but numbered cells. It tells what was asked at
// the same time in one answer.
type cells struct {
	mu    sync.Mutex
	value map[string]int
	log   []string
	gets  int
}

func (c *cells) Run(_ context.Context, cmd host.Command) (host.Result, error) {
	cmd = cmd.Program()
	c.mu.Lock()
	defer c.mu.Unlock()
	a := cmd.Argv
	switch a[0] {
	case "get":
		var out []string
		for _, id := range a[1:] {
			out = append(out, strconv.Itoa(c.value[id]))
		}
		c.gets++
		return host.Result{Stdout: []byte(strings.Join(out, " "))}, nil
	case "set": // and spoil another cell, so that what was seen of it is stale
		n, _ := strconv.Atoi(a[2])
		c.value[a[1]] = n
		if a[3] != "" {
			c.value[a[3]] = 0
		}
		c.log = append(c.log, strings.Join(a, " "))
	}
	return host.Result{}, nil
}

func (*cells) Upload(context.Context, string, io.Reader, int64) error { return nil }
func (*cells) Download(context.Context, string, io.Writer) error      { return nil }
func (*cells) Reconnect(context.Context) error                        { return nil }
func (*cells) Lock(context.Context, int64, string) error              { return nil }
func (*cells) Close() error                                           { return nil }

// get asks for one cell.
func get(ctx context.Context, r host.Reader, id string) (host.Result, error) {
	return r.AskShared(ctx, host.Question{Kind: "cell", Item: id, Command: func(ids []string) host.Command {
		return host.Command{Argv: append([]string{"get"}, ids...)}
	}, Split: func(_ []string, res host.Result) (out []*host.Result) {
		for v := range strings.FieldsSeq(string(res.Stdout)) {
			out = append(out, &host.Result{Stdout: []byte(v)})
		}
		return out
	}})
}

// cell brings one cell to a value and spoils another.
type cell struct {
	id, spoils string
	to, was    int
}

func (s *cell) Schema(b *schema.Block) {
	b.String(&s.id, "id", "Cell.", schema.Required)
	b.String(&s.spoils, "spoils", "Cell that is set to 0 as well.")
	b.Int(&s.to, "to", "Value.")
}
func (s *cell) Results(r *schema.Results) { r.Int(&s.was, "was", "Value before.") }
func (s *cell) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	res, err := get(ctx, r, s.id)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(string(res.Stdout))
	s.was = n
	if err != nil || n == s.to {
		return nil, err
	}
	return module.Plan{{Argument: "to", From: strconv.Itoa(n), To: strconv.Itoa(s.to)}}, nil
}
func (s *cell) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	_, err := h.Exec(ctx, host.Command{Argv: []string{"set", s.id, strconv.Itoa(s.to), s.spoils}})
	return err
}

// joinedCells does what several cells would do. None of them may touch another.
type joinedCells struct {
	cell
	next []*cell
}

func (s *cell) Join(next module.Step) (module.Step, bool) {
	return (&joinedCells{cell: *s}).Join(next)
}

func (s *joinedCells) Join(next module.Step) (module.Step, bool) {
	n, ok := next.(*cell)
	if !ok {
		return nil, false
	}
	for _, c := range append([]*cell{&s.cell}, s.next...) {
		if c.id == n.id || c.spoils == n.id || n.spoils == c.id {
			return nil, false
		}
	}
	return &joinedCells{cell: s.cell, next: append(s.next[:len(s.next):len(s.next)], n)}, true
}

func (s *joinedCells) Apply(ctx context.Context, h host.Host, p module.Plan) error {
	if err := s.cell.Apply(ctx, h, p); err != nil {
		return err
	}
	for _, c := range s.next {
		if c.was == c.to { // what Probe saw
			continue
		}
		if err := c.Apply(ctx, h, nil); err != nil {
			return err
		}
	}
	return nil
}

// cellIs is a check of one cell.
type cellIs struct {
	id string
	is int
}

func (c *cellIs) Schema(b *schema.Block) {
	b.String(&c.id, "id", "Cell.", schema.Required)
	b.Int(&c.is, "is", "Value.")
}
func (c *cellIs) Check(ctx context.Context, r host.Reader) ([]module.Finding, error) {
	res, err := get(ctx, r, c.id)
	if err != nil || string(res.Stdout) == strconv.Itoa(c.is) {
		return nil, err
	}
	return []module.Finding{{Summary: "it is " + string(res.Stdout)}}, nil
}

func cellRegistry() *module.Registry {
	return module.NewRegistry(
		module.Info{Name: "cell", Summary: "s", New: func() module.Step { return &cell{} }},
		module.Info{Name: "cell", Summary: "s", NewCheck: func() module.Check { return &cellIs{} }},
	)
}

// playbookWith loads a playbook from text with the modules of a registry.
func playbookWith(t interface{ Fatalf(string, ...any) }, dir, src string, reg *module.Registry) *playbook.Playbook {
	path := filepath.Join(dir, "p.hcl")
	if err := os.WriteFile(path, []byte(src), 0o600); err != nil {
		t.Fatalf("%v", err)
	}
	pb, set := playbook.Load(path, reg, "")
	if pb == nil {
		t.Fatalf("%v\n%s", set.Diags, src)
	}
	return pb
}

// runCells runs a playbook on a host of cells and returns what it told, what it
// did and what is left.
func runCells(t *rapid.T, dir, src string, start map[string]int, oneByOne bool) (told, did []string, left map[string]int) {
	pb := playbookWith(t, dir, src, cellRegistry())
	c := &cells{value: map[string]int{}}
	for k, v := range start {
		c.value[k] = v
	}
	g, _ := pb.Globals(playbook.Inputs{})
	s := &stream{}
	o := run.Options{Mode: run.Apply, Sink: s, OneByOne: oneByOne}
	connect := func(context.Context, string, bool, string) (host.Transport, error) { return c, nil }
	hosts := []run.Host{{HostInfo: playbook.HostInfo{Name: "h"}}}
	if _, err := run.New(pb, g, connect, o).Run(context.Background(), []run.PlayHosts{{Play: pb.Plays[0], Hosts: hosts}}); err != nil {
		t.Fatal(err)
	}
	for _, e := range s.events {
		if e.Kind == event.TaskFinished {
			told = append(told, fmt.Sprint(e.Task, e.Status, e.Changes, e.Findings))
		}
	}
	return told, c.log, c.value
}

// Looking ahead must be invisible: for every playbook and every host, what is
// told, done and left is what one task after the other gives.
func TestLookingAheadEqualsOneByOne(t *testing.T) {
	dir := t.TempDir()
	writeSets(t, dir)
	rapid.Check(t, func(t *rapid.T) {
		ids := []string{"a", "b", "c", "d"}
		start := map[string]int{}
		for _, id := range ids {
			start[id] = rapid.IntRange(0, 2).Draw(t, "start")
		}
		var b strings.Builder
		b.WriteString("stack \"s\" { source = \"./stack\" }\nstack \"r\" { source = \"./stack\" }\n")
		b.WriteString("play \"p\" {\n  hosts = \"all\"\n")
		n := rapid.IntRange(1, 14).Draw(t, "tasks")
		plain := "" // the last task whose result a later one may ask
		for i := range n {
			id, to := rapid.SampledFrom(ids).Draw(t, "id"), rapid.IntRange(0, 2).Draw(t, "to")
			switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
			case kind == 0:
				fmt.Fprintf(&b, "  check \"cell\" \"t%d\" {\n    id = %q\n    is = %d\n    ignore_errors = true\n  }\n", i, id, to)
			case kind == 1 && i%3 == 2: // a set, for what its variables are given
				fmt.Fprintf(&b, "  use \"u%d\" {\n    source = \"./set\"\n    id = %q\n    to = %d\n", i, id, to)
				switch rapid.IntRange(0, 3).Draw(t, "use") {
				case 0:
					b.WriteString("    for_each = [1, 2]\n")
				case 1:
					fmt.Fprintf(&b, "    when = %v\n", to == 1)
				}
				b.WriteString("  }\n")
			case kind == 1 && i%3 == 1:
				fmt.Fprintf(&b, "  call %q {}\n", rapid.SampledFrom([]string{"drain", "start"}).Draw(t, "hook"))
			case kind == 1 && i > 0:
				fmt.Fprintf(&b, "  block \"b%d\" {\n    task \"cell\" \"t%d\" {\n      id = %q\n      to = %d\n    }\n  }\n", i, i, id, to)
			default:
				fmt.Fprintf(&b, "  task \"cell\" \"t%d\" {\n    id = %q\n    to = %d\n", i, id, to)
				if kind < 5 {
					fmt.Fprintf(&b, "    spoils = %q\n", rapid.SampledFrom(ids).Filter(func(s string) bool { return s != id }).Draw(t, "spoils"))
				}
				switch more := rapid.IntRange(0, 5).Draw(t, "more"); {
				case kind == 9:
					b.WriteString("    for_each = [1, 2]\n")
				case more == 0 && plain != "":
					fmt.Fprintf(&b, "    when = task.cell.%s.changed\n", plain)
				case more == 1:
					b.WriteString("    point_of_no_return = true\n")
				case more == 2:
					b.WriteString("    notify = [handler.cell.h]\n")
				}
				if kind != 9 {
					plain = fmt.Sprintf("t%d", i)
				}
				b.WriteString("  }\n")
			}
		}
		fmt.Fprintf(&b, "  handler \"cell\" \"h\" {\n    id = \"h\"\n    to = %d\n  }\n", rapid.IntRange(0, 1).Draw(t, "handler"))
		b.WriteString("}\n")
		told1, did1, left1 := runCells(t, dir, b.String(), start, true)
		told2, did2, left2 := runCells(t, dir, b.String(), start, false)
		if d := cmp.Diff([]any{told1, did1, left1}, []any{told2, did2, left2}); d != "" {
			t.Fatalf("looking ahead changes the run (-one by one, +ahead):\n%s\n%s", d, b.String())
		}
	})
}
