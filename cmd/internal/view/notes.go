package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ferry-ops/ferry/engine/event"
)

// note keeps how a host ended until the batch is over, or a failure is due, when
// equal ends are told as one.
func (v *Human) note(e event.Event) {
	key := resultKey(e, v.o.Diff)
	i := slices.IndexFunc(v.notes, func(n *resultGroup) bool { return n.key == key })
	if i < 0 {
		i = len(v.notes)
		v.notes = append(v.notes, &resultGroup{key: key})
	}
	if n := v.notes[i]; n.add(e) && (e.Status == event.Failed || e.Status == event.Unreachable) {
		v.wait(failure{nil, n})
	}
}

func (v *Human) flushNotes() {
	sortResults(v.notes)
	for _, n := range v.notes {
		if len(n.hosts) > 0 {
			v.printNote(n)
			n.hosts = nil
		}
	}
	v.notes = nil
}

func (v *Human) printNote(n *resultGroup) {
	e := n.ev
	why := e.Message
	if e.Status == event.Interrupted && e.Error != nil {
		why = strings.TrimPrefix(e.Error.Summary, "Interrupted ")
	}
	line := fmt.Sprintf("  %s %s", v.st.status(e.Status, pad(word(e.Status), 12)), HostList(n.hosts))
	switch {
	case e.Error == nil || e.Status == event.Interrupted:
		v.printf("%s: %s\n", line, why)
	case n.told != "":
		v.printf("%s\n", line)
		v.printf("      %s\n", v.st.dim("(as on "+n.told+", above)"))
	default:
		v.printf("%s\n", line)
		v.failure(e, n.hosts)
	}
}

func pad(s string, n int) string {
	if w := len([]rune(s)); w < n {
		return s + strings.Repeat(" ", n-w)
	}
	return s
}

func (v *Human) fold(line string, width int) []string {
	if !v.o.Fold {
		return []string{line}
	}
	return fold(line, width)
}
