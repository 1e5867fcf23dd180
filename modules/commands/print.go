package commands

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Print shows a value.
func Print() module.Info {
	return module.Info{
		Name:    "print",
		Summary: "Shows a value in the output of the run.",
		Doc: `A string is shown as it is, anything else as JSON. Nothing happens on the host.
The value is a result too ("text"), and every reader of the run's events sees it.`,
		Example: `task "print" "kernel" {
  value = "${host.name} runs ${facts.kernel}"
}
`,
		Effects: module.Action | module.Local,
		New:     func() module.Step { return &printStep{} },
	}
}

type printStep struct {
	value any
	text  string
}

var (
	_ module.Step     = (*printStep)(nil)
	_ module.Reporter = (*printStep)(nil)
	_ module.Speaker  = (*printStep)(nil)
)

func (p *printStep) Schema(b *schema.Block) {
	b.Any(&p.value, "value", "What to show.", schema.Required)
}

func (p *printStep) Results(r *schema.Results) { r.String(&p.text, "text", "The text shown.") }

// Message is shown with the task.
func (p *printStep) Message() string { return p.text }

func (p *printStep) Probe(context.Context, host.Reader) (module.Plan, error) {
	if s, ok := p.value.(string); ok {
		p.text = s
		return nil, nil
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(p.value)
	p.text = strings.TrimSuffix(b.String(), "\n")
	return nil, err
}

func (*printStep) Apply(context.Context, host.Host, module.Plan) error { return nil }
