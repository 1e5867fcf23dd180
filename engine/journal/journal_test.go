package journal_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/journal"
)

func open(t *testing.T, dir string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func read(t *testing.T, j *journal.Journal, run string) (out []event.Event) {
	t.Helper()
	if err := j.Events(run, func(e event.Event) error { out = append(out, e); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWhatIsAppendedIsReadBackInOrder(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	r, err := j.Begin("p", "apply", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for w := range 20 {
		wg.Go(func() {
			for i := range 50 {
				kind := event.TaskApplying
				if i%2 == 0 {
					kind = event.TaskOutput
				}
				if err := j.Emit(event.Event{Run: r.ID, Kind: kind, Host: fmt.Sprint(w), Task: "t", Message: fmt.Sprint(i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(event.Event{}); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("an event after Close gives %v", err)
	}
	events := read(t, open(t, dir), r.ID)
	if len(events) != 1000 {
		t.Fatalf("%d of 1000 events are there", len(events))
	}
	next := map[string]int{}
	for _, e := range events {
		if e.Message != fmt.Sprint(next[e.Host]) {
			t.Fatalf("host %s: event %s comes where %d should", e.Host, e.Message, next[e.Host])
		}
		next[e.Host]++
	}
}

func TestEpochsGrowEvenIfTheClockGoesBack(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	now := time.Now()
	a, err := j.Begin("p", "apply", now)
	if err != nil {
		t.Fatal(err)
	}
	b, err := j.Begin("p", "apply", now.Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if b.Epoch <= a.Epoch || a.ID == b.ID {
		t.Errorf("%+v does not come after %+v", b, a)
	}
	runs, err := j.Runs()
	if err != nil || len(runs) != 2 || runs[0].ID != b.ID {
		t.Errorf("%v %+v", err, runs)
	}
}

// What was acknowledged survives a kill of the process at any moment.
func TestNothingAcknowledgedIsLostByAKill(t *testing.T) {
	if dir := os.Getenv("JOURNAL_WRITER"); dir != "" {
		j, err := journal.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		r, err := j.Begin("p", "apply", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("run", r.ID)
		for i := 0; ; i++ {
			if err := j.Append(event.Event{Run: r.ID, Kind: event.TaskApplying, Host: "h", Task: "t", Message: fmt.Sprint(i)}); err != nil {
				t.Fatal(err)
			}
			fmt.Println("acked", i)
		}
	}
	for _, enough := range []int{1, 5, 50, 300, 1000} {
		dir := filepath.Join(t.TempDir(), "j")
		cmd := exec.Command(os.Args[0], "-test.run", t.Name())
		cmd.Env = append(os.Environ(), "JOURNAL_WRITER="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		run, last := "", -1
		for lines := bufio.NewScanner(out); lines.Scan(); { // to the end: what it said before it died counts
			if s, ok := strings.CutPrefix(lines.Text(), "run "); ok {
				run = s
			}
			if _, err := fmt.Sscanf(lines.Text(), "acked %d", &last); err == nil && last == enough {
				_ = cmd.Process.Kill()
			}
		}
		_ = cmd.Wait()
		if last < enough {
			t.Fatalf("the writer ended by itself after %d events", last+1)
		}
		events := read(t, open(t, dir), run)
		if len(events) < last+1 {
			t.Errorf("%d events were acknowledged, %d are there", last+1, len(events))
		}
		for i, e := range events {
			if e.Message != fmt.Sprint(i) {
				t.Fatalf("event %d is %q", i, e.Message)
			}
		}
	}
}

func TestAnUnusableDirectoryIsSaid(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Open(filepath.Join(file, "x")); err == nil || !strings.Contains(err.Error(), "journal") {
		t.Errorf("gives %v", err)
	}
}

// Of two processes that resume the same run at the same time one goes on with
// it, and a process that died after it had begun can be resumed itself.
func TestARunIsResumedOnce(t *testing.T) {
	j := open(t, t.TempDir())
	first, second, third := begin(t, j), begin(t, j), begin(t, j)
	for run, o := range map[string]journal.Origin{first: {}, second: {Resumes: first}} {
		o.Request = []byte("{}")
		if err := j.SetOrigin(run, o); err != nil {
			t.Fatal(err)
		}
	}
	var resumed *journal.ErrResumed
	if err := j.SetOrigin(third, journal.Origin{Resumes: first, Request: []byte("{}")}); !errors.As(err, &resumed) || resumed.By != second {
		t.Errorf("a second process resumed the run: %v", err)
	}
	if err := j.SetOrigin(third, journal.Origin{Resumes: second, Request: []byte("{}")}); err != nil {
		t.Error(err)
	}
	late := begin(t, j)
	if err := j.SetOrigin(late, journal.Origin{Resumes: first, Request: []byte("{}")}); err == nil {
		t.Error("a third process resumed the run")
	}
	if err := j.Drop(late); err != nil {
		t.Error(err)
	}
	if err := j.Drop(third); err != nil { // it has begun, so it stays
		t.Error(err)
	}
	if runs, err := j.Runs(); err != nil || runs[0].ID != third {
		t.Errorf("the latest run is %v, %v", runs, err)
	}
	for range 2 { // runs that resume nothing do not meet
		if err := j.SetOrigin(begin(t, j), journal.Origin{Request: []byte("{}")}); err != nil {
			t.Error(err)
		}
	}
}

func begin(t *testing.T, j *journal.Journal) string {
	t.Helper()
	r, err := j.Begin("p", "apply", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return r.ID
}

// A handler is owed from before its task acts until it has ended well, also one
// of a set or a stack, and also if the process dies right after.
func TestAHandlerThatRanIsNotOwed(t *testing.T) {
	j := open(t, t.TempDir())
	run := begin(t, j)
	for _, h := range []string{"handler.x.a", "use.s.handler.x.a", `use.s["k"].handler.x.a`, "stack.web.handler.x.a"} {
		emit := func(e event.Event) {
			e.Run, e.Play, e.Host = run, "p", "h"
			if err := j.Emit(e); err != nil {
				t.Fatal(err)
			}
		}
		owed := func() string {
			all, err := j.Owed("p")
			if err != nil {
				t.Fatal(err)
			}
			return strings.Join(all["h"]["p"], " ")
		}
		emit(event.Event{Kind: event.TaskApplying, Task: "task.x.t", Notify: []string{h}})
		if got := owed(); got != h {
			t.Errorf("%q is owed, want %q", got, h)
		}
		emit(event.Event{Kind: event.TaskFinished, Task: h, Status: event.Changed})
		if got := owed(); got != "" {
			t.Errorf("%q is owed after it ran", got)
		}
	}
}
