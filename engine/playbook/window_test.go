package playbook

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// When a window opens next, it is open, also on the days on which clocks change
// and where the hour of the window is left out.
func TestWindowOpensWhenItSays(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		w := Window{start: rapid.IntRange(0, 24*60-1).Draw(rt, "start"), end: rapid.IntRange(0, 24*60).Draw(rt, "end"), zone: berlin}
		for i := range w.days {
			w.days[i] = true
		}
		day := rapid.SampledFrom([]int{28, 29, 298, 299, 300}).Draw(rt, "day") // of 2026, around both changes
		at := time.Date(2026, 3, day, 0, rapid.IntRange(0, 24*60).Draw(rt, "minute"), 0, 0, berlin)
		if day > 31 {
			at = time.Date(2026, 1, day, 0, rapid.IntRange(0, 24*60).Draw(rt, "of the day"), 0, 0, berlin)
		}
		if next := w.Next(at); !next.After(at) || !w.Open(next) {
			rt.Errorf("window %d-%d, %s: next opens %s, and is not open then", w.start, w.end, at, next)
		}
	})
	skipped := Window{days: [7]bool{true, true, true, true, true, true, true}, start: 150, end: 180, zone: berlin}
	if got := skipped.Next(time.Date(2026, 3, 29, 0, 0, 0, 0, berlin)); got.Day() != 30 {
		t.Errorf("a window in the hour that is left out opens at %s", got)
	}
}
