package lsp

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// where is the place of a cursor in the language.
type where int

const (
	atNothing where = iota
	atName          // of an argument or a block
	atLabel         // within the quotes of a block's label
	atValue         // in an expression
	atText          // within the quotes of a string that is a value
)

// open is a block around the cursor.
type open struct {
	typ    string
	labels []string
}

// cursor is what is known of a place, going by the text before it alone, which
// is all there is while somebody types.
type cursor struct {
	where  where
	blocks []open // outermost first
	arg    string // the argument whose value it is in
	label  int    // which label, from 0
	prefix string // what is written already: a name, the text in the quotes, or a reference
}

// find looks at the text before a byte.
func find(src []byte, at int) cursor {
	src = src[:at]
	toks, _ := hclsyntax.LexConfig(src, "", hcl.InitialPos)
	var c cursor
	var item hclsyntax.Tokens // of the line, before an equals sign
	var brackets []hclsyntax.Token
	value := false
	pop := func() {
		if len(c.blocks) > 0 {
			c.blocks = c.blocks[:len(c.blocks)-1]
		}
	}
	for _, t := range toks {
		if t.Type == hclsyntax.TokenEOF {
			break
		}
		if t.Type == hclsyntax.TokenComment {
			if t.Range.End.Byte >= at && !strings.HasSuffix(string(t.Bytes), "\n") {
				return cursor{}
			}
			if !strings.HasPrefix(string(t.Bytes), "/*") && len(brackets) == 0 {
				item, value = nil, false // it ends the line
			}
			continue
		}
		if !value {
			switch t.Type {
			case hclsyntax.TokenNewline:
				item = nil
			case hclsyntax.TokenEqual:
				value = len(item) > 0
				if value {
					c.arg = string(item[0].Bytes)
				}
			case hclsyntax.TokenOBrace:
				c.blocks = append(c.blocks, header(item))
				item = nil
			case hclsyntax.TokenCBrace:
				pop()
				item = nil
			default:
				item = append(item, t)
			}
			continue
		}
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc,
			hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			brackets = append(brackets, t)
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
			if len(brackets) > 0 {
				brackets = brackets[:len(brackets)-1]
			} else if t.Type == hclsyntax.TokenCBrace { // block { a = 1 }
				pop()
				value, item = false, nil
			}
		case hclsyntax.TokenNewline:
			if len(brackets) == 0 {
				value, item = false, nil
			}
		}
	}
	if value {
		return inValue(c, src, brackets)
	}
	return inBody(c, item, src)
}

func header(item hclsyntax.Tokens) open {
	var o open
	for i, t := range item {
		switch {
		case i == 0:
			o.typ = string(t.Bytes)
		case t.Type == hclsyntax.TokenQuotedLit || t.Type == hclsyntax.TokenIdent:
			o.labels = append(o.labels, string(t.Bytes))
		}
	}
	return o
}

func inValue(c cursor, src []byte, brackets []hclsyntax.Token) cursor {
	c.where = atValue
	if len(brackets) > 0 {
		switch last := brackets[len(brackets)-1]; last.Type {
		case hclsyntax.TokenOQuote:
			c.where, c.prefix = atText, string(src[last.Range.End.Byte:])
			return c
		case hclsyntax.TokenOHeredoc:
			return cursor{}
		}
	}
	c.prefix = string(src[referenceStart(src, len(src)):])
	return c
}

func inBody(c cursor, item hclsyntax.Tokens, src []byte) cursor {
	c.arg = ""
	switch {
	case len(item) == 0:
		c.where = atName
	case item[0].Type != hclsyntax.TokenIdent:
	case len(item) == 1 && item[0].Range.End.Byte == len(src):
		c.where, c.prefix = atName, string(item[0].Bytes)
	default:
		quote := -1
		for _, t := range item[1:] {
			switch t.Type {
			case hclsyntax.TokenOQuote:
				quote = t.Range.End.Byte
			case hclsyntax.TokenCQuote:
				quote = -1
				c.label++
			}
		}
		if quote >= 0 {
			c.where, c.prefix = atLabel, string(src[quote:])
			c.blocks = append(c.blocks, header(item))
		}
	}
	return c
}

// referenceStart is where the reference that ends at a byte begins.
func referenceStart(src []byte, at int) int {
	for at > 0 && (isNameByte(src[at-1]) || src[at-1] == '.') {
		at--
	}
	return at
}

func isNameByte(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// inner is the innermost block around the cursor.
func (c cursor) inner() (open, bool) {
	if len(c.blocks) == 0 {
		return open{}, false
	}
	return c.blocks[len(c.blocks)-1], true
}

// around returns the innermost block of one of these types.
func (c cursor) around(types ...string) (open, bool) {
	for i := len(c.blocks) - 1; i >= 0; i-- {
		for _, t := range types {
			if c.blocks[i].typ == t {
				return c.blocks[i], true
			}
		}
	}
	return open{}, false
}
