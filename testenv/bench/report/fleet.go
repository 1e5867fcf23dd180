package report

import (
	"cmp"
	"slices"
	"time"
)

// fleetSize is the median of the rounds with one number of hosts.
type fleetSize struct {
	Fleet
	rounds int
}

func (s fleetSize) timePerHost() float64 { return s.Wall.Seconds() / float64(max(1, s.Hosts)) }
func (s fleetSize) memoryPerHost() float64 {
	return float64(s.Memory) / float64(max(1, s.Hosts)) / (1 << 20)
}

// fleets are the sizes that were measured, the smallest first.
func (r *Results) fleets() (out []fleetSize) {
	by := map[int][]Fleet{}
	for _, f := range r.Fleet {
		by[f.Hosts] = append(by[f.Hosts], f)
	}
	for _, all := range by {
		s := fleetSize{Fleet: all[0], rounds: len(all)}
		s.Wall = time.Duration(middle(all, func(f Fleet) int64 { return int64(f.Wall) }))
		s.CPU = time.Duration(middle(all, func(f Fleet) int64 { return int64(f.CPU) }))
		s.Memory = middle(all, func(f Fleet) int64 { return f.Memory })
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b fleetSize) int { return cmp.Compare(a.Hosts, b.Hosts) })
	return out
}

// middle is the median of a figure.
func middle(all []Fleet, of func(Fleet) int64) int64 {
	values := make([]int64, len(all))
	for i, f := range all {
		values[i] = of(f)
	}
	return medianInt(values)
}

// fleetOf is a bar's figure about the fleet of that many hosts.
func (r *Results) fleetOf(hosts int, of func(fleetSize) float64) figure {
	for _, s := range r.fleets() {
		if s.Hosts == hosts {
			return figure{of(s), s.rounds, s.Taken}
		}
	}
	return figure{}
}
