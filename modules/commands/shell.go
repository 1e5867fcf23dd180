package commands

import (
	"context"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Shell runs shell text.
func Shell() module.Info {
	return module.Info{
		Name:    "shell",
		Summary: "Runs shell text with /bin/sh.",
		Doc: `The text is run by the host's /bin/sh, so pipes, redirections and variables
work. Everything said of the module "command" about when it acts holds here too.

The text runs as written: a failing command in the middle does not end it.
Start it with "set -e" where that is wanted.`,
		Example: `task "shell" "count_packages" {
  script    = "rpm -qa | wc -l"
  read_only = true
}
`,
		Effects: module.Action,
		New:     func() module.Step { return &shell{} },
	}
}

type shell struct {
	script string
	settings
	outcome
}

var (
	_ module.Step     = (*shell)(nil)
	_ module.Reporter = (*shell)(nil)
)

func (s *shell) Schema(b *schema.Block) {
	b.String(&s.script, "script", "Shell text to run.", schema.Required, schema.NonEmpty, schema.MaySensitive)
	s.schema(b)
}

func (s *shell) argv() []string { return []string{"/bin/sh", "-c", s.script} }

func (s *shell) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	// The change is named for the argument, whose value may be sensitive.
	return s.probe(ctx, r, s.argv(), module.Change{Argument: "script", To: "run " + host.Shorten(firstLine(s.script), 120)}, &s.outcome)
}

func (s *shell) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	return s.run(ctx, h, s.argv(), &s.outcome)
}
