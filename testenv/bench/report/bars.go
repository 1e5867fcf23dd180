package report

import (
	"fmt"
	"time"
)

// Bar is a figure the project wants to reach.
type Bar struct {
	What    string  `json:"what"`
	Want    string  `json:"want"`
	Got     string  `json:"got"`
	Value   float64 `json:"value"` // Got as a number
	Rounds  int     `json:"rounds"`
	Reached string  `json:"reached"` // yes, no, too few rounds, or not measured

	Of time.Time `json:"of"` // when it was measured
}

// figure is what a bar is compared with: a value of so many rounds, measured then.
type figure struct {
	value  float64
	rounds int
	of     time.Time
}

// BarHosts is the number of hosts the bars are about.
const BarHosts = 20

const (
	yes         = "yes"
	no          = "no"
	notMeasured = "not measured"
	tooFew      = "too few rounds" // barRounds are needed
	barRounds   = 3
)

// bars compares the results with what is wanted.
func bars(r *Results) []Bar {
	against := func(a, b *Series) figure {
		if a == nil || b == nil {
			return figure{}
		}
		return figure{ratio(a, b), paired(a, b), a.Taken}
	}
	times := func(work, phase, other string) figure {
		return against(r.Find(work, phase, 0, BarHosts, other), r.Find(work, phase, 0, BarHosts, "ferry"))
	}
	oneHost := func() (f figure) {
		if s := r.Find("mixed", "converged", 50*time.Millisecond, 1, "ferry"); s != nil {
			f = figure{s.Median, len(s.Rounds), s.Taken}
		}
		return f
	}
	trips := func() (f figure) {
		f.value, f.rounds = RoundTrips(r)
		if s := r.Find("mixed", "converged", 150*time.Millisecond, 1, "ferry"); s != nil {
			f.of = s.Taken
		}
		return f
	}
	return []Bar{
		bar("(a) 50 no-op commands, 20 hosts: ferry's time, in times its floor's", "at most", 2, "%.1f", against(r.Find("noop", "", 0, BarHosts, "ferry"), r.Find("noop", "", 0, BarHosts, "floor"))),
		bar("(a) times faster than Ansible with pipelining", "at least", 50, "%.0f", times("noop", "", "ansible")),
		bar("(a) times faster than Mitogen", "at least", 15, "%.0f", times("noop", "", "mitogen")),
		bar("(b) 50 mixed tasks, 20 hosts, converged: times faster than Ansible with pipelining", "at least", 40, "%.0f", times("mixed", "converged", "ansible")),
		bar("(b) first run: times faster than Ansible with pipelining", "at least", 15, "%.1f", times("mixed", "first", "ansible")),
		bar("(e) converged 50-task play, one host, 50 ms: seconds, connection included", "at most", 1.5, "%.2f", oneHost()),
		bar("(e) the same at 150 ms: round trips, connection included", "at most", 20, "%.1f", trips()),
		bar("1,000 in-process hosts, 20 tasks: seconds", "at most", 30, "%.1f", r.fleetOf(1000, func(s fleetSize) float64 { return s.Wall.Seconds() })),
		bar("the same: MB of the controller", "at most", 250, "%.0f", r.fleetOf(1000, func(s fleetSize) float64 { return float64(s.Memory) / (1 << 20) })),
		bar("10,000: time per host, in times that of 1,000 (linear is 1)", "at most", 1.25, "%.2f", linear(r, fleetSize.timePerHost)),
		bar("10,000: memory per host, in times that of 1,000", "at most", 1.25, "%.2f", linear(r, fleetSize.memoryPerHost)),
	}
}

// linear compares what a host costs in the large fleet and in the small one.
func linear(r *Results, of func(fleetSize) float64) figure {
	small, large := r.fleetOf(1000, of), r.fleetOf(10000, of)
	if small.value == 0 {
		return figure{}
	}
	return figure{large.value / small.value, min(small.rounds, large.rounds), large.of}
}

// paired counts the rounds that both took part in.
func paired(a, b *Series) (n int) {
	if a == nil || b == nil || !a.Taken.Equal(b.Taken) {
		return 0
	}
	for _, x := range a.Rounds {
		for _, y := range b.Rounds {
			if x.Round == y.Round {
				n++
			}
		}
	}
	return n
}

// RoundTrips is what a converged play took longer at 150 ms than without delay,
// in round trips, and the number of rounds it was measured in. It includes
// connecting and logging in.
func RoundTrips(r *Results) (float64, int) {
	const far = 150 * time.Millisecond
	near, s := r.Find("mixed", "converged", 0, 1, "ferry"), r.Find("mixed", "converged", far, 1, "ferry")
	if near == nil || s == nil || near.Ferry != s.Ferry || len(near.Rounds) == 0 || len(s.Rounds) == 0 {
		return 0, 0
	}
	return (s.Median - near.Median) / far.Seconds(), min(len(near.Rounds), len(s.Rounds))
}

func bar(what, direction string, limit float64, format string, f figure) Bar {
	b := Bar{What: what, Want: fmt.Sprintf("%s %v", direction, limit), Reached: notMeasured}
	if f.rounds == 0 {
		return b
	}
	b.Value, b.Rounds, b.Of, b.Got = f.value, f.rounds, f.of, fmt.Sprintf(format, f.value)
	b.Reached = no
	if f.rounds < barRounds {
		b.Reached = tooFew
	} else if direction == "at most" && f.value <= limit || direction == "at least" && f.value >= limit {
		b.Reached = yes
	}
	return b
}
