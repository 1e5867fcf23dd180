package inventory

import (
	"fmt"
	"strconv"
	"strings"
)

const maxHosts = 1_000_000

// expandHosts gives the names a host pattern of an inventory stands for:
// web[01:20] (as wide as the first value), web[1:9:2] (every second),
// db-[a:f], several ranges in one name. Both ends are included. A name without
// a range stands for itself. No more than limit names are made.
func expandHosts(pattern string, limit int) ([]string, error) {
	if isIPv6(pattern) || !strings.ContainsAny(pattern, "[]") {
		return []string{pattern}, nil
	}
	var parts [][]string // alternating: fixed text and the values of a range
	total, rest := 1, pattern
	for rest != "" {
		open := strings.IndexByte(rest, '[')
		if open < 0 {
			if strings.IndexByte(rest, ']') >= 0 {
				return nil, fmt.Errorf(`the "]" has no "[" before it`)
			}
			parts = append(parts, []string{rest})
			break
		}
		end := strings.IndexByte(rest, ']')
		if end < open {
			if end < 0 {
				return nil, fmt.Errorf(`the "[" has no "]" after it`)
			}
			return nil, fmt.Errorf(`the "]" has no "[" before it`)
		}
		if open > 0 {
			parts = append(parts, []string{rest[:open]})
		}
		values, err := rangeValues(rest[open+1:end], limit)
		if err != nil {
			return nil, err
		}
		if total > limit/max(1, len(values)) {
			return nil, tooManyHosts(limit)
		}
		total *= len(values)
		parts = append(parts, values)
		rest = rest[end+1:]
	}
	out := []string{""}
	for _, values := range parts {
		next := make([]string, 0, len(out)*len(values))
		for _, head := range out {
			for _, v := range values {
				next = append(next, head+v)
			}
		}
		out = next
	}
	return out, nil
}

func tooManyHosts(limit int) error {
	return fmt.Errorf("it stands for more than %d hosts", limit)
}

// rangeValues expands the inside of the brackets: begin:end[:step].
func rangeValues(s string, limit int) ([]string, error) {
	bounds := strings.Split(s, ":")
	if len(bounds) < 2 || len(bounds) > 3 {
		return nil, fmt.Errorf("a range is written [first:last] or [first:last:step], not [%s]", s)
	}
	begin, end, step := bounds[0], bounds[1], 1
	if begin == "" {
		begin = "0"
	}
	if end == "" {
		return nil, fmt.Errorf("the range [%s] has no last value", s)
	}
	if len(bounds) == 3 {
		n, err := strconv.Atoi(bounds[2])
		if err != nil || n < 1 {
			return nil, fmt.Errorf("the step of the range [%s] must be a number above zero", s)
		}
		step = n
	}
	if isLetter(begin) && isLetter(end) {
		return letterRange(s, begin[0], end[0], step)
	}
	return numberRange(s, begin, end, step, limit)
}

func isLetter(s string) bool {
	return len(s) == 1 && (s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z')
}

// letterRange counts as Ansible does: a to z, then A to Z.
func letterRange(s string, begin, end byte, step int) ([]string, error) {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	from, to := strings.IndexByte(letters, begin), strings.IndexByte(letters, end)
	if from > to {
		return nil, fmt.Errorf("the range [%s] ends before it begins", s)
	}
	var out []string
	for i := from; i <= to; i += min(step, len(letters)) {
		out = append(out, letters[i:i+1])
	}
	return out, nil
}

func numberRange(s, begin, end string, step, limit int) ([]string, error) {
	from, err1 := parseBound(begin)
	to, err2 := parseBound(end)
	if err1 != nil || err2 != nil {
		return nil, fmt.Errorf("the range [%s] must go from number to number or from letter to letter", s)
	}
	width := 0
	if len(begin) > 1 && begin[0] == '0' {
		if width = len(begin); len(end) != width {
			return nil, fmt.Errorf("the first value of the range [%s] is padded with zeros, so the last must have as many digits", s)
		}
	}
	if from > to {
		return nil, fmt.Errorf("the range [%s] ends before it begins", s)
	}
	if (to-from)/step >= limit {
		return nil, tooManyHosts(limit)
	}
	out := make([]string, 0, (to-from)/step+1)
	for i := from; i <= to; i += step {
		n := strconv.Itoa(i)
		if pad := width - len(n); pad > 0 {
			n = strings.Repeat("0", pad) + n
		}
		out = append(out, n)
		if i > to-step { // i += step could overflow
			break
		}
	}
	return out, nil
}

func parseBound(s string) (int, error) {
	if s == "" || len(s) > 18 || strings.Trim(s, "0123456789") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.Atoi(s)
}
