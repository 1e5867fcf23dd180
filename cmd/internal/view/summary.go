package view

import (
	"fmt"
	"sort"
	"strings"

	"github.com/ferry-ops/ferry/engine/event"
)

// mostRows bounds the table of hosts; beyond it only hosts with problems are
// listed.
const mostRows = 30

func (v *Human) summary(e event.Event) {
	s := e.Summary
	if s == nil {
		return
	}
	names := make([]string, 0, len(s.Hosts))
	width := 4
	byStatus := map[event.Status]int{}
	for n, h := range s.Hosts {
		names = append(names, n)
		width = max(width, len(n))
		byStatus[h.Status]++
	}
	sort.Strings(names)
	columns := v.columns(s)
	alike := map[string][]string{} // hosts with problems that read the same, where there are many
	for _, n := range names {
		if h := s.Hosts[n]; len(names) > mostRows && !counted(h) {
			p := problem(n, h)
			alike[p] = append(alike[p], n)
			width = max(width, len(Count(len(alike[p]), "host")))
		}
	}
	v.printf("\n%s  %s", v.st.bold(pad("host", width)), v.st.bold(pad("result", 12)))
	for _, c := range columns {
		v.printf("  %s", v.st.bold(word(c)))
	}
	v.printf("\n")
	left := map[event.Status]int{}
	for _, n := range names {
		h := s.Hosts[n]
		shown := shownAs(h)
		if len(names) > mostRows && counted(h) {
			left[shown]++
			continue
		}
		if all := alike[problem(n, h)]; len(all) > fewHosts {
			if all[0] == n {
				v.printf("%s  %s  ", pad(Count(len(all), "host"), width), v.st.status(shown, pad(word(shown), 12)))
				v.rowError(h.Error, width+16)
				v.indented(strings.Join(all, ", "), "")
				if len(h.Pending) > 0 {
					v.indented("notified and not run: "+strings.Join(h.Pending, ", "), "")
				}
			}
			continue
		}
		v.printf("%s  %s", pad(n, width), v.st.status(shown, pad(word(shown), 12)))
		for _, c := range columns {
			v.printf("  %*d", len(word(c)), h.Tasks[c])
		}
		v.rowError(h.Error, width+16+v.columnsWidth(columns))
		if len(h.Pending) > 0 {
			v.printf("%s  notified and not run: %s\n", pad("", width), strings.Join(h.Pending, ", "))
		}
	}
	for _, st := range []event.Status{event.OK, event.Changed, event.Planned, incomplete, event.NotRun} {
		if left[st] > 0 {
			v.printf("%s: %s\n", Count(left[st], "host"), word(st))
		}
	}
	v.printf("\n%s in %s\n", outcomeLine(byStatus, v.plan, s), Duration(e.Duration))
	if e.Message != "" {
		v.printf("%s %s\n", v.st.status(event.Failed, "Stopped:"), e.Message)
		if s.Stopped != nil && len(s.Stopped.Cure) > 0 {
			v.printf("To go on:\n")
			for _, c := range s.Stopped.Cure {
				v.printf("    %s\n", c)
			}
		}
	}
}

// counted reports whether a host of many is only counted: nothing is wrong with it.
func counted(h event.HostSummary) bool { return h.Status == event.OK || h.Status == event.NotRun }

// shownAs is what became of a host, more exactly than its status says.
func shownAs(h event.HostSummary) event.Status {
	switch {
	case h.Status == event.NotRun && h.Tasks[event.OK]+h.Tasks[event.Changed] > 0:
		return incomplete
	case h.Status == event.OK && h.Tasks[event.Changed] > 0:
		return event.Changed
	case h.Status == event.OK && h.Tasks[event.Planned] > 0:
		return event.Planned
	}
	return h.Status
}

// problem is equal for hosts with whom the same is wrong.
func problem(name string, h event.HostSummary) string {
	return withoutName(fmt.Sprintf("%s|%s|%s", h.Status, h.Error, strings.Join(h.Pending, " ")), name)
}

// columns are the statuses that are worth a column: how tasks ended at least once.
func (v *Human) columns(s *event.Summary) []event.Status {
	change := event.Changed
	if v.plan {
		change = event.Planned
	}
	out := []event.Status{event.OK, change}
	for _, st := range []event.Status{event.Undecided, event.Failed, event.Ignored, event.Unreachable, event.Skipped} {
		for _, h := range s.Hosts {
			if h.Tasks[st] > 0 {
				out = append(out, st)
				break
			}
		}
	}
	return out
}

func (*Human) columnsWidth(columns []event.Status) int {
	n := 0
	for _, c := range columns {
		n += 2 + len(word(c))
	}
	return n
}

// rowError ends a row of the table; a text that does not fit goes below it.
func (v *Human) rowError(text string, used int) {
	text = clean(text)
	if said, more := strings.CutSuffix(text, ":"); more { // what follows is not in a row
		if i := strings.LastIndex(said, ". "); i > 0 {
			text = said[:i]
		}
	}
	switch {
	case text == "":
		v.printf("\n")
	case !v.o.Fold || used+len(text) <= v.o.Width:
		v.printf("  %s\n", text)
	default:
		v.printf("\n")
		for _, part := range fold(text, v.o.Width-6) {
			v.printf("    %s\n", part)
		}
	}
}

// outcomeLine is the run in one line.
func outcomeLine(by map[event.Status]int, plan bool, s *event.Summary) string {
	changes := 0
	for _, h := range s.Hosts {
		changes += h.Tasks[event.Changed] + h.Tasks[event.Planned]
	}
	verb := "done"
	if plan {
		verb = "planned"
	}
	parts := []string{fmt.Sprintf("%s %s", Count(by[event.OK], "host"), verb)}
	for _, st := range []event.Status{event.Failed, event.Unreachable, event.NotRun, event.Interrupted} {
		if by[st] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", by[st], word(st)))
		}
	}
	parts = append(parts, Count(changes, "change"))
	undecided := 0
	for _, h := range s.Hosts {
		undecided += h.Tasks[event.Undecided]
	}
	if undecided > 0 {
		parts = append(parts, Count(undecided, "task")+" not decided")
	}
	return strings.Join(parts, ", ")
}
