package inventory

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
)

// iniValue types a value of an INI inventory as Ansible does: what is a Python
// literal (42, 1.5, True, None, 'text', [1, 2], {'a': 1}) is that, everything
// else, also "true" and "yes", is a string.
func iniValue(s string) cty.Value {
	p := pyParser{s: s}
	v, err := p.value(0)
	if err == nil {
		// Python takes "1, 2" for a list without brackets.
		p.space()
		if p.peek() == ',' {
			v, err = p.bareTuple(v)
		}
	}
	if err == nil && p.atEnd() {
		return v
	}
	return cty.StringVal(strings.ToValidUTF8(s, "\ufffd"))
}

var errNotLiteral = errors.New("not a literal")

const maxLiteralDepth = 50

type pyParser struct {
	s string
	i int
}

func (p *pyParser) peek() byte {
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

func (p *pyParser) space() {
	for p.i < len(p.s) && (p.s[p.i] == ' ' || p.s[p.i] == '\t') {
		p.i++
	}
}

// atEnd allows a comment, as Python does.
func (p *pyParser) atEnd() bool {
	p.space()
	return p.i == len(p.s) || p.s[p.i] == '#'
}

func (p *pyParser) bareTuple(first cty.Value) (cty.Value, error) {
	vals := []cty.Value{first}
	for {
		p.space()
		if p.peek() != ',' {
			return cty.TupleVal(vals), nil
		}
		p.i++
		if p.atEnd() {
			return cty.TupleVal(vals), nil
		}
		v, err := p.value(1)
		if err != nil {
			return v, err
		}
		vals = append(vals, v)
	}
}

func (p *pyParser) value(depth int) (cty.Value, error) {
	if depth > maxLiteralDepth {
		return cty.NilVal, errNotLiteral
	}
	p.space()
	switch c := p.peek(); {
	case c == '[':
		return p.sequence(']', depth)
	case c == '(':
		return p.sequence(')', depth)
	case c == '{':
		return p.dict(depth)
	case c == '\'' || c == '"' || ((c == 'u' || c == 'b' || c == 'r') && p.i+1 < len(p.s) && (p.s[p.i+1] == '\'' || p.s[p.i+1] == '"')):
		return p.strings()
	case c == '-' || c == '+' || c == '.' || c >= '0' && c <= '9':
		return p.number()
	}
	for word, v := range map[string]cty.Value{"True": cty.True, "False": cty.False, "None": cty.NullVal(cty.DynamicPseudoType)} {
		if strings.HasPrefix(p.s[p.i:], word) && !p.wordAt(p.i+len(word)) {
			p.i += len(word)
			return v, nil
		}
	}
	return cty.NilVal, errNotLiteral
}

func (p *pyParser) wordAt(i int) bool {
	if i >= len(p.s) {
		return false
	}
	c := p.s[i]
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
}

// sequence parses [a, b], (a, b), (a) and ().
func (p *pyParser) sequence(end byte, depth int) (cty.Value, error) {
	p.i++
	vals, commas := []cty.Value{}, 0
	for {
		p.space()
		if p.peek() == end {
			p.i++
			if end == ')' && len(vals) == 1 && commas == 0 {
				return vals[0], nil
			}
			return cty.TupleVal(vals), nil
		}
		if commas < len(vals) {
			return cty.NilVal, errNotLiteral
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		vals = append(vals, v)
		if p.space(); p.peek() == ',' {
			commas++
			p.i++
		}
	}
}

// dict parses {k: v} and, as a list, the set {a, b}.
func (p *pyParser) dict(depth int) (cty.Value, error) {
	p.i++
	attrs, items := map[string]cty.Value{}, []cty.Value{}
	needComma := false
	for {
		p.space()
		if p.peek() == '}' {
			p.i++
			if len(items) > 0 {
				return cty.TupleVal(items), nil
			}
			return cty.ObjectVal(attrs), nil
		}
		if needComma {
			return cty.NilVal, errNotLiteral
		}
		k, err := p.value(depth + 1)
		if err != nil {
			return k, err
		}
		if p.space(); p.peek() == ':' && len(items) == 0 {
			p.i++
			v, err := p.value(depth + 1)
			if err != nil {
				return v, err
			}
			name, ok := keyName(k)
			if !ok {
				return cty.NilVal, errNotLiteral
			}
			attrs[name] = v
		} else if len(attrs) == 0 {
			items = append(items, k)
		} else {
			return cty.NilVal, errNotLiteral
		}
		needComma = true
		if p.space(); p.peek() == ',' {
			needComma = false
			p.i++
		}
	}
}

// keyName is a dictionary key as JSON would write it.
func keyName(k cty.Value) (string, bool) {
	switch {
	case k.IsNull():
		return "null", true
	case k.Type() == cty.String:
		return k.AsString(), true
	case k.Type() == cty.Bool:
		return strconv.FormatBool(k.True()), true
	case k.Type() == cty.Number:
		return k.AsBigFloat().Text('f', -1), true
	}
	return "", false
}

func (p *pyParser) number() (cty.Value, error) {
	start := p.i
	for c := p.peek(); c == '-' || c == '+'; c = p.peek() {
		p.i++
		if p.i-start > 1 {
			return cty.NilVal, errNotLiteral
		}
	}
	digits := p.i
	for p.i < len(p.s) {
		c := p.s[p.i]
		exponentSign := (c == '+' || c == '-') && (p.s[p.i-1] == 'e' || p.s[p.i-1] == 'E') && !strings.HasPrefix(strings.ToLower(p.s[digits:]), "0x")
		if !p.wordAt(p.i) && c != '.' && !exponentSign {
			break
		}
		p.i++
	}
	text := p.s[digits:p.i]
	if len(text) > 400 {
		return cty.NilVal, errNotLiteral
	}
	n, ok := pyNumber(text)
	if !ok {
		return cty.NilVal, errNotLiteral
	}
	if p.s[start] == '-' {
		n.Neg(n)
	}
	return cty.NumberVal(n), nil
}

func pyNumber(s string) (*big.Float, bool) {
	if s == "" || strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") {
		return nil, false
	}
	lower := strings.ToLower(s)
	if len(lower) > 1 && lower[0] == '0' && strings.ContainsRune("xob", rune(lower[1])) || strings.Trim(lower, "0123456789_") == "" {
		// Python refuses 010, but takes 0 and 00.
		if strings.Trim(lower, "0123456789_") == "" && lower[0] == '0' && strings.Trim(lower, "0_") != "" {
			return nil, false
		}
		clean := lower
		if strings.Trim(lower, "0_") == "" {
			clean = "0"
		}
		i, ok := new(big.Int).SetString(clean, 0)
		if !ok {
			return nil, false
		}
		return new(big.Float).SetPrec(max(512, uint(i.BitLen()))).SetInt(i), true
	}
	if strings.Trim(lower, "0123456789_.e+-") != "" || !strings.ContainsAny(lower[:1], "0123456789.") {
		return nil, false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(lower, "_", ""), 64)
	if err != nil {
		return nil, false
	}
	// Through the shortest decimal form, as cty does for its literals, so that
	// 0.1 here is 0.1 in a playbook.
	out, _, err := big.ParseFloat(strconv.FormatFloat(f, 'g', -1, 64), 10, 512, big.ToNearestEven)
	return out, err == nil
}
