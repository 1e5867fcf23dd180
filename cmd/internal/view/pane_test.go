package view

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/ferry-ops/ferry/engine/event"
)

var epoch = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func at(s int) time.Time { return epoch.Add(time.Duration(s) * time.Second) }

func names(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("web-%03d", i)
	}
	return out
}

// sample is a board in the middle of a batch: one host done, one failed, one out
// of reach, one in a long transaction, one connecting.
func sample() *board {
	b := newBoard(map[string]int{"migrate": 4})
	hosts := names(8)
	for _, e := range []struct {
		at int
		ev event.Event
	}{
		{0, event.Event{Kind: event.RunStarted, Mode: "apply"}},
		{0, event.Event{Kind: event.PlayStarted, Play: "migrate", Hosts: hosts}},
		{0, event.Event{Kind: event.BatchStarted, Batch: 1, Hosts: hosts[:6]}},
		{0, event.Event{Kind: event.HostStarted, Host: "web-000"}},
		{1, event.Event{Kind: event.HostFinished, Host: "web-000", Status: event.OK}},
		{1, event.Event{Kind: event.HostFinished, Host: "web-001", Status: event.Failed}},
		{2, event.Event{Kind: event.TaskStarted, Host: "web-002", Task: "task.distro_sync.openeuler"}},
		{3, event.Event{Kind: event.TaskOutput, Host: "web-002", Task: "task.distro_sync.openeuler", Message: "  Upgrading        : glibc-2.34-1.oe2203.x86_64        12/345 "}},
		{4, event.Event{Kind: event.TaskStarted, Host: "web-003", Task: "task.reboot.kernel"}},
		{9, event.Event{Kind: event.TaskWaiting, Host: "web-003", Task: "task.reboot.kernel", Message: "the host is out of reach"}},
		{70, event.Event{Kind: event.HostStarted, Host: "web-004"}},
		{70, event.Event{Kind: event.TaskStarted, Host: "web-004", Task: "task.package.base"}},
		{71, event.Event{Kind: event.HostConnecting, Host: "web-004"}},
		{80, event.Event{Kind: event.HostConnected, Host: "web-000"}}, // a gate looks at it
	} {
		b.apply(e.ev, at(e.at))
	}
	return b
}

func TestPane(t *testing.T) {
	got := strings.Join(sample().pane(110, 40, at(100), 0, false), "\n")
	want := `
 Play "migrate", batch 1: 6 hosts                                  ━━━━━━──────────────────  2/8 hosts  1m40s
 ! web-003  task.reboot.kernel            1m36s  the host is out of reach
 ⠋ web-002  task.distro_sync.openeuler    1m38s   12/345  Upgrading : glibc-2.34-1.oe2203.x86_64
 ⠋ web-004  connecting                      30s
 1 done, 1 failed, 2 working, 1 out of reach, 1 waiting for their turn, 2 in later batches`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// Whatever the size of the terminal, the pane fits in, and leaves room for what
// scrolls above it.
func TestPaneFits(t *testing.T) {
	b := newBoard(nil)
	hosts := names(300)
	b.apply(event.Event{Kind: event.PlayStarted, Play: "a play with quite a long name 日本語", Hosts: hosts}, at(0))
	b.apply(event.Event{Kind: event.BatchStarted, Batch: 1, Hosts: hosts}, at(0))
	for i, h := range hosts[:200] {
		b.apply(event.Event{Kind: event.TaskStarted, Host: h, Task: "task.distro_sync.a_rather_long_name_of_a_task_that_is_cut"}, at(i))
		b.apply(event.Event{Kind: event.TaskOutput, Host: h, Task: "t", Message: "\x1b[31mdownloading\t" + strings.Repeat("日本", 60)}, at(i))
	}
	b.stopping = strings.Repeat("stopping ", 30)
	for width := 1; width < 200; width += 3 {
		for height := 1; height < 60; height += 5 {
			lines := b.pane(width, height, at(1000), 3, true)
			if len(lines) > max(height/2+2, 6) {
				t.Fatalf("%dx%d: %d lines", width, height, len(lines))
			}
			for _, line := range lines {
				if w := lipgloss.Width(line); w > width && width >= 10 {
					t.Fatalf("%dx%d: a line of %d columns: %q", width, height, w, line)
				}
			}
		}
	}
}

func TestManyHosts(t *testing.T) {
	b := newBoard(nil)
	hosts := names(200)
	b.apply(event.Event{Kind: event.PlayStarted, Play: "p", Hosts: hosts}, at(0))
	b.apply(event.Event{Kind: event.BatchStarted, Batch: 1, Hosts: hosts}, at(0))
	for i, h := range hosts {
		switch {
		case i < 184:
			b.apply(event.Event{Kind: event.HostFinished, Host: h, Status: event.OK}, at(1))
		case i < 187:
			b.apply(event.Event{Kind: event.HostFinished, Host: h, Status: event.Failed}, at(1))
		case i == 198:
			b.apply(event.Event{Kind: event.HostStarted, Host: h}, at(i))
		case i == 199:
			b.apply(event.Event{Kind: event.TaskStarted, Host: h, Task: "u"}, at(i))
		case i > 193: // the elements of for_each are one task
			b.apply(event.Event{Kind: event.TaskStarted, Host: h, Task: "t[\"" + h + "\"]"}, at(i))
		default:
			b.apply(event.Event{Kind: event.TaskStarted, Host: h, Task: "t"}, at(i))
		}
	}
	lines := b.pane(120, 20, at(300), 0, false)
	got := strings.Join(lines[len(lines)-2:], "\n")
	if want := "   and 7 more: 5 t, 1 connecting, 1 u\n 184 done, 3 failed, 13 working"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !strings.Contains(lines[2], "web-187") {
		t.Errorf("the host that works longest is not first: %q", lines[2])
	}
}

func TestSaid(t *testing.T) {
	for line, want := range map[string]string{
		"  Upgrading        : glibc-2.34-1.x86_64      12/345 ": " 12/345  Upgrading : glibc-2.34-1.x86_64",
		"(7/20): bash-5.1.rpm   1.2 MB/s | 1 MB":                " 7/20  bash-5.1.rpm 1.2 MB/s | 1 MB",
		"[ 3/9] Installing x":                                   "[ 3/9] Installing x",
		"Transaction test succeeded.":                           "Transaction test succeeded.",
		"reading /var/lib/rpm":                                  "reading /var/lib/rpm",
		"":                                                      "",
	} {
		if got := (&row{line: line}).said(); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

func TestDone(t *testing.T) {
	b := newBoard(map[string]int{"p": 4})
	b.apply(event.Event{Kind: event.PlayStarted, Play: "p", Hosts: names(2)}, at(0))
	if b.done() != 0 {
		t.Errorf("at the start: %v", b.done())
	}
	b.apply(event.Event{Kind: event.TaskFinished, Host: "web-000", Task: `task.x.y["a"]`, Status: event.OK}, at(0))
	b.apply(event.Event{Kind: event.TaskFinished, Host: "web-000", Task: `task.x.y["b"]`, Status: event.OK}, at(0))
	if b.done() != 0.125 { // the elements of for_each are one task
		t.Errorf("after one of four tasks on one of two hosts: %v", b.done())
	}
	for _, h := range names(2) {
		b.apply(event.Event{Kind: event.HostFinished, Host: h, Status: event.OK}, at(1))
	}
	if b.done() != 1 {
		t.Errorf("at the end: %v", b.done())
	}
}

// How to say go is seen, however long the gate's message is.
func TestPaneSaysHowToApprove(t *testing.T) {
	b := sample()
	now := time.Now()
	b.apply(event.Event{Kind: event.GateStarted, Gate: "shop", GateKind: "approval", Message: "approval is needed after batch 1: " + strings.Repeat("look ", 60)}, now)
	if got := strings.Join(b.pane(60, 24, now, 0, false), "\n"); !strings.Contains(got, `gate "shop" (y: approve): approval is needed`) {
		t.Errorf("the pane is\n%s", got)
	}
}

// The pane counts a task's time from when the host is connected.
func TestPaneKnowsConnecting(t *testing.T) {
	b := sample()
	b.apply(event.Event{Kind: event.HostConnected, Host: "web-004"}, at(95))
	if got, want := strings.Join(b.pane(110, 40, at(100), 0, false), "\n"), "web-004  task.package.base                5s"; !strings.Contains(got, want) {
		t.Errorf("the pane is\n%s", got)
	}
}

// A task that waits for its delegate is told of at the host whose task it is. What
// was said of the connection is over with it.
func TestPaneOfDelegates(t *testing.T) {
	b := sample()
	now := at(100)
	line := func(host string) string {
		for _, l := range b.pane(110, 40, now, 0, false) {
			if strings.Contains(l, host+" ") {
				return strings.Join(strings.Fields(l)[1:], " ")
			}
		}
		return ""
	}
	b.apply(event.Event{Kind: event.TaskStarted, Host: "web-004", Task: "task.command.drain"}, at(80))
	b.apply(event.Event{Kind: event.HostConnecting, Host: "web-004", Delegate: "web-002"}, at(81))
	b.apply(event.Event{Kind: event.TaskWaiting, Host: "web-004", Delegate: "web-002", Message: "breaks off logins"}, at(85))
	if got, want := line("web-004"), "web-004 connecting to web-002 20s breaks off logins"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	b.apply(event.Event{Kind: event.HostConnected, Host: "web-004", Delegate: "web-002"}, at(95))
	if got, want := line("web-004"), "web-004 task.command.drain 5s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := line("web-002"); !strings.HasPrefix(got, "web-002 task.distro_sync.openeuler 1m38s") {
		t.Errorf("the delegate's own row: %q", got)
	}
	// One that could not be reached is tried again later.
	b.apply(event.Event{Kind: event.HostConnecting, Host: "web-004"}, at(96))
	b.apply(event.Event{Kind: event.TaskRetried, Host: "web-004", Task: "task.command.drain", Message: "again in 5m"}, at(97))
	if got, want := line("web-004"), "web-004 task.command.drain 5s again in 5m"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
