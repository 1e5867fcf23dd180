package commands

import (
	"context"
	"errors"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Assert fails the host unless a condition holds.
func Assert() module.Info {
	return module.Info{
		Name:    "assert",
		Summary: "Fails the host unless a condition holds.",
		Doc:     `Use it to state what the tasks after it rely on, in terms of facts, variables and results.`,
		Example: `task "assert" "enough_memory" {
  that    = facts.memory_mb >= 2048
  message = "${host.name} has ${facts.memory_mb} MiB of memory; the migration needs 2048."
}
`,
		Effects: module.Local,
		New:     func() module.Step { return &assert{} },
	}
}

type assert struct {
	that    bool
	message string
}

var _ module.Step = (*assert)(nil)

func (a *assert) Schema(b *schema.Block) {
	b.Bool(&a.that, "that", "The condition.", schema.Required)
	b.String(&a.message, "message", "What to tell the user when it does not hold: what is wrong and what to do.", schema.Required, schema.NonEmpty)
}

func (a *assert) Probe(context.Context, host.Reader) (module.Plan, error) {
	if a.that {
		return nil, nil
	}
	return nil, errors.New(a.message)
}

func (*assert) Apply(context.Context, host.Host, module.Plan) error { return nil }

// Fail fails the host.
func Fail() module.Info {
	return module.Info{
		Name:    "fail",
		Summary: "Fails the host with a message.",
		Doc:     `Combine it with "when", or use it in a rescue block that cleans up and then gives up.`,
		Example: `task "fail" "unsupported" {
  when    = facts.arch != "x86_64"
  message = "${host.name} is ${facts.arch}; this playbook is written for x86_64."
}
`,
		Effects: module.Local,
		New:     func() module.Step { return &fail{} },
	}
}

type fail struct{ message string }

var _ module.Step = (*fail)(nil)

func (f *fail) Schema(b *schema.Block) {
	b.String(&f.message, "message", "What to tell the user: what is wrong and what to do.", schema.Required, schema.NonEmpty)
}

func (f *fail) Probe(context.Context, host.Reader) (module.Plan, error) {
	return nil, errors.New(f.message)
}

func (*fail) Apply(context.Context, host.Host, module.Plan) error { return nil }
