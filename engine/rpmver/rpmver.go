// Package rpmver compares versions as rpm does. It is a leaf.
package rpmver

import "strings"

// Compare orders two versions "[epoch:]version[-release]": -1 if a is older
// than b, 0 if they are equal, +1 if a is newer. A missing epoch is 0; a
// missing release equals every release, as in a dependency.
func Compare(a, b string) int {
	ae, av, ar := split(a)
	be, bv, br := split(b)
	if c := Segments(ae, be); c != 0 {
		return c
	}
	if c := Segments(av, bv); c != 0 || ar == "" || br == "" {
		return c
	}
	return Segments(ar, br)
}

func split(s string) (epoch, version, release string) {
	epoch = "0"
	if i := strings.IndexByte(s, ':'); i >= 0 && isDigits(s[:i]) {
		epoch, s = s[:i], s[i+1:]
		if epoch == "" {
			epoch = "0"
		}
	}
	if i := strings.LastIndexByte(s, '-'); i >= 0 {
		return epoch, s[:i], s[i+1:]
	}
	return epoch, s, ""
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// Segments compares two version or two release strings: runs of digits as
// numbers, runs of letters as text, a number newer than a word, "~" older than
// anything and even the end, "^" newer than the end but older than anything else.
func Segments(a, b string) int {
	for {
		a, b = skipSeparators(a), skipSeparators(b)
		switch {
		case strings.HasPrefix(a, "~") || strings.HasPrefix(b, "~"):
			if !strings.HasPrefix(a, "~") {
				return 1
			}
			if !strings.HasPrefix(b, "~") {
				return -1
			}
			a, b = a[1:], b[1:]
			continue
		case strings.HasPrefix(a, "^") || strings.HasPrefix(b, "^"):
			switch {
			case a == "":
				return -1
			case b == "":
				return 1
			case a[0] != '^':
				return 1
			case b[0] != '^':
				return -1
			}
			a, b = a[1:], b[1:]
			continue
		case a == "" && b == "":
			return 0
		case a == "":
			return -1
		case b == "":
			return 1
		}
		kind := isDigit
		if !isDigit(a[0]) {
			kind = isLetter
		}
		x, restA := run(a, kind)
		y, restB := run(b, kind)
		if y == "" { // different kinds: the number is newer
			if isDigit(a[0]) {
				return 1
			}
			return -1
		}
		if isDigit(a[0]) {
			x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
			if len(x) != len(y) {
				return sign(len(x) - len(y))
			}
		}
		if c := strings.Compare(x, y); c != 0 {
			return c
		}
		a, b = restA, restB
	}
}

func skipSeparators(s string) string {
	i := 0
	for i < len(s) && !isDigit(s[i]) && !isLetter(s[i]) && s[i] != '~' && s[i] != '^' {
		i++
	}
	return s[i:]
}

func run(s string, in func(byte) bool) (head, rest string) {
	i := 0
	for i < len(s) && in(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}
