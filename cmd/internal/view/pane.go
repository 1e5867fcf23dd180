package view

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/ferry-ops/ferry/engine/event"
)

// Limits of the pane: it leaves most of the terminal to what scrolls above.
const (
	minPane = 4
	maxRows = 14
	barLen  = 24
)

var spinner = [...]string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}

// pane draws the board as at most half of height lines of at most width columns.
func (b *board) pane(width, height int, now time.Time, frame int, st style) []string {
	if b.play == "" || width < 10 {
		return []string{" " + st.dim(spinner[frame%len(spinner)])}
	}
	most := min(maxRows, max(height/2-minPane+1, 1))
	more := len(b.rows) > most && most > 1 // a line on the others
	if more {
		most--
	}
	shown, others := b.working(most)
	out := []string{"", b.header(width, now, st)}
	out = append(out, b.lines(shown, width, now, frame, st)...)
	if more {
		out = append(out, " "+st.dim(clip("  "+summed(others), width-2)))
	}
	out = append(out, " "+st.dim(clip(b.counts(), width-2)))
	if b.gate != "" {
		text := b.gate
		if b.approval {
			at := fmt.Sprintf("gate %q", b.gateName)
			text = at + " (y: approve)" + strings.TrimPrefix(text, at) // first: the message may be long
		}
		out = append(out, " "+st.status(event.Changed, clip(spinner[frame%len(spinner)]+" "+text, width-2)))
	}
	if b.stopping != "" {
		out = append(out, " "+st.status(event.Changed, clip(b.stopping, width-2)))
	}
	for i, line := range out {
		if lipgloss.Width(line) > width {
			out[i] = lipgloss.NewStyle().Inline(true).MaxWidth(width).Render(line)
		}
	}
	return out
}

func (b *board) header(width int, now time.Time, st style) string {
	title := fmt.Sprintf("Play %q", b.play)
	if b.mode == "plan" {
		title += " (plan)"
	}
	if b.batched > 0 && (b.batched < b.total-b.lost || b.batch > 1) {
		title += fmt.Sprintf(", batch %d: %s", b.batch, Count(b.batched, "host"))
	}
	right := fmt.Sprintf("%d/%s  %s", b.finished(), Count(b.total, "host"), Elapsed(now.Sub(b.started)))
	full := int(math.Round(b.done() * barLen))
	if width < 70 {
		return " " + st.bold(clip(title+"  "+right, width-2))
	}
	title = clip(title, width-lipgloss.Width(right)-barLen-7)
	gap := max(width-2-lipgloss.Width(title)-barLen-2-lipgloss.Width(right), 2)
	return " " + st.bold(title) + strings.Repeat(" ", gap) + st.status(event.OK, strings.Repeat("━", full)) + st.dim(strings.Repeat("─", barLen-full)) + "  " + right
}

// lines draws a row per host: who, at what, for how long, and the last word.
func (b *board) lines(rows []*row, width int, now time.Time, frame int, st style) []string {
	nameLen, taskLen := 4, 8
	for _, r := range rows {
		nameLen = max(nameLen, lipgloss.Width(r.host))
		taskLen = max(taskLen, lipgloss.Width(r.doing()))
	}
	nameLen = min(nameLen, max(width/4, 8))
	taskLen = min(taskLen, max(width/3, 8))
	var out []string
	for _, r := range rows {
		mark, text := st.dim(spinner[frame%len(spinner)]), st.dim
		if r.waiting {
			mark = st.status(event.Changed, "!")
			text = func(s string) string { return st.status(event.Changed, s) }
		}
		rest := width - 1 - 2 - nameLen - 2 - 7 - 1
		line := " " + mark + " " + padTo(clip(r.host, nameLen), nameLen)
		if rest > 10 {
			task := min(taskLen, rest-2)
			line += "  " + padTo(clip(r.doing(), task), task)
			rest -= task + 2
		}
		line += fmt.Sprintf("  %7s", Elapsed(now.Sub(r.since)))
		if said := r.said(); said != "" && rest > 12 {
			line += "  " + text(clip(said, rest-2))
		}
		out = append(out, line)
	}
	return out
}

// doing is the task of the host in words.
func (r *row) doing() string {
	switch {
	case r.connecting && r.delegate != "":
		return "connecting to " + r.delegate
	case r.connecting:
		return "connecting"
	case r.task != "":
		return r.task
	case len(r.passed) > 0:
		return "between tasks"
	}
	return "connecting"
}

// kind is doing without what is different from host to host.
func (r *row) kind() string {
	if r.connecting {
		return "connecting"
	}
	name, _, _ := strings.Cut(r.doing(), "[")
	return name
}

// counter finds the progress that package managers print: 12/345 at the end of
// a line, or [12/345] or (12/345) anywhere.
var counter = regexp.MustCompile(`(?:[\[(](\d+)/(\d+)[\])]|\b(\d+)/(\d+)\s*$)`)

// said is the last word of the task, its progress first.
func (r *row) said() string {
	line := strings.Join(strings.Fields(clean(r.line)), " ")
	m := counter.FindStringSubmatch(line)
	if m == nil || r.waiting {
		return line
	}
	n, of := m[1]+m[3], m[2]+m[4]
	rest := strings.TrimLeft(strings.Join(strings.Fields(strings.Replace(line, m[0], "", 1)), " "), ": ")
	return strings.TrimRight(fmt.Sprintf("%*s/%s  %s", len(of), n, of, rest), " ")
}

// summed says what the hosts without a row do: most of them first.
func summed(doing map[string]int) string {
	const most = 3
	all := 0
	for _, n := range doing {
		all += n
	}
	what := slices.SortedFunc(maps.Keys(doing), func(a, b string) int {
		return cmp.Or(doing[b]-doing[a], strings.Compare(a, b))
	})
	var parts []string
	rest := all
	for _, w := range what[:min(len(what), most)] {
		parts = append(parts, fmt.Sprintf("%d %s", doing[w], w))
		rest -= doing[w]
	}
	if rest > 0 {
		parts = append(parts, fmt.Sprintf("%d others", rest))
	}
	return fmt.Sprintf("and %d more: %s", all, strings.Join(parts, ", "))
}

// counts is the play in numbers.
func (b *board) counts() string {
	var parts []string
	add := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(b.ended[event.OK], "done")
	for _, s := range []event.Status{event.Failed, event.Unreachable, event.NotRun, event.Interrupted} {
		add(b.ended[s], word(s))
	}
	out := 0
	for _, r := range b.rows {
		if r.waiting {
			out++
		}
	}
	parts = append(parts, fmt.Sprintf("%d working", len(b.rows)-out))
	add(out, "out of reach")
	add(len(b.queued), "waiting for their turn")
	add(b.total-b.finished()-len(b.rows)-len(b.queued), "in later batches")
	return strings.Join(parts, ", ")
}

// Elapsed shows a length of time that is still running, in whole seconds.
func Elapsed(d time.Duration) string {
	d = max(d, 0)
	if d < time.Minute {
		return fmt.Sprintf("%ds", int(d.Seconds()))
	}
	return Duration(d)
}

// clip cuts text without colours to n columns, marking the cut.
func clip(s string, n int) string {
	if n <= 0 {
		return ""
	}
	if lipgloss.Width(s) <= n {
		return s
	}
	return lipgloss.NewStyle().Inline(true).MaxWidth(n-1).Render(s) + "…"
}

func padTo(s string, n int) string {
	return s + strings.Repeat(" ", max(n-lipgloss.Width(s), 0))
}
