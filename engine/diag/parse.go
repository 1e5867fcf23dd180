package diag

import (
	"bytes"
	"cmp"
	"runtime"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"golang.org/x/sync/errgroup"
)

// Bounds of HCL text. The library's parser is recursive and knows no limit: what
// is nested deeply enough ends the process, which no recover can prevent. Nobody
// writes more than these by hand.
const (
	MaxNesting = 100 // brackets, blocks and templates within each other
	// The library joins the lines of a template one by one, each time copying what
	// it has: lines times bytes is the work. This much takes seconds.
	maxJoin = 4_000_000_000

	maxChain  = 2_000   // operators and template directives in one expression
	MaxTokens = 1 << 20 // names, values and signs of one file; each costs about 200 bytes while it is parsed
)

// ParseConfig parses a file of HCL. It is hclsyntax.ParseConfig for text that
// anybody may have written: text beyond the bounds is a diagnostic, and the file
// is nil.
func ParseConfig(src []byte, name string) (*hcl.File, hcl.Diagnostics) {
	if d := tooMuch(src, name); d != nil {
		return nil, hcl.Diagnostics{d}
	}
	if d := Bounds(src, name); d != nil {
		return nil, hcl.Diagnostics{d}
	}
	return hclsyntax.ParseConfig(src, name, hcl.InitialPos)
}

// ParseExpression parses one expression, with the bounds of ParseConfig.
func ParseExpression(src []byte, name string) (hclsyntax.Expression, hcl.Diagnostics) {
	if d := cmp.Or(tooMuch(src, name), bounds(src, name, hclsyntax.LexExpression)); d != nil {
		return nil, hcl.Diagnostics{d}
	}
	return hclsyntax.ParseExpression(src, name, hcl.InitialPos)
}

// ParseTemplate parses the text of a template, with the bounds of ParseConfig.
func ParseTemplate(src []byte, name string) (hclsyntax.Expression, hcl.Diagnostics) {
	if d := bounds(src, name, hclsyntax.LexTemplate); d != nil {
		return nil, hcl.Diagnostics{d}
	}
	return hclsyntax.ParseTemplate(src, name, hcl.InitialPos)
}

// Bounds returns a diagnostic if a file of HCL is nested too deeply for the
// parser. What is limited by its size already need not be counted for it.
func Bounds(src []byte, name string) *hcl.Diagnostic {
	if _, flat := plainlyFlat(src, len(src)); flat {
		return nil
	}
	return bounds(src, name, hclsyntax.LexConfig)
}

func tooMuch(src []byte, name string) *hcl.Diagnostic {
	if signs(src) <= MaxTokens {
		return nil
	}
	rng := hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}
	return Errorf("File too large", &rng, "%s has more than a million names, values and signs, which no file written by people has. Is it the right file? Data of that size belongs into a file that the playbook copies.", name)
}

type lexer func(src []byte, filename string, start hcl.Pos) (hclsyntax.Tokens, hcl.Diagnostics)

// bounds walks over the tokens. A level is an open bracket; chain counts the
// operators of the expression that is being written on each.
func bounds(src []byte, name string, lex lexer) *hcl.Diagnostic {
	toks, _ := lex(src, name, hcl.InitialPos) // what is wrong the parser says
	var open []hclsyntax.TokenType
	chain := []int{0}
	text := []literal{{}} // of each level
	before := hclsyntax.TokenNil
	for _, t := range toks {
		last := len(chain) - 1
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc,
			hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			if t.Type == hclsyntax.TokenOBrack || t.Type == hclsyntax.TokenOParen {
				chain[last]++ // a[0][0][0]
			}
			open, chain, text = append(open, t.Type), append(chain, 0), append(text, literal{})
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc,
			hclsyntax.TokenTemplateSeqEnd:
			if len(open) > 0 {
				open, chain, text = open[:len(open)-1], chain[:last], text[:last]
			}
		case hclsyntax.TokenIdent:
			word := string(t.Bytes)
			switch {
			case before == hclsyntax.TokenTemplateControl && (word == "if" || word == "for"):
				chain[last-1]++ // directives are nested by their words
			case before == hclsyntax.TokenTemplateControl && (word == "endif" || word == "endfor"):
				chain[last-1]--
			case before == hclsyntax.TokenOBrace && word == "for":
				open[len(open)-1] = hclsyntax.TokenOBrack // lines mean nothing in it
			}
		case hclsyntax.TokenComma:
			chain[last] = 0
		case hclsyntax.TokenNewline:
			if len(open) == 0 || open[len(open)-1] == hclsyntax.TokenOBrace {
				chain[last] = 0
			}
		case hclsyntax.TokenStringLit, hclsyntax.TokenQuotedLit:
			text[last].parts++
			text[last].bytes += len(t.Bytes)
		case hclsyntax.TokenNumberLit, hclsyntax.TokenComment:
		default:
			chain[last]++
		}
		before = t.Type
		rng := t.Range
		switch top := text[len(text)-1]; {
		case top.parts*top.bytes > maxJoin:
			return Errorf("Text too long", &rng, "This text has %d lines so far, more than a template can have in reasonable time. Put it into a file of its own and use it as it is (in the module \"copy\", the argument \"src\").", top.parts)
		case len(open) > MaxNesting:
			return Errorf("Nested too deeply", &rng, "Brackets, blocks and templates are nested more than %d deep here. Is it the right file? Put parts of the value into values of their own.", MaxNesting)
		case chain[len(chain)-1] > maxChain:
			return Errorf("Expression too long", &rng, "This expression has more than %d operators. Is it the right file? Put parts of it into values of their own, or use a list.", maxChain)
		}
	}
	return nil
}

// literal is the text of one template.
type literal struct{ parts, bytes int }

// signs counts, near enough, the tokens of a text without making them.
func signs(src []byte) int {
	n, word := 0, false
	for _, c := range src {
		if w := isWord(c); w != word || !w && c > ' ' || c == '\n' {
			word = w
			n++
		}
	}
	return n
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// plainlyFlat reports whether a text is so simple that it is within the bounds
// without being split into tokens, which takes half as long as parsing it: few
// signs on each line, brackets that are easily counted, no templates, heredocs
// or comments over lines. Long inventories are. The cuts are ends of lines
// outside all brackets, at least size bytes from each other.
func plainlyFlat(src []byte, size int) (cuts []int, flat bool) {
	depth, lists, ops, inString, last := 0, 0, 0, false, 0
	for i := 0; i < len(src); i++ {
		c, next := src[i], byte(0)
		if i+1 < len(src) {
			next = src[i+1]
		}
		switch {
		case c == '\n':
			if inString {
				return nil, false
			}
			if lists == 0 { // in a list, an expression goes on
				ops = 0
			}
			if depth == 0 && i-last >= size {
				last = i + 1
				cuts = append(cuts, last)
			}
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case (c == '$' || c == '%') && next == '{':
			return nil, false
		case inString:
		case c == '<' && next == '<', c == '/' && next == '*', c == '=' && next == '>':
			return nil, false
		case c == '#', c == '/' && next == '/':
			for i+1 < len(src) && src[i+1] != '\n' {
				i++
			}
		case c == '{':
			depth++
		case c == '[', c == '(':
			depth++
			lists++
			ops++
		case c == '}':
			depth--
		case c == ']', c == ')':
			depth--
			lists--
		case c != ' ' && c != '\t' && c != ',' && !isWord(c):
			ops++
		}
		if depth < 0 || lists < 0 || depth > MaxNesting || ops > maxChain {
			return nil, false
		}
	}
	return cuts, !inString && depth == 0 && lists == 0
}

// partSize is how long the parts of a large file are, in bytes.
const partSize = 256 << 10

// ParseParts parses a file that Bounds lets pass, a large one in parts and on
// several processors. The bodies follow each other in the file. With errors there
// may be none.
func ParseParts(src []byte, name string) ([]*hclsyntax.Body, hcl.Diagnostics) {
	cuts, flat := plainlyFlat(src, partSize)
	if !flat || len(cuts) == 0 {
		return parseWhole(src, name)
	}
	if cuts[len(cuts)-1] < len(src) {
		cuts = append(cuts, len(src))
	}
	out := make([]*hclsyntax.Body, len(cuts))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	from, line := 0, 1
	for i, to := range cuts {
		part, start := src[from:to], hcl.Pos{Line: line, Column: 1, Byte: from}
		g.Go(func() error {
			f, diags := hclsyntax.ParseConfig(part, name, start)
			if len(diags) > 0 {
				return diags
			}
			out[i] = f.Body.(*hclsyntax.Body)
			return nil
		})
		from, line = to, line+bytes.Count(part, []byte("\n"))
	}
	if g.Wait() != nil {
		return parseWhole(src, name) // for the messages
	}
	return out, nil
}

func parseWhole(src []byte, name string) ([]*hclsyntax.Body, hcl.Diagnostics) {
	f, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	if f == nil {
		return nil, diags
	}
	body, ok := f.Body.(*hclsyntax.Body)
	if !ok {
		return nil, diags
	}
	return []*hclsyntax.Body{body}, diags
}
