package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Command runs a program without a shell.
func Command() module.Info {
	return module.Info{
		Name:    "command",
		Summary: "Runs a program, without a shell.",
		Doc: `The arguments reach the program as they are written: no shell reads them, so
quotes, "$" and "*" mean nothing. Use the module "shell" where a shell is wanted.

A command acts each time it runs and is then reported as changed. Say when it
is not needed ("creates", "removes"), that it only looks ("read_only", which
also runs it in a plan and reports it as ok), or judge by its result with
"changed_when".

An exit code that is not in "ok_codes" is a failure.`,
		Example: `task "command" "initialise" {
  argv    = ["/opt/app/bin/init", "--data", "/srv/app"]
  creates = "/srv/app/VERSION"
}
`,
		Effects: module.Action,
		New:     func() module.Step { return &command{} },
	}
}

type command struct {
	argv []string
	settings
	outcome
}

var (
	_ module.Step      = (*command)(nil)
	_ module.Validator = (*command)(nil)
	_ module.Reporter  = (*command)(nil)
)

func (c *command) Schema(b *schema.Block) {
	b.Strings(&c.argv, "argv", "Program and arguments, one per element.", schema.Required, schema.NonEmpty)
	c.schema(b)
}

func (c *command) Validate() error {
	if len(c.argv) == 1 && strings.ContainsAny(c.argv[0], " \t\n") {
		return errors.New("The argument \"argv\" is a single word with spaces in it, and no program is called that. Write each word by itself, as in argv = [\"echo\", \"hi\"], or use the module \"shell\" for a line of shell.")
	}
	return nil
}

func (c *command) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	return c.probe(ctx, r, c.argv, module.Change{Argument: "run " + host.Shorten(host.QuoteArgv(c.argv), 120)}, &c.outcome)
}

func (c *command) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	return c.run(ctx, h, c.argv, &c.outcome)
}

// settings are the arguments that command, shell and script share.
type settings struct {
	creates, removes string
	dir, stdin       string
	okCodes          []string
	readOnly         bool
}

func (s *settings) schema(b *schema.Block) {
	b.String(&s.creates, "creates", "A path; if it exists, the command is not needed.", schema.AbsPath)
	b.String(&s.removes, "removes", "A path; if it does not exist, the command is not needed.", schema.AbsPath)
	b.String(&s.dir, "dir", "Directory to run in.", schema.AbsPath)
	b.String(&s.stdin, "stdin", "What the command reads from its standard input.", schema.MaySensitive)
	b.Strings(&s.okCodes, "ok_codes", "Exit codes that are no failure, besides 0.", schema.Match(exitCode, "an exit code between 0 and 255"))
	b.Bool(&s.readOnly, "read_only", "The command changes nothing: run it in a plan too, and report it as ok.")
}

// outcome is what a command left behind.
type outcome struct {
	stdout, stderr string
	exit           int
}

func (o *outcome) Results(r *schema.Results) {
	r.String(&o.stdout, "stdout", "Standard output, without the last line break.")
	r.String(&o.stderr, "stderr", "Standard error, without the last line break.")
	r.Int(&o.exit, "exit_code", "Exit code.")
}

// probe decides whether the command is needed; a read-only one runs right here.
func (s *settings) probe(ctx context.Context, r host.Reader, argv []string, what module.Change, o *outcome) (module.Plan, error) {
	if needed, err := s.needed(ctx, r); err != nil || !needed {
		return nil, err
	}
	if s.readOnly {
		res, err := r.Ask(ctx, host.Command{Argv: argv, Dir: s.dir, Stdin: []byte(s.stdin)})
		if err != nil {
			return nil, err
		}
		return nil, s.judge(argv, res, o)
	}
	return module.Plan{what}, nil
}

func (s *settings) needed(ctx context.Context, r host.Reader) (bool, error) {
	if s.creates != "" {
		if there, err := exists(ctx, r, s.creates); err != nil || there {
			return false, err
		}
	}
	if s.removes != "" {
		if there, err := exists(ctx, r, s.removes); err != nil || !there {
			return false, err
		}
	}
	return true, nil
}

func (s *settings) run(ctx context.Context, h host.Host, argv []string, o *outcome) error {
	res, err := h.Exec(ctx, host.Command{Argv: argv, Dir: s.dir, Stdin: []byte(s.stdin)})
	if err != nil {
		return err
	}
	return s.judge(argv, res, o)
}

// judge keeps the result and turns an unexpected exit code into an error.
func (s *settings) judge(argv []string, res host.Result, o *outcome) error {
	o.stdout, o.stderr, o.exit = chomp(res.Stdout), chomp(res.Stderr), res.Code
	if res.Code == 0 {
		return nil
	}
	for _, ok := range s.okCodes {
		if ok == fmt.Sprint(res.Code) {
			return nil
		}
	}
	return &host.CommandError{Argv: argv, Result: res}
}
