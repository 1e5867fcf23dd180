package inventory

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
)

// strings parses one or more adjacent string literals.
func (p *pyParser) strings() (cty.Value, error) {
	var b strings.Builder
	for {
		raw := false
		switch p.peek() {
		case 'r':
			raw = true
			p.i++
		case 'u', 'b':
			p.i++
		}
		if err := p.stringBody(&b, raw); err != nil {
			return cty.NilVal, err
		}
		p.space()
		if c := p.peek(); c != '\'' && c != '"' {
			return cty.StringVal(strings.ToValidUTF8(b.String(), "\ufffd")), nil
		}
	}
}

func (p *pyParser) stringBody(b *strings.Builder, raw bool) error {
	quote := p.peek()
	if quote != '\'' && quote != '"' {
		return errNotLiteral
	}
	end := string(quote)
	if triple := strings.Repeat(end, 3); strings.HasPrefix(p.s[p.i:], triple) {
		end = triple
	}
	p.i += len(end)
	for p.i < len(p.s) {
		switch {
		case strings.HasPrefix(p.s[p.i:], end):
			p.i += len(end)
			return nil
		case p.s[p.i] == '\\' && p.i+1 < len(p.s):
			if raw {
				b.WriteString(p.s[p.i : p.i+2])
				p.i += 2
				continue
			}
			if err := p.escape(b); err != nil {
				return err
			}
		default:
			b.WriteByte(p.s[p.i])
			p.i++
		}
	}
	return errNotLiteral
}

func (p *pyParser) escape(b *strings.Builder) error {
	c := p.s[p.i+1]
	p.i += 2
	if i := strings.IndexByte(`abfnrtv\'"`, c); i >= 0 {
		b.WriteByte("\a\b\f\n\r\t\v\\'\""[i])
		return nil
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	switch {
	case digits > 0:
		if p.i+digits > len(p.s) {
			return errNotLiteral
		}
		n, err := strconv.ParseUint(p.s[p.i:p.i+digits], 16, 32)
		if err != nil || !utf8.ValidRune(rune(n)) {
			return errNotLiteral
		}
		b.WriteRune(rune(n))
		p.i += digits
	case c >= '0' && c <= '7':
		n := int(c - '0')
		for j := 0; j < 2 && p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '7'; j++ {
			n = n*8 + int(p.s[p.i]-'0')
			p.i++
		}
		b.WriteRune(rune(n))
	default:
		b.WriteByte('\\')
		b.WriteByte(c)
	}
	return nil
}
