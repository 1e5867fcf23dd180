package lsp

import (
	"slices"
	"strings"

	"github.com/ferry-ops/ferry/engine/module"
)

// steps offers how a reference goes on after these names; with none, the whole
// of the handlers, for notify.
func (k *completer) steps(before []string) {
	root := "handler"
	if len(before) > 0 {
		root = before[0]
	}
	switch root {
	case "facts":
		if len(before) == 1 {
			for _, f := range k.l.Facts {
				k.add(kindVariable, f.Name, f.Name, f.Type, f.Doc)
			}
		}
	case "host":
		k.fixed(before, map[string]string{"name": "Name of the host in the inventory.", "address": "Address it is reached at.", "groups": "Names of its groups.", "vars": "Variables of the inventory, host.vars.NAME."})
	case "each":
		k.fixed(before, map[string]string{"key": "Key of the element.", "value": "The element."})
	case "path":
		k.fixed(before, map[string]string{"playbook": "The playbook's directory."})
	case "self":
		if o, ok := k.c.around("task", "check", "handler"); ok && len(before) == 1 && len(o.labels) > 0 {
			k.results(o.typ, o.labels[0])
		}
	case "var", "local", "groups":
		k.declared(root, before)
	case "task", "check", "handler":
		if len(before) == 3 && root != "handler" {
			k.results(root, before[1])
			return
		}
		k.declared(root, before)
	}
}

func (k *completer) fixed(before []string, words map[string]string) {
	if len(before) != 1 {
		return
	}
	for w, doc := range words {
		k.add(kindVariable, w, w, before[0], doc)
	}
}

// declared offers names of the files, one step at a time.
func (k *completer) declared(root string, before []string) {
	play, inPlay := k.c.around("play")
	seen := map[string]bool{}
	for _, n := range k.s.names(k.path) {
		if n.root != root || n.play != "" && inPlay && len(play.labels) > 0 && n.play != play.labels[0] {
			continue
		}
		if len(before) == 0 {
			k.add(kindVariable, n.text(), n.text(), "handler", n.doc)
			continue
		}
		at := len(before) - 1
		if at >= len(n.path) || !slices.Equal(n.path[:at], before[1:]) || seen[n.path[at]] {
			continue
		}
		seen[n.path[at]] = true
		doc := n.doc
		if at < len(n.path)-1 {
			doc = ""
			if m, ok := k.l.Module(kindOfRoot(root), n.path[at]); ok {
				doc = m.Summary
			}
		}
		k.add(kindVariable, n.path[at], n.path[at], root, doc)
	}
}

func kindOfRoot(root string) string {
	if root == "handler" {
		return "task"
	}
	return root
}

// results offers what a module tells.
func (k *completer) results(typ, mod string) {
	for _, r := range results(k, typ, mod) {
		k.add(kindVariable, r.Name, r.Name, r.Type, r.Doc)
	}
}

func results(k *completer, typ, mod string) []module.ResultReference {
	out := []module.ResultReference{
		{Name: "changed", Type: "bool", Doc: "Whether the task changed something."},
		{Name: "skipped", Type: "bool", Doc: "Whether it was skipped."},
		{Name: "failed", Type: "bool", Doc: "Whether it failed."},
	}
	if typ == "check" {
		out = []module.ResultReference{
			{Name: "passed", Type: "bool", Doc: "Whether the check passed."},
			{Name: "skipped", Type: "bool", Doc: "Whether it was skipped."},
			{Name: "findings", Type: "list of strings", Doc: "What it found."},
		}
	}
	if m, ok := k.l.Module(kindOfRoot(typ), mod); ok {
		out = append(out, m.Results...)
	}
	return out
}

// describe is the documentation of a reference written out as far as its last name.
func (k *completer) describe(ref string) string {
	parts := strings.Split(ref, ".")
	if len(parts) == 1 {
		for _, r := range k.l.References {
			if r.Name == ref {
				return "`" + r.Form + "`\n\n" + r.Doc
			}
		}
		for _, f := range k.l.Functions {
			if f.Name == ref {
				return "`" + f.Signature + "`\n\n" + f.Doc
			}
		}
		return ""
	}
	if n, ok := k.declaration(parts); ok {
		return n.markdown()
	}
	k.steps(parts[:len(parts)-1])
	for _, i := range k.items {
		if i.Label == parts[len(parts)-1] && i.Documentation != nil {
			return "`" + ref + "` (" + i.Detail + ")\n\n" + i.Documentation.Value
		}
	}
	return ""
}

// declaration finds what a reference is about.
func (k *completer) declaration(parts []string) (name, bool) {
	play, _ := k.c.around("play")
	for _, n := range k.s.names(k.path) {
		if n.root != parts[0] || len(parts)-1 != len(n.path) || !slices.Equal(n.path, parts[1:len(n.path)+1]) {
			continue
		}
		if n.play == "" || len(play.labels) == 0 || n.play == play.labels[0] {
			return n, true
		}
	}
	return name{}, false
}
