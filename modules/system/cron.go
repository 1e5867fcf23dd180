package system

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Cron keeps one cron job.
func Cron() module.Info {
	return module.Info{
		Name:    "cron",
		Summary: "Keeps one job in a file of its own in /etc/cron.d.",
		Doc: `The file /etc/cron.d/NAME holds this job and nothing else. The crontabs that users edit
are left alone.

In a command cron takes % for the end of a line; write \% (in HCL "\\%") for the
character. The values of "variables" are taken as they are: cron expands nothing in them.`,
		Example: `task "cron" "backup" {
  schedule  = "30 2 * * 1-5"
  user      = "backup"
  command   = "/usr/local/bin/backup --quiet"
  variables = { MAILTO = "ops@example.com" }
}
`,
		New: func() module.Step { return &cron{state: "present", user: "root"} },
	}
}

type cron struct {
	name, schedule, user, command, state string
	variables                            map[string]string
}

var (
	_ module.Step      = (*cron)(nil)
	_ module.Named     = (*cron)(nil)
	_ module.Validator = (*cron)(nil)
)

var (
	cronName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_-]*$`)
	envName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// SetName makes the name of the task the name of the file.
func (s *cron) SetName(name string) { s.name = name }

func (s *cron) Schema(b *schema.Block) {
	b.String(&s.name, "name", "Name of the file in /etc/cron.d; the name of the task if not given.", schema.Match(cronName, "a name of letters, digits, _ -; cron passes over files with other names"))
	b.String(&s.schedule, "schedule", "When it runs: minute, hour, day of month, month, day of week; or @reboot, @hourly, @daily, @weekly, @monthly, @yearly.")
	b.String(&s.user, "user", "User it runs as.", schema.Match(accountName, accountWords))
	b.String(&s.command, "command", "Command line for the shell.", schema.MaySensitive)
	b.StringMap(&s.variables, "variables", "Environment of the command; MAILTO and PATH have a meaning to cron.", schema.MaySensitive)
	b.String(&s.state, "state", "Whether the job is there.", schema.OneOf("present", "absent"))
}

func (s *cron) Validate() error {
	if s.state == "absent" {
		return nil
	}
	switch {
	case s.schedule == "" || strings.TrimSpace(s.command) == "":
		return errors.New("The arguments \"schedule\" and \"command\" are needed: when the job runs, and what it does.")
	case strings.ContainsAny(s.command, "\n\r\x00"):
		return errors.New("The argument \"command\" contains a line break. Put the lines into a script and run that.")
	}
	if err := checkSchedule(s.schedule); err != nil {
		return fmt.Errorf("The argument \"schedule\" is not one cron understands: %w.", err)
	}
	for k, v := range s.variables {
		switch {
		case !envName.MatchString(k):
			return fmt.Errorf("%q is not the name of a variable.", k)
		case strings.ContainsAny(v, "\n\r\x00"):
			return fmt.Errorf("The value of the variable %q contains a line break, which cron cannot take.", k)
		case strings.Contains(v, `"`) && strings.Contains(v, `'`):
			return fmt.Errorf("The value of the variable %q contains both kinds of quotes, which cron cannot take.", k)
		}
	}
	return nil
}

func (s *cron) path() string { return "/etc/cron.d/" + s.name }

func (s *cron) content() string {
	var b strings.Builder
	b.WriteString(managed)
	keys := make([]string, 0, len(s.variables))
	for k := range s.variables {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		quote := `"`
		if strings.Contains(s.variables[k], quote) {
			quote = `'`
		}
		fmt.Fprintf(&b, "%s=%s%s%s\n", k, quote, s.variables[k], quote)
	}
	fmt.Fprintf(&b, "%s %s %s\n", squeeze(s.schedule), s.user, strings.TrimSpace(s.command))
	return b.String()
}

func (s *cron) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	fi, there, err := stat(ctx, r, s.path())
	switch {
	case err != nil:
		return nil, err
	case s.state == "absent" && there:
		return module.Plan{{Argument: "state", From: "present", To: "absent"}}, nil
	case s.state == "absent":
		return nil, nil
	case there && fi.Type != "file":
		return nil, fmt.Errorf("%s is a %s, and cron reads regular files only. Move it away, or give the job another name", s.path(), fi.Type)
	}
	want := s.content()
	have := ""
	if there {
		if have, there, err = read(ctx, r, s.path()); err != nil {
			return nil, err
		}
	}
	if !there {
		return module.Plan{{Argument: "job", From: "absent", To: s.path(), Diff: module.Diff(s.path(), nil, []byte(want))}}, nil
	}
	var p module.Plan
	if have != want {
		p = append(p, module.Change{Argument: "job", From: "another job", To: s.path(), Diff: module.Diff(s.path(), []byte(have), []byte(want))})
	}
	// cron refuses files that others than root can write.
	if mode := host.UnixMode(fi.Mode); mode != 0o644 {
		p = append(p, module.Change{Argument: "mode", From: fmt.Sprintf("%04o", mode), To: "0644"})
	}
	if fi.Owner != "root" {
		p = append(p, module.Change{Argument: "owner", From: fi.Owner, To: "root"})
	}
	return p, nil
}

func (s *cron) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	if s.state == "absent" {
		return do(ctx, h, "rm", "-f", "--", s.path())
	}
	return h.WriteFile(ctx, s.path(), []byte(s.content()), host.Attr{Mode: 0o644, Owner: "root", Group: "root"})
}

// cronField is one of the five fields of a schedule.
type cronField struct {
	what      string
	low, high int
	names     []string // abbreviations, of low and the numbers that follow
}

var cronFields = [5]cronField{
	{"minute", 0, 59, nil},
	{"hour", 0, 23, nil},
	{"day of the month", 1, 31, nil},
	{"month", 1, 12, []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	{"day of the week", 0, 7, []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}

// checkSchedule says what cron would not understand.
func checkSchedule(s string) error {
	if strings.ContainsAny(s, "\n\r") {
		return errors.New("it contains a line break")
	}
	f := strings.Fields(s)
	if len(f) == 1 && f[0][0] == '@' {
		if slices.Contains([]string{"@reboot", "@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"}, f[0]) {
			return nil
		}
		return fmt.Errorf("%q is not one of @reboot, @hourly, @daily, @weekly, @monthly, @yearly", f[0])
	}
	if len(f) != 5 {
		return fmt.Errorf("it has %d fields, not the 5 for minute, hour, day of month, month, day of week", len(f))
	}
	for i, field := range cronFields {
		if err := field.check(f[i]); err != nil {
			return err
		}
	}
	return nil
}

// check reads a field: a list of *, numbers and ranges, each with a step.
func (c cronField) check(s string) error {
	if slices.Contains(c.names, strings.ToLower(s)) {
		return nil
	}
	for _, part := range strings.Split(s, ",") {
		span, step, stepped := strings.Cut(part, "/")
		if stepped {
			if n, err := number(step); err != nil || n == 0 {
				return fmt.Errorf("the step %q in the %s %q is not a number above 0", step, c.what, s)
			}
		}
		if span == "*" {
			continue
		}
		from, to, ranged := strings.Cut(span, "-")
		low, err := c.number(from)
		if err != nil {
			return err
		}
		high := low
		if ranged {
			if high, err = c.number(to); err != nil {
				return err
			}
		}
		switch {
		case low > high:
			return fmt.Errorf("the range %q of the %s runs backwards", span, c.what)
		case stepped && !ranged:
			return fmt.Errorf("the %s %q has a step without a range; write %s-%d/%s", c.what, part, from, c.high, step)
		}
	}
	return nil
}

func (c cronField) number(s string) (int, error) {
	n, err := number(s)
	switch {
	case err != nil && slices.Contains(c.names, strings.ToLower(s)):
		return 0, fmt.Errorf("the name %q of a %s can only stand alone; use numbers in lists and ranges", s, c.what)
	case err != nil:
		return 0, fmt.Errorf("%q is not a %s", s, c.what)
	case n < c.low || n > c.high:
		return 0, fmt.Errorf("the %s %d is not between %d and %d", c.what, n, c.low, c.high)
	}
	return n, nil
}

// number reads decimal digits and nothing else.
func number(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	return int(n), err
}
