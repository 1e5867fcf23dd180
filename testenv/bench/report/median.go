package report

import (
	"cmp"
	"slices"
)

// median of the values; of an even number, the mean of the two in the middle.
// There must be one at least.
func median[T cmp.Ordered](values []T, mean func(a, b T) T) T {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	if n%2 == 1 {
		return v[n/2]
	}
	return mean(v[n/2-1], v[n/2])
}

func medianFloat(v []float64) float64 {
	return median(v, func(a, b float64) float64 { return (a + b) / 2 })
}

func medianInt(v []int64) int64 { return median(v, func(a, b int64) int64 { return a + (b-a)/2 }) }

func (s *Series) finish(ferry *Series) {
	s.Median, s.Ratio, s.CPU, s.HCPU, s.Memory, s.HMem = 0, 0, 0, 0, -1, -1
	if len(s.Rounds) == 0 {
		return
	}
	var wall, cpu, hcpu []float64
	var mem, hmem []int64
	for _, r := range s.Rounds {
		wall = append(wall, r.Wall.Seconds())
		cpu = append(cpu, r.CPU.Seconds())
		hcpu = append(hcpu, r.HostCPU.Seconds()/float64(max(1, s.Hosts)))
		mem, hmem = append(mem, r.Memory), append(hmem, r.HostMemory)
	}
	s.Median, s.CPU, s.HCPU, s.Memory = medianFloat(wall), medianFloat(cpu), medianFloat(hcpu), medianInt(mem)
	if m := medianInt(hmem); m >= 0 {
		s.HMem = m / int64(max(1, s.Hosts))
	}
	s.Ratio = ratio(s, ferry)
}

// ratio is the median of s/other over the rounds both took part in, so that a
// slow minute of the machine weighs on both; 0 if there is no such round.
func ratio(s, other *Series) float64 {
	if s == nil || other == nil || !s.Taken.Equal(other.Taken) {
		return 0
	}
	var all []float64
	for _, a := range s.Rounds {
		for _, b := range other.Rounds {
			if a.Round == b.Round && b.Wall > 0 {
				all = append(all, a.Wall.Seconds()/b.Wall.Seconds())
			}
		}
	}
	if len(all) == 0 {
		return 0
	}
	return medianFloat(all)
}
