package module

import (
	"strings"

	"github.com/ferry-ops/ferry/engine/schema"
)

// Reference describes a module for programs; Markdown does for people.
type Reference struct {
	Kind      string              `json:"kind"`
	Name      string              `json:"name"`
	Summary   string              `json:"summary"`
	Doc       string              `json:"doc,omitempty"`
	Effects   []string            `json:"effects,omitempty"`
	Example   string              `json:"example"`
	Arguments []ArgumentReference `json:"arguments"`
	Results   []ResultReference   `json:"results,omitempty"`
}

// ArgumentReference describes one argument of a module.
type ArgumentReference struct {
	Name      string   `json:"name"`
	Type      string   `json:"type"`
	Doc       string   `json:"doc"`
	Required  bool     `json:"required,omitempty"`
	Default   string   `json:"default,omitempty"`
	Choices   []string `json:"choices,omitempty"`
	Sensitive bool     `json:"sensitive,omitempty"`
}

// ResultReference describes what a module tells later tasks.
type ResultReference struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Doc  string `json:"doc"`
}

// Describe returns the reference of a module.
func Describe(i Info) Reference {
	block, results := declarations(i)
	out := Reference{
		Kind: i.Kind(), Name: i.Name, Summary: i.Summary, Doc: strings.TrimSpace(i.Doc), Effects: i.Effects.Names(),
		Example: strings.TrimSpace(i.Example), Arguments: []ArgumentReference{},
	}
	for _, a := range block.Args() {
		out.Arguments = append(out.Arguments, ArgumentReference{
			Name: a.Name, Type: argType(a), Doc: a.Doc, Required: a.Required, Default: a.Default, Choices: a.Choices, Sensitive: a.Sensitive,
		})
	}
	for _, a := range results.Attrs() {
		out.Results = append(out.Results, ResultReference{a.Name, typeText(a.Type), a.Doc})
	}
	return out
}

// declarations returns what a module declares.
func declarations(i Info) (schema.Block, schema.Results) {
	var block schema.Block
	var results schema.Results
	var step any
	if i.NewCheck != nil {
		c := i.NewCheck()
		c.Schema(&block)
		step = c
	} else {
		s := i.New()
		s.Schema(&block)
		step = s
	}
	if r, ok := step.(Reporter); ok {
		r.Results(&results)
	}
	return block, results
}
