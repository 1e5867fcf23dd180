package lsp

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/ferry-ops/ferry/engine/diag"
)

// name is something that is declared and can be referred to.
type name struct {
	root string // "var", "local", "task", "check" or "handler"
	path []string
	doc  string
	play string
	rng  hcl.Range
}

// names lists what the files beside one declare, as far as they can be read: a
// file that is being written mostly has a mistake somewhere.
func (s *server) names(path string) []name {
	var out []name
	for _, file := range s.beside(path) {
		f, _ := diag.ParseConfig(s.text(file), file)
		if f == nil {
			continue
		}
		body, ok := f.Body.(*hclsyntax.Body)
		if !ok {
			continue
		}
		for _, b := range body.Blocks {
			switch {
			case b.Type == "variable" && len(b.Labels) == 1:
				out = append(out, name{root: "var", path: b.Labels, doc: constant(b.Body, "description"), rng: b.DefRange()})
			case b.Type == "locals":
				for _, a := range b.Body.Attributes {
					out = append(out, name{root: "local", path: []string{a.Name}, rng: a.NameRange})
				}
			case b.Type == "group" || b.Type == "constructed":
				out = append(out, groups(b)...)
			case b.Type == "play" && len(b.Labels) == 1:
				out = append(out, tasks(b.Body, b.Labels[0])...)
			}
		}
	}
	return out
}

func groups(b *hclsyntax.Block) []name {
	var out []name
	if len(b.Labels) == 1 {
		out = append(out, name{root: "groups", path: b.Labels, rng: b.DefRange()})
	}
	for _, c := range b.Body.Blocks {
		if c.Type == "group" {
			out = append(out, groups(c)...)
		}
	}
	return out
}

func tasks(body *hclsyntax.Body, play string) []name {
	var out []name
	for _, b := range body.Blocks {
		switch b.Type {
		case "task", "check", "handler":
			if len(b.Labels) == 2 {
				out = append(out, name{root: b.Type, path: b.Labels, play: play, doc: constant(b.Body, "description"), rng: b.DefRange()})
			}
		default:
			out = append(out, tasks(b.Body, play)...)
		}
	}
	return out
}

// constant is the value of an argument that is written out.
func constant(b *hclsyntax.Body, arg string) string {
	a, ok := b.Attributes[arg]
	if !ok || len(a.Expr.Variables()) > 0 {
		return ""
	}
	v, diags := a.Expr.Value(nil)
	if diags.HasErrors() || v.IsNull() || !v.IsKnown() || v.Type().FriendlyName() != "string" {
		return ""
	}
	return v.AsString()
}

func (n name) text() string {
	out := n.root
	for _, p := range n.path {
		out += "." + p
	}
	return out
}

// markdown is what hover shows.
func (n name) markdown() string {
	out := fmt.Sprintf("`%s`", n.text())
	if n.play != "" {
		out += fmt.Sprintf(" of the play %q", n.play)
	}
	if n.doc != "" {
		out += "\n\n" + n.doc
	}
	return out
}
