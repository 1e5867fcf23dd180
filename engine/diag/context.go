package diag

import (
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// maxContextFile is the largest file that is parsed again only to name a block.
const maxContextFile = 4 << 20

// block is a block of an HCL file and the blocks within it.
type block struct {
	name     string // `task "service" "sshd"`
	labelled bool
	rng      hcl.Range // from the brace on: a problem in the header is not "in" the block
	children []block
}

// context names the innermost block around rng; a block without labels is
// named together with the one around it.
func (q *quoter) context(rng hcl.Range) string {
	if !strings.HasSuffix(rng.Filename, ".hcl") {
		return ""
	}
	blocks, ok := q.blocks[rng.Filename]
	if !ok {
		if src := q.sources[rng.Filename]; len(src) > 0 && len(src) <= maxContextFile {
			// A file with mistakes still gives the blocks that were understood.
			if f, _ := ParseConfig(src, rng.Filename); f != nil {
				if body, ok := f.Body.(*hclsyntax.Body); ok {
					blocks = outline(body)
				}
			}
		}
		q.blocks[rng.Filename] = blocks
	}
	var names []string
	for {
		i := -1
		for j := range blocks {
			if blocks[j].rng.ContainsPos(rng.Start) {
				i = j
				break
			}
		}
		if i < 0 {
			break
		}
		b := blocks[i]
		if b.labelled {
			names = names[:0]
		}
		names = append([]string{b.name}, names...)
		blocks = b.children
	}
	return strings.Join(names, " of ")
}

func outline(body *hclsyntax.Body) []block {
	out := make([]block, 0, len(body.Blocks))
	for _, b := range body.Blocks {
		name := cleanLine(b.Type)
		for _, l := range b.Labels {
			name += " " + strconv.Quote(l)
		}
		inside := b.OpenBraceRange
		inside.End = b.CloseBraceRange.End
		out = append(out, block{name: name, labelled: len(b.Labels) > 0, rng: inside, children: outline(b.Body)})
	}
	return out
}

// traversalName writes a reference as in the source, "" if it has parts that
// cannot be written so.
func traversalName(t hcl.Traversal) string {
	var b strings.Builder
	for _, step := range t {
		switch s := step.(type) {
		case hcl.TraverseRoot:
			b.WriteString(s.Name)
		case hcl.TraverseAttr:
			b.WriteString("." + s.Name)
		case hcl.TraverseIndex:
			if s.Key.IsMarked() || !s.Key.IsKnown() || s.Key.IsNull() {
				return ""
			}
			switch s.Key.Type() {
			case cty.String:
				b.WriteString("[" + strconv.Quote(s.Key.AsString()) + "]")
			case cty.Number:
				b.WriteString("[" + s.Key.AsBigFloat().Text('f', -1) + "]")
			default:
				return ""
			}
		default:
			return ""
		}
	}
	return cleanLine(b.String())
}

// describe tells enough of a value to understand a mistake. A value with any
// mark on it or in it is sensitive and not shown.
func describe(v cty.Value) string {
	switch {
	case v.ContainsMarked():
		return "a sensitive value"
	case !v.IsKnown():
		return "known only after apply"
	case v.IsNull():
		return "null"
	}
	ty := v.Type()
	switch {
	case ty == cty.String:
		s := v.AsString()
		if r := []rune(s); len(r) > 60 {
			s = string(r[:60]) + "…"
		}
		return strconv.Quote(s)
	case ty == cty.Number:
		return v.AsBigFloat().Text('g', 20)
	case ty == cty.Bool:
		return strconv.FormatBool(v.True())
	case ty.IsCollectionType() || ty.IsTupleType():
		n := v.LengthInt()
		elems := " elements"
		if n == 1 {
			elems = " element"
		}
		return "a " + kindName(ty) + " with " + strconv.Itoa(n) + elems
	}
	return "an " + ty.FriendlyName()
}

func kindName(ty cty.Type) string {
	switch {
	case ty.IsMapType():
		return "map"
	case ty.IsSetType():
		return "set"
	}
	return "list"
}
