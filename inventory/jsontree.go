package inventory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
)

// parseJSON reads one JSON document, nil if it is empty.
func parseJSON(src source) (*node, *hcl.Diagnostic) {
	if len(bytes.TrimSpace(src.data)) == 0 {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(src.data))
	dec.UseNumber()
	p := &jsonParser{src: src, dec: dec, line: 1}
	n, err := p.value(0)
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			return n, nil
		}
		err = errors.New("something follows the end of the document")
	}
	if p.diag != nil {
		return nil, p.diag
	}
	at := int(dec.InputOffset())
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		at = max(0, int(syntax.Offset)-1)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err, at = errors.New("the document ends too early"), len(src.data)-1
	}
	at = min(at, len(src.data)-1)
	// What a program prints is often one long line, with everything in it.
	near := string(src.data[max(0, at-200):min(len(src.data), at+200)])
	return nil, hideIfSecret(diag.Errorf("Invalid JSON", lineAt(src.name, src.data, at), "The file is not valid JSON: %s.", err), near)
}

type jsonParser struct {
	src  source
	dec  *json.Decoder
	diag *hcl.Diagnostic
	// The place of the last token, kept so that finding lines is linear.
	line, lineStart, seen int
}

func (p *jsonParser) here() hcl.Range {
	end := min(int(p.dec.InputOffset()), len(p.src.data))
	for ; p.seen < end; p.seen++ {
		if p.src.data[p.seen] == '\n' {
			p.line++
			p.lineStart = p.seen + 1
		}
	}
	pos := hcl.Pos{Line: p.line, Column: end - p.lineStart + 1, Byte: end}
	return hcl.Range{Filename: p.src.name, Start: pos, End: pos}
}

// token returns the next token and its range, for strings the whole literal.
func (p *jsonParser) token() (json.Token, hcl.Range, error) {
	t, err := p.dec.Token()
	rng := p.here()
	if s, ok := t.(string); ok && err == nil {
		if n := len(s) + 2; n < rng.Start.Column {
			rng.Start.Column -= n
			rng.Start.Byte -= n
		}
	}
	return t, rng, err
}

func (p *jsonParser) fail(rng hcl.Range, summary, format string, args ...any) error {
	p.diag = diag.Errorf(summary, &rng, format, args...)
	return errors.New(summary)
}

func (p *jsonParser) value(depth int) (*node, error) {
	t, rng, err := p.token()
	if err != nil {
		return nil, err
	}
	if depth > maxTreeDepth {
		return nil, p.fail(rng, "Nested too deeply", "Values are nested more than %d deep here. Is it the right file?", maxTreeDepth)
	}
	n := &node{rng: rng}
	switch t := t.(type) {
	case nil:
		n.scalar = cty.NullVal(cty.DynamicPseudoType)
	case bool:
		n.scalar = cty.BoolVal(t)
	case string:
		n.scalar = cty.StringVal(t)
	case json.Number:
		f, _, err := big.ParseFloat(string(t), 10, 512, big.ToNearestEven)
		if err != nil || len(t) > 300 {
			return nil, fmt.Errorf("the number %.40s is too large", t)
		}
		n.scalar = cty.NumberVal(f)
	case json.Delim:
		if t == '[' {
			n.kind = nodeList
			for p.dec.More() {
				item, err := p.value(depth + 1)
				if err != nil {
					return nil, err
				}
				n.items = append(n.items, item)
			}
		} else {
			n.kind = nodeMap
			if err := p.object(n, depth); err != nil {
				return nil, err
			}
		}
		if _, err := p.dec.Token(); err != nil { // the closing bracket
			return nil, err
		}
	}
	return n, nil
}

func (p *jsonParser) object(n *node, depth int) error {
	seen := map[string]hcl.Range{}
	for p.dec.More() {
		k, rng, err := p.token()
		if err != nil {
			return err
		}
		key, ok := k.(string)
		if !ok {
			return fmt.Errorf("a key is not a string")
		}
		if first, dup := seen[key]; dup {
			return p.fail(rng, "Key twice", "The key %q is already in this map, at line %d. Only one of the two would count. Take one of them out.", key, first.Start.Line)
		}
		seen[key] = rng
		v, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		if v.kind == nodeMap && len(v.pairs) == 1 && v.pairs[0].key == "__ansible_vault" {
			text, _ := stringOf(v.pairs[0].val.scalarOrNull())
			v = &node{kind: nodeVault, rng: v.rng, text: text}
		}
		n.pairs = append(n.pairs, pair{key: key, rng: rng, val: v})
	}
	return nil
}
