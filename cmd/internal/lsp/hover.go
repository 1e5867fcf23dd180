package lsp

import (
	"context"
	"strings"
)

// word is the name at a place, with the reference it ends.
func word(src []byte, at int) (start, end int) {
	start, end = at, at
	for start > 0 && isNameByte(src[start-1]) {
		start--
	}
	for end < len(src) && isNameByte(src[end]) {
		end++
	}
	return start, end
}

func (s *server) hover(_ context.Context, p positionParams) (*hover, error) {
	path, err := pathOf(p.TextDocument.URI)
	if err != nil {
		return nil, nil
	}
	src := s.text(path)
	_, end := word(src, offset(src, p.Position))
	k := s.completer(path, find(src, end))
	if k == nil {
		return nil, nil
	}
	if doc := k.hover(); doc != "" {
		return &hover{Contents: markdown(doc)}, nil
	}
	return nil, nil
}

func (k *completer) hover() string {
	switch k.c.where {
	case atName:
		types := k.file.Top
		if o, ok := k.c.inner(); ok {
			types = k.file.Blocks[o.typ].Blocks
			for _, a := range k.arguments(o) {
				if a.Name == k.c.prefix {
					return "`" + a.Name + "` (" + detail(a) + ")\n\n" + argumentDoc(a)
				}
			}
		}
		for _, t := range types {
			if t == k.c.prefix {
				return "`" + t + "`\n\n" + k.file.Blocks[t].Doc
			}
		}
	case atLabel:
		o, _ := k.c.inner()
		m, ok := k.l.Module(k.file.Blocks[o.typ].Module, k.c.prefix)
		if !ok || k.c.label > 0 {
			return ""
		}
		out := "`" + m.Name + "`: " + m.Summary
		if m.Doc != "" {
			out += "\n\n" + m.Doc
		}
		return out + "\n\n```hcl\n" + m.Example + "\n```"
	case atValue:
		return k.describe(k.c.prefix)
	}
	return ""
}

func (s *server) definition(_ context.Context, p positionParams) (*location, error) {
	path, err := pathOf(p.TextDocument.URI)
	if err != nil {
		return nil, nil
	}
	src := s.text(path)
	_, end := word(src, offset(src, p.Position))
	k := s.completer(path, find(src, end))
	if k == nil || k.c.where != atValue {
		return nil, nil
	}
	// task.MODULE.NAME.changed leads to the task, on whichever part it is asked.
	parts := strings.Split(string(src[referenceStart(src, end):referenceEnd(src, end)]), ".")
	for n := len(parts); n > 1; n-- {
		if d, ok := k.declaration(parts[:n]); ok {
			text := s.text(d.rng.Filename)
			return &location{URI: uriOf(d.rng.Filename), Range: span{place(text, d.rng.Start.Byte), place(text, d.rng.End.Byte)}}, nil
		}
	}
	return nil, nil
}

// referenceEnd is where the reference at a byte ends.
func referenceEnd(src []byte, at int) int {
	for at < len(src) && (isNameByte(src[at]) || src[at] == '.') {
		at++
	}
	return at
}
