package playbook

import (
	"fmt"
	"strconv"
	"strings"
)

// Size is a number of hosts, absolute or relative.
type Size struct {
	N       int
	Percent bool
}

// ParseSize reads "5" or "10%".
func ParseSize(s string) (Size, error) {
	num, percent := strings.CutSuffix(s, "%")
	n, err := strconv.Atoi(num)
	switch {
	case err != nil || n < 0:
		return Size{}, fmt.Errorf("%q is neither a number of hosts nor a share of them; write for example \"5\" or \"10%%\"", s)
	case percent && n > 100:
		return Size{}, fmt.Errorf("%q is more than all hosts", s)
	}
	return Size{N: n, Percent: percent}, nil
}

// Of returns the size as a number of hosts out of total, rounded down.
func (s Size) Of(total int) int {
	if s.Percent {
		return total * s.N / 100
	}
	return s.N
}

func (s Size) String() string {
	if s.Percent {
		return strconv.Itoa(s.N) + "%"
	}
	return strconv.Itoa(s.N)
}
