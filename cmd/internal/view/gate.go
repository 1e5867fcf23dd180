package view

import (
	"fmt"

	"github.com/ferry-ops/ferry/engine/event"
)

// gate prints what a rollout waits for. The checks of a gate follow as tasks of
// their own batch.
func (v *Human) gate(e event.Event) {
	v.flush(true)
	v.flushNotes()
	v.batch = newBatch(e.Hosts)
	text := e.Message
	if text == "" {
		text = "looking at " + HostList(e.Hosts)
	}
	v.printf("  %s %s\n", v.st.dim(pad("gate", 12)), fmt.Sprintf("%q", e.Gate))
	v.indented(text, "")
}

func (v *Human) gateFinished(e event.Event) {
	v.flush(true)
	word, st := "passed", event.OK
	if e.Status != event.OK {
		word, st = "closed", event.Failed
	}
	by := ""
	if e.By != "" && e.Status == event.OK {
		by = "  approved by " + e.By
	}
	v.printf("  %s %s%s\n", v.st.status(st, pad(word, 12)), fmt.Sprintf("%q", e.Gate), by)
	if e.Status != event.OK {
		v.indented(e.Message, "")
	}
}

func newBatch(hosts []string) *batchState {
	b := &batchState{active: map[string]bool{}, total: len(hosts), byName: map[string]*taskGroup{}}
	for _, h := range hosts {
		b.active[h] = true
	}
	return b
}
