package view

import (
	"fmt"
	"strings"

	"github.com/ferry-ops/ferry/engine/event"
)

// note keeps how a host ended until the batch is over, when equal ends are told
// as one.
func (v *Human) note(e event.Event) {
	key := resultKey(e)
	for _, n := range v.notes {
		if n.key == key {
			n.hosts = append(n.hosts, e.Host)
			return
		}
	}
	v.notes = append(v.notes, &resultGroup{key: key, ev: e, hosts: []string{e.Host}})
}

func (v *Human) flushNotes() {
	sortResults(v.notes)
	for _, n := range v.notes {
		e := n.ev
		why := e.Message
		if e.Status == event.Interrupted && e.Error != nil {
			why = strings.TrimPrefix(e.Error.Summary, "Interrupted ")
		}
		line := fmt.Sprintf("  %s %s", v.st.status(e.Status, pad(word(e.Status), 12)), HostList(n.hosts))
		if e.Error == nil || e.Status == event.Interrupted {
			v.printf("%s: %s\n", line, why)
			continue
		}
		v.printf("%s\n", line)
		v.failure(e, n.hosts)
	}
	v.notes = nil
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
