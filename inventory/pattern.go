package inventory

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// pattern is one term of a pattern: a name, a glob or a ~regular expression,
// with an operator before and a slice after it.
type pattern struct {
	text string // without operator and slice
	op   patternOp
	re   *regexp.Regexp // for a glob or a regular expression, else nil
	sub  *slice
}

type patternOp int

const (
	opUnion patternOp = iota
	opIntersect
	opExclude
)

// slice picks some of the hosts of a term. Both ends are included.
type slice struct {
	from, to int // to is -1 for "to the end"
	single   bool
}

const maxPatternLen = 64 << 10

// splitPattern splits "a:b,&c" into terms. Colons separate only where they
// are not part of an IPv6 address, a range, a slice or a regular expression;
// isName tells names that contain a colon.
func splitPattern(s string, isName func(string) bool) []string {
	var out []string
	for _, part := range splitOutside(s, ',') {
		for _, term := range splitColons(part, isName) {
			if term = strings.TrimSpace(term); term != "" {
				out = append(out, term)
			}
		}
	}
	return out
}

func splitColons(s string, isName func(string) bool) []string {
	bare := strings.TrimLeft(strings.TrimSpace(s), "!&")
	if isName(bare) || isIPv6(bare) {
		return []string{s}
	}
	if host, _ := splitHostPort(bare); isName(host) && strings.HasPrefix(bare, "[") {
		return []string{s[:strings.Index(s, bare)] + host}
	}
	return splitOutside(s, ':')
}

// splitOutside splits at sep outside square brackets, and, in terms that are
// regular expressions, outside all brackets.
func splitOutside(s string, sep byte) []string {
	var out []string
	start, depth := 0, 0
	for i := 0; i < len(s); i++ {
		regex := strings.HasPrefix(strings.TrimLeft(s[start:i], " !&"), "~")
		switch c := s[i]; {
		case c == '\\' && regex:
			i++
		case c == '[', regex && (c == '(' || c == '{'):
			depth++
		case c == ']', regex && (c == ')' || c == '}'):
			depth = max(0, depth-1)
		case c == sep && depth == 0:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

var subscript = regexp.MustCompile(`^(.+)\[(?:(-?[0-9]+)|([0-9]+)([:-])([0-9]*))\]$`)

// parseTerm parses one term of a pattern.
func parseTerm(s string) (pattern, error) {
	p := pattern{text: s}
	switch s[0] {
	case '!':
		p.op, p.text = opExclude, strings.TrimSpace(s[1:])
	case '&':
		p.op, p.text = opIntersect, strings.TrimSpace(s[1:])
	}
	if p.text == "" {
		return p, fmt.Errorf("nothing follows the %q", s[:1])
	}
	if p.text[0] == '~' {
		re, err := regexp.Compile(`\A(?:` + p.text[1:] + `)`)
		if err != nil {
			return p, fmt.Errorf("the regular expression cannot be read: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
		p.re = re
		return p, nil
	}
	if m := subscript.FindStringSubmatch(p.text); m != nil {
		sub, err := parseSlice(m[2], m[3], m[5])
		if err != nil {
			return p, err
		}
		p.text, p.sub = m[1], sub
	}
	if strings.ContainsAny(p.text, "*?[") {
		re, err := compileGlob(p.text)
		if err != nil {
			return p, err
		}
		p.re = re
	}
	return p, nil
}

func parseSlice(index, from, to string) (*slice, error) {
	num := func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err != nil {
			return 0, fmt.Errorf("%q is too large a number", s)
		}
		return n, nil
	}
	if index != "" {
		n, err := num(index)
		return &slice{from: n, single: true}, err
	}
	s := &slice{to: -1}
	var err error
	if s.from, err = num(from); err == nil && to != "" {
		s.to, err = num(to)
	}
	return s, err
}

// compileGlob makes a regular expression of a shell pattern that has to match
// the whole name: * ? [a-z] [!a-z].
func compileGlob(glob string) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString(`\A(?s:`)
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; c {
		case '*':
			b.WriteString(`.*`)
		case '?':
			b.WriteByte('.')
		case '[':
			j := i + 1
			if j < len(glob) && glob[j] == '!' {
				j++
			}
			if j < len(glob) && glob[j] == ']' {
				j++
			}
			end := strings.IndexByte(glob[min(j, len(glob)):], ']')
			if end < 0 {
				b.WriteString(`\[`)
				continue
			}
			class := glob[i+1 : j+end]
			negated := strings.HasPrefix(class, "!")
			class = strings.TrimPrefix(class, "!")
			b.WriteByte('[')
			if negated {
				b.WriteByte('^')
			}
			b.WriteString(strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `^`, `\^`, `&`, `\&`, `~`, `\~`).Replace(class))
			b.WriteByte(']')
			i = j + end
		default:
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		}
	}
	b.WriteString(`)\z`)
	re, err := regexp.Compile(b.String())
	if err != nil {
		return nil, fmt.Errorf("the part in square brackets cannot be read")
	}
	return re, nil
}

// apply returns the part of hosts that the slice picks.
func (s *slice) apply(hosts []*Host) ([]*Host, error) {
	if s.single {
		i := s.from
		if i < 0 {
			i += len(hosts)
		}
		if i < 0 || i >= len(hosts) {
			return nil, fmt.Errorf("it has %s, so there is none with the index %d (the first has the index 0)", count(len(hosts), "host"), s.from)
		}
		return hosts[i : i+1], nil
	}
	from, to := s.from, s.to
	if to < 0 || to >= len(hosts) {
		to = len(hosts) - 1
	}
	if from > to {
		return nil, nil
	}
	return hosts[from : to+1], nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
