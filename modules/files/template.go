package files

import (
	"context"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Template renders an HCL template to a file on the host.
func Template() module.Info {
	return module.Info{
		Name:    "template",
		Summary: "Renders an HCL template of the controller to a file on the host.",
		Doc: `The template sees everything the task sees (var, local, facts, host …) and each
element of "vars" by its name. Its syntax is HCL's: ${…} for values, %{ if … } and
%{ for … } for structure. What it mentions is checked when the playbook is loaded.`,
		Example: `task "template" "chrony" {
  src  = "chrony.conf.tmpl"
  path = "/etc/chrony.conf"
  vars = { servers = ["ntp1.example.com", "ntp2.example.com"] }
}
`,
		New: func() module.Step { return &template{} },
	}
}

type template struct {
	content string
	vars    any
	target
}

var (
	_ module.Step      = (*template)(nil)
	_ module.Validator = (*template)(nil)
	_ module.Reporter  = (*template)(nil)
	_ module.Joiner    = (*template)(nil)
)

func (t *template) Schema(b *schema.Block) {
	b.Template(&t.content, "src", "Template file on the controller.", schema.Required, schema.MaySensitive)
	b.Any(&t.vars, "vars", "Values the template sees by their names.", schema.MaySensitive)
	t.schema(b)
}

func (t *template) Validate() error { return t.checkValidate() }

func (t *template) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	have, there, fi, err := t.look(ctx, r)
	if err != nil {
		return nil, err
	}
	t.probed = &seenFile{have, there, fi}
	return t.plan(have, there, fi, []byte(t.content)), nil
}

func (t *template) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	return t.write(ctx, h, []byte(t.content))
}

// Join implements module.Joiner.
func (t *template) Join(next module.Step) (module.Step, bool) { return join(t, next) }

func (t *template) put() (put, bool) { return t.target.put([]byte(t.content)) }
