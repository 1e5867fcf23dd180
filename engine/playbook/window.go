package playbook

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the controller may have no time zones installed

	"github.com/ferry-ops/ferry/engine/diag"
)

// Window is a maintenance window that comes back on days of the week. The zero
// value is never open.
type Window struct {
	days       [7]bool // on which it begins, by time.Weekday
	start, end int     // minutes of the day; an end not after the start is on the next day
	zone       *time.Location
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// window reads days, hours and time_zone.
func (r reader) window() Window {
	w := Window{zone: time.Local}
	bad := func(name, format string, args ...any) {
		rng := r.expr(name).Range()
		r.set.Append(diag.Errorf("Invalid value", &rng, "The argument %q: %s.", name, fmt.Sprintf(format, args...)))
	}
	if s := r.str("time_zone"); s != "" {
		zone, err := time.LoadLocation(s)
		if err != nil {
			bad("time_zone", "there is no time zone %q; write it as in \"Asia/Shanghai\" or \"UTC\"", s)
			zone = time.UTC
		}
		w.zone = zone
	}
	days := r.strs("days")
	if r.expr("days") == nil {
		days = []string{"sun-sat"}
	}
	for _, d := range days {
		from, to, ranged := strings.Cut(strings.ToLower(d), "-")
		if !ranged {
			to = from
		}
		a, b := slices.Index(weekdays, from), slices.Index(weekdays, to)
		if a < 0 || b < 0 {
			bad("days", "%q is not a day of the week; write for example [\"sat\", \"sun\"] or [\"mon-fri\"]", d)
			return w
		}
		for ; ; a = (a + 1) % 7 {
			w.days[a] = true
			if a == b {
				break
			}
		}
	}
	if s := r.str("hours"); s != "" {
		from, to, _ := strings.Cut(s, "-")
		var ok1, ok2 bool
		w.start, ok1 = minutes(from, 24*60-1)
		w.end, ok2 = minutes(to, 24*60)
		if !ok1 || !ok2 {
			bad("hours", "%q is not a span of hours; write for example \"22:00-04:00\", which ends on the next day", s)
		}
	}
	return w
}

// minutes reads HH:MM.
func minutes(s string, most int) (int, bool) {
	var h, m int
	if n, err := fmt.Sscanf(strings.TrimSpace(s), "%d:%d", &h, &m); n != 2 || err != nil {
		return 0, false
	}
	total := 60*h + m
	return total, h >= 0 && m >= 0 && m < 60 && total <= most && len(strings.TrimSpace(s)) >= 4
}

// span is the window that begins on the day of t, in its time zone. There is none
// where it lies in the hour that a change to summer time leaves out.
func (w Window) span(t time.Time) (from, to time.Time, ok bool) {
	t = t.In(w.zone)
	y, m, d := t.Date()
	if !w.days[t.Weekday()] {
		return from, to, false
	}
	next := d
	if w.end <= w.start {
		next++
	}
	from, to = time.Date(y, m, d, 0, w.start, 0, 0, w.zone), time.Date(y, m, next, 0, w.end, 0, 0, w.zone)
	return from, to, from.Before(to)
}

// noon is the middle of the day that is n days after the day of t; unlike
// midnight, it exists once on every day.
func (w Window) noon(t time.Time, n int) time.Time {
	y, m, d := t.In(w.zone).Date()
	return time.Date(y, m, d+n, 12, 0, 0, 0, w.zone)
}

// Open reports whether t is in the window.
func (w Window) Open(t time.Time) bool {
	if w.zone == nil {
		return false
	}
	for n := -1; n <= 0; n++ {
		if from, to, ok := w.span(w.noon(t, n)); ok && !t.Before(from) && t.Before(to) {
			return true
		}
	}
	return false
}

// Next is when the window next opens after t; the zero time if it never does.
func (w Window) Next(t time.Time) time.Time {
	if w.zone == nil {
		return time.Time{}
	}
	for n := 0; n <= 8; n++ {
		if from, _, ok := w.span(w.noon(t, n)); ok && from.After(t) {
			return from
		}
	}
	return time.Time{}
}
