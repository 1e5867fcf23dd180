package view

import (
	"bytes"
	"io"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
)

// screen is a terminal that nobody looks at.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func runEvents(hosts int) []event.Event {
	all := names(hosts)
	out := []event.Event{
		{Kind: event.RunStarted, Mode: "apply", Message: "site", Hosts: all, Run: "r"},
		{Kind: event.PlayStarted, Play: "p", Hosts: all},
		{Kind: event.BatchStarted, Play: "p", Batch: 1, Hosts: all},
	}
	sum := event.Summary{Hosts: map[string]event.HostSummary{}}
	for _, h := range all {
		out = append(out, event.Event{Kind: event.TaskStarted, Host: h, Task: "task.x.y"},
			event.Event{Kind: event.TaskFinished, Host: h, Task: "task.x.y", Status: event.Changed},
			event.Event{Kind: event.HostFinished, Host: h, Status: event.OK})
		sum.Hosts[h] = event.HostSummary{Status: event.OK, Tasks: map[event.Status]int{event.Changed: 1}}
	}
	return append(out, event.Event{Kind: event.BatchFinished, Batch: 1}, event.Event{Kind: event.PlayFinished, Play: "p"},
		event.Event{Kind: event.RunFinished, Summary: &sum})
}

// words is what a person reads: a terminal may be told to skip blanks instead of
// being given them.
func words(s string) string {
	return strings.Join(strings.Fields(regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`).ReplaceAllString(s, " ")), " ")
}

// What scrolls is what the plain view prints, and nothing of the live view
// stays behind.
func TestLivePrintsWhatPlainPrints(t *testing.T) {
	before := runtime.NumGoroutine()
	var plain bytes.Buffer
	h := NewHuman(&plain, Options{})
	in, keys := io.Pipe()
	defer keys.Close()
	out := &screen{}
	v := NewLive(in, out, LiveOptions{})
	for _, e := range runEvents(40) {
		if err := h.Emit(e); err != nil {
			t.Fatal(err)
		}
		if err := v.Emit(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	got := words(out.String())
	for _, line := range lines(plain.String()) {
		if !strings.Contains(got, words(line)) {
			t.Errorf("the live view did not print %q", line)
		}
	}
	_ = in.Close()
	for range 6000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	buf := make([]byte, 1<<16)
	t.Errorf("%d goroutines were left behind:\n%s", runtime.NumGoroutine()-before, buf[:runtime.Stack(buf, true)])
}

func TestLiveClosesWithoutARun(t *testing.T) {
	v := NewLive(strings.NewReader(""), &screen{}, LiveOptions{})
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
}

// The key says go to the run that is shown, which need not be the latest one of
// the journal.
func TestLiveApprovesTheRunItShows(t *testing.T) {
	got := ""
	v := NewLive(strings.NewReader(""), &screen{}, LiveOptions{Approve: func(run, gate string) error {
		got += run + " " + gate + "\n"
		return nil
	}})
	v.approve() // nothing waits
	v.board.apply(event.Event{Kind: event.GateStarted, Run: "r1", Gate: "shop", GateKind: "approval", Message: "approval is needed after batch 1"}, time.Now())
	v.approve()
	v.board.apply(event.Event{Kind: event.GateFinished, Run: "r1", Gate: "shop"}, time.Now())
	v.approve()
	if got != "r1 shop\n" {
		t.Errorf("approved %q", got)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
}
