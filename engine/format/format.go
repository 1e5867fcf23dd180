// Package format lays HCL files out the canonical way: playbooks, inventories
// and files of variables. Only white space changes.
package format

import (
	"bytes"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/ferry-ops/ferry/engine/diag"
)

// rounds is how often a text may be laid out until it stays as it is. Aligning
// a comment can move what the next round aligns.
const rounds = 8

// Source returns src laid out. Its tokens are those of src, and laying it out
// again changes nothing. A text that does not parse is returned as an error, and
// nothing else is.
func Source(src []byte, name string) ([]byte, hcl.Diagnostics) {
	body := bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	if d := notText(body, name); d != nil {
		return nil, hcl.Diagnostics{d}
	}
	f, diags := diag.ParseConfig(body, name)
	if f == nil || diags.HasErrors() {
		return nil, diags
	}
	out := body
	for range rounds {
		next := tidyEnd(hclwrite.Format(out))
		if bytes.Equal(next, out) {
			break
		}
		out = next
	}
	if !bytes.Equal(tidyEnd(hclwrite.Format(out)), out) || !sameTokens(body, out, name) {
		rng := hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}
		return nil, hcl.Diagnostics{diag.Errorf("File not formatted", &rng, "Laying %s out would change more than its white space, so it is left as it is. This is a bug in ferry; please report it with the file.", name)}
	}
	return out, nil
}

func notText(src []byte, name string) *hcl.Diagnostic {
	if utf8.Valid(src) && bytes.IndexByte(src, 0) < 0 {
		return nil
	}
	rng := hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}
	return diag.HideSource(diag.Errorf("Not a text file", &rng, "%s is not text in UTF-8. Is it the right file?", name))
}

// tidyEnd ends a text with one line feed, and an empty one with none.
func tidyEnd(src []byte) []byte {
	trimmed := bytes.TrimRight(src, " \t\r\n")
	switch {
	case len(trimmed) == 0:
		return nil
	case bytes.HasSuffix(src[len(trimmed):], []byte("\n")) && bytes.Count(src[len(trimmed):], []byte("\n")) == 1 && len(src) == len(trimmed)+1:
		return src
	}
	return append(trimmed[:len(trimmed):len(trimmed)], '\n')
}

// sameTokens compares two texts without their white space and empty lines.
func sameTokens(a, b []byte, name string) bool {
	x, y := tokens(a, name), tokens(b, name)
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		p, q := x[i].Bytes, y[i].Bytes
		switch x[i].Type {
		case hclsyntax.TokenComment, hclsyntax.TokenNewline, hclsyntax.TokenCHeredoc: // they hold the end of the line
			p, q = bytes.TrimRight(p, " \t\r\n"), bytes.TrimRight(q, " \t\r\n")
		}
		if x[i].Type != y[i].Type || !bytes.Equal(p, q) {
			return false
		}
	}
	return true
}

func tokens(src []byte, name string) hclsyntax.Tokens {
	toks, _ := hclsyntax.LexConfig(src, name, hcl.InitialPos) // it was parsed before
	end := len(toks)
	for end > 0 && (toks[end-1].Type == hclsyntax.TokenEOF || toks[end-1].Type == hclsyntax.TokenNewline) {
		end--
	}
	return toks[:end]
}
