package lsp

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ferry-ops/ferry/cmd/internal/language"
	"github.com/ferry-ops/ferry/engine/module"
)

// completer collects what fits at one place.
type completer struct {
	s     *server
	l     language.Language
	file  language.File
	path  string
	c     cursor
	edit  span // what a completion replaces
	items []completionItem
}

func (s *server) completion(_ context.Context, p positionParams) ([]completionItem, error) {
	none := []completionItem{}
	path, err := pathOf(p.TextDocument.URI)
	if err != nil {
		return none, nil
	}
	src := s.text(path)
	at := offset(src, p.Position)
	k := s.completer(path, find(src, at))
	if k == nil {
		return none, nil
	}
	word := k.c.prefix
	if k.c.where == atValue {
		word = word[strings.LastIndexByte(word, '.')+1:]
	}
	k.edit = span{place(src, at-len(word)), p.Position}
	switch k.c.where {
	case atName:
		k.names()
	case atLabel:
		k.labels()
	case atText:
		k.choices(false)
	case atValue:
		k.value()
	}
	if k.items == nil {
		return none, nil
	}
	return k.items, nil
}

func (s *server) completer(path string, c cursor) *completer {
	k := &completer{s: s, l: s.o.Language, path: path, c: c}
	switch s.kindOf(path) {
	case kindPlaybook:
		k.file = k.l.Playbook
	case kindInventory:
		k.file = k.l.Inventory
	case kindValues:
	default:
		return nil
	}
	return k
}

func (k *completer) add(kind int, label, text, detail, doc string) {
	k.items = append(k.items, completionItem{Label: label, Kind: kind, Detail: detail, Documentation: markdown(doc), FilterText: label,
		TextEdit: &textEdit{Range: k.edit, NewText: text}})
}

// names offers arguments and blocks.
func (k *completer) names() {
	types := k.file.Top
	if o, ok := k.c.inner(); ok {
		b, known := k.file.Blocks[o.typ]
		if !known {
			return
		}
		types = b.Blocks
		for _, a := range k.arguments(o) {
			k.add(kindProperty, a.Name, a.Name+" = ", detail(a), argumentDoc(a))
			sort := "2"
			if a.Required {
				sort = "1"
			}
			k.items[len(k.items)-1].SortText = sort + a.Name
		}
	}
	for _, t := range types {
		b := k.file.Blocks[t]
		k.add(kindStruct, t, k.block(t, b), "block", b.Doc)
		item := &k.items[len(k.items)-1]
		item.SortText = "3" + t
		if k.s.snippets {
			item.InsertTextFormat = 2
		}
	}
}

// block is the text of a new block.
func (k *completer) block(typ string, b language.Block) string {
	var s strings.Builder
	s.WriteString(typ)
	for i, l := range b.Labels {
		if typ == "gate" && i > 0 {
			break // only where there are two of a kind
		}
		if k.s.snippets {
			fmt.Fprintf(&s, ` "${%d:%s}"`, i+1, l)
		} else {
			fmt.Fprintf(&s, " %q", l)
		}
	}
	if !k.s.snippets {
		return s.String() + " {\n}"
	}
	return s.String() + " {\n  $0\n}"
}

// arguments are those of a block with those of its module.
func (k *completer) arguments(o open) []module.ArgumentReference {
	b := k.file.Blocks[o.typ]
	var out []module.ArgumentReference
	if b.Module != "" && len(o.labels) > 0 {
		if m, ok := k.l.Module(b.Module, o.labels[0]); ok {
			out = append(out, m.Arguments...)
		}
	}
	return append(out, b.Arguments...)
}

// argument is the one whose value the cursor is in.
func (k *completer) argument() (module.ArgumentReference, bool) {
	o, ok := k.c.inner()
	if !ok {
		return module.ArgumentReference{}, false
	}
	for _, a := range k.arguments(o) {
		if a.Name == k.c.arg {
			return a, true
		}
	}
	return module.ArgumentReference{}, false
}

// labels offers modules and kinds of gates.
func (k *completer) labels() {
	o, _ := k.c.inner()
	b := k.file.Blocks[o.typ]
	switch {
	case k.c.label > 0:
	case b.Module != "":
		for _, m := range k.l.Modules {
			if m.Kind == b.Module {
				k.add(kindModule, m.Name, m.Name, m.Summary, m.Doc)
			}
		}
	case o.typ == "gate":
		for _, g := range []string{"approval", "check", "soak", "window"} {
			k.add(kindEnum, g, g, "gate", b.Doc)
		}
	}
}

// choices offers the values an argument may have.
func (k *completer) choices(quoted bool) {
	a, ok := k.argument()
	if !ok {
		return
	}
	for _, c := range a.Choices {
		text := c
		if quoted && a.Type != "type" {
			text = fmt.Sprintf("%q", c)
		}
		k.add(kindEnum, text, text, a.Name, a.Doc)
	}
}

// value offers what an expression can begin with, or how a reference goes on.
func (k *completer) value() {
	if i := strings.LastIndexByte(k.c.prefix, '.'); i >= 0 {
		k.steps(strings.Split(k.c.prefix[:i], "."))
		return
	}
	k.choices(true)
	a, _ := k.argument()
	if a.Type == "bool" {
		k.add(kindValue, "true", "true", a.Name, a.Doc)
		k.add(kindValue, "false", "false", a.Name, a.Doc)
	}
	if k.c.arg == "notify" {
		k.steps(nil)
		return
	}
	if a.Type == "type" || len(k.file.Top) == 0 {
		return
	}
	if slices.Contains(k.file.Top, "host") {
		if _, ok := k.c.around("constructed", "keyed"); ok {
			k.add(kindReference, "host", "host", "host.name, host.address, host.vars.NAME", "What the inventory says of the host.")
			k.add(kindReference, "facts", "facts", "facts.NAME", "A fact that ferry facts recorded.")
			k.add(kindReference, "groups", "groups", "groups.NAME", "Whether the host is in a group.")
		}
		return
	}
	for _, r := range k.l.References {
		k.add(kindReference, r.Name, r.Name, r.Form, r.Doc)
	}
	for _, f := range k.l.Functions {
		k.add(kindFunction, f.Name, f.Name, f.Signature, f.Doc)
	}
}

func detail(a module.ArgumentReference) string {
	if a.Required {
		return a.Type + ", required"
	}
	return a.Type
}

func argumentDoc(a module.ArgumentReference) string {
	out := a.Doc
	if a.Default != "" {
		out += fmt.Sprintf("\n\nDefault: `%s`.", a.Default)
	}
	if len(a.Choices) > 0 {
		out += "\n\nOne of: `" + strings.Join(a.Choices, "`, `") + "`."
	}
	if a.Sensitive {
		out += "\n\nThe value is never shown."
	}
	return out
}
