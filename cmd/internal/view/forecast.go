package view

import (
	"fmt"
	"strings"
	"time"
)

// mostWaves bounds the batches of a plan that are listed one by one.
const mostWaves = 12

// forecast prints the batches a run would go through, where there is more than
// one or something to wait for.
func (v *Human) forecast() {
	ws := v.coming
	v.coming = nil
	if len(ws) == 0 || len(ws) == 1 && ws[0].Rounds < 2 && len(ws[0].Gates) == 0 {
		return
	}
	v.printf("  a run would go over the hosts in %s:\n", plural(len(ws), "batch", "batches"))
	var total time.Duration
	for i, w := range ws {
		total += w.Took
		if i == mostWaves {
			v.printf("      … and %d more, to batch %d\n", len(ws)-mostWaves, ws[len(ws)-1].Batch)
		}
		if i >= mostWaves {
			continue
		}
		text := fmt.Sprintf("batch %d: %s", w.Batch, Count(w.Hosts, "host"))
		if w.Rounds > 1 {
			text += fmt.Sprintf(", in %d rounds", w.Rounds)
		}
		if w.Took > 0 {
			text += ", about " + Duration(w.Took)
		}
		if len(w.Gates) > 0 {
			text += "; then gate " + strings.Join(w.Gates, ", gate ")
		}
		v.printf("      %s\n", text)
	}
	if total > 0 {
		v.printf("      about %s in all, as earlier runs went\n", Duration(total))
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
