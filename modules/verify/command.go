package verify

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Command checks what a command says.
func Command() module.Info {
	return module.Info{
		Name:    "command",
		Summary: "Checks the exit code and output of a command that only looks.",
		Doc: `For everything that has no check of its own. The command runs in a plan too, so it
must not change anything. "title" says what is right when the check passes; it is the
headline of the finding when it does not.`,
		Example: `check "command" "sshd_config" {
  title = "sshd accepts its configuration"
  argv  = ["/usr/sbin/sshd", "-t"]
  cure  = "Correct the lines named above in /etc/ssh/sshd_config."
}
`,
		NewCheck: func() module.Check { return &command{codes: []string{"0"}} },
	}
}

type command struct {
	title, cure       string
	argv, codes       []string
	matches, notMatch string
	errMatches        string
	errNotMatch       string
}

var (
	_ module.Check     = (*command)(nil)
	_ module.Validator = (*command)(nil)
)

var exitCode = regexp.MustCompile(`^([0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])$`)

func (c *command) Schema(b *schema.Block) {
	b.Strings(&c.argv, "argv", "Program and arguments, one per element.", schema.Required, schema.NonEmpty)
	b.String(&c.title, "title", "What holds when the check passes, as a sentence without a period.")
	b.String(&c.cure, "cure", "What to do when it does not.")
	b.Strings(&c.codes, "ok_codes", "Exit codes with which the check passes.", schema.Match(exitCode, "an exit code between 0 and 255"))
	b.String(&c.matches, "stdout_matches", "Regular expression that standard output must match.")
	b.String(&c.notMatch, "stdout_not_matches", "Regular expression that standard output must not match.")
	b.String(&c.errMatches, "stderr_matches", "Regular expression that standard error must match.")
	b.String(&c.errNotMatch, "stderr_not_matches", "Regular expression that standard error must not match.")
}

func (c *command) Validate() error {
	for name, re := range map[string]string{"stdout_matches": c.matches, "stdout_not_matches": c.notMatch, "stderr_matches": c.errMatches, "stderr_not_matches": c.errNotMatch} {
		if _, err := regexp.Compile(re); err != nil {
			return fmt.Errorf("The argument %q is not a regular expression: %w.", name, err)
		}
	}
	return nil
}

func (c *command) Check(ctx context.Context, r host.Reader) ([]module.Finding, error) {
	res, err := r.Query(ctx, c.argv...)
	if err != nil {
		return nil, err
	}
	out, errOut := strings.TrimRight(string(res.Stdout), "\n"), strings.TrimRight(string(res.Stderr), "\n")
	problem := ""
	switch {
	case !slices.Contains(c.codes, fmt.Sprint(res.Code)):
		problem = fmt.Sprintf("%s exited %d", host.Shorten(host.QuoteArgv(c.argv), 120), res.Code)
	case c.matches != "" && !regexp.MustCompile(c.matches).MatchString(out):
		problem = fmt.Sprintf("the output does not match %q", c.matches)
	case c.notMatch != "" && regexp.MustCompile(c.notMatch).MatchString(out):
		problem = fmt.Sprintf("the output matches %q", c.notMatch)
	case c.errMatches != "" && !regexp.MustCompile(c.errMatches).MatchString(errOut):
		problem = fmt.Sprintf("what it says on standard error does not match %q", c.errMatches)
	case c.errNotMatch != "" && regexp.MustCompile(c.errNotMatch).MatchString(errOut):
		problem = fmt.Sprintf("what it says on standard error matches %q", c.errNotMatch)
	default:
		return nil, nil
	}
	f := module.Finding{Summary: problem, Cure: c.cure}
	if c.title != "" {
		f.Summary, f.Detail = "not so: "+c.title, problem
	}
	said := strings.TrimSpace(out + "\n" + errOut)
	if said != "" {
		if f.Detail == "" {
			f.Detail = "It printed"
		}
		f.Detail += ":\n    " + strings.ReplaceAll(host.Shorten(said, 1500), "\n", "\n    ")
	}
	return []module.Finding{f}, nil
}
