package files

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Line keeps one line in a file.
func Line() module.Info {
	return module.Info{
		Name:    "line",
		Summary: "Keeps one line in a text file, or keeps lines out of it.",
		Doc: `With "match" (a regular expression) the last line that matches becomes "line", and
if none matches, the line is added: after the last line that matches "after", before
the first that matches "before", else at the end. Without "match" the line is added
unless it is there.

With state = "absent" every line that matches, or equals "line", is removed.

Where a file has a module of its own (sysctl, cron, repo), use that.`,
		Example: `task "line" "permit_root_login" {
  path     = "/etc/ssh/sshd_config"
  match    = "^#?PermitRootLogin\\s"
  line     = "PermitRootLogin prohibit-password"
  before   = "^Match\\s"
  validate = ["/usr/sbin/sshd", "-t", "-f", "%s"]
}
`,
		New: func() module.Step { return &line{state: "present"} },
	}
}

type line struct {
	line, match, after, before, state string
	create                            bool
	target
}

var (
	_ module.Step      = (*line)(nil)
	_ module.Validator = (*line)(nil)
	_ module.Reporter  = (*line)(nil)
	_ module.Joiner    = (*line)(nil)
)

func (l *line) Schema(b *schema.Block) {
	b.String(&l.line, "line", "The line, without a line break.", schema.MaySensitive)
	b.String(&l.match, "match", "Regular expression for the line to replace or remove.")
	b.String(&l.after, "after", "Regular expression for the line to add it after.")
	b.String(&l.before, "before", "Regular expression for the line to add it before.")
	b.String(&l.state, "state", "Whether the line is there.", schema.OneOf("present", "absent"))
	b.Bool(&l.create, "create", "Make the file if it does not exist.")
	l.schema(b)
}

func (l *line) Validate() error {
	for name, re := range map[string]string{"match": l.match, "after": l.after, "before": l.before} {
		if _, err := regexp.Compile(re); err != nil {
			return fmt.Errorf("The argument %q is not a regular expression: %w.", name, err)
		}
	}
	switch {
	case strings.ContainsAny(l.line, "\n\r"):
		return errors.New("The argument \"line\" contains a line break. Use the module \"block_in_file\" for several lines.")
	case l.state == "present" && l.line == "":
		return errors.New("The argument \"line\" is needed: the line that must be there.")
	case l.state == "absent" && l.line == "" && l.match == "":
		return errors.New("One of the arguments \"line\" and \"match\" is needed: what must not be there.")
	case l.after != "" && l.before != "":
		return errors.New("One of the arguments \"after\" and \"before\" can be given, not both.")
	}
	return l.checkValidate()
}

// edit returns the text as it must be.
func (l *line) edit(text string) string {
	lines := splitLines(text)
	match := matcher(l.match)
	if l.state == "absent" {
		out := lines[:0:0]
		for _, s := range lines {
			if !(match(s) || l.line != "" && l.match == "" && s == l.line) {
				out = append(out, s)
			}
		}
		if len(out) == len(lines) {
			return text
		}
		return joinLines(out)
	}
	at, there := -1, false
	for i, s := range lines {
		there = there || s == l.line
		if match(s) {
			at = i
		}
	}
	// A line that is there and that "match" does not match took the place of one
	// that did; to replace another each time would never end.
	if there && (at < 0 || lines[at] == l.line || !match(l.line)) {
		return text
	}
	if at >= 0 {
		lines[at] = l.line
		return joinLines(lines)
	}
	at = len(lines)
	after, before := matcher(l.after), matcher(l.before)
	for i, s := range lines {
		if after(s) {
			at = i + 1
		}
		if before(s) {
			at = i
			break
		}
	}
	out := append(append(append([]string{}, lines[:at]...), l.line), lines[at:]...)
	return joinLines(out)
}

// matcher reports what an expression matches; the empty one matches nothing.
func matcher(expr string) func(string) bool {
	if expr == "" {
		return func(string) bool { return false }
	}
	return regexp.MustCompile(expr).MatchString
}

func splitLines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

func joinLines(l []string) string {
	if len(l) == 0 {
		return ""
	}
	return strings.Join(l, "\n") + "\n"
}

func (l *line) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	return l.edited(ctx, r, l.state == "present", l.create, l.edit)
}

func (l *line) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	return l.applyEdit(ctx, h, l.state == "present", l.create, l.edit)
}

// Join implements module.Joiner.
func (l *line) Join(next module.Step) (module.Step, bool) { return join(l, next) }

func (l *line) put() (put, bool) {
	return l.putEdit(l.state == "present", func(text string) (string, error) { return l.edit(text), nil })
}

// edited compares a file with its text after an edit.
func (t *target) edited(ctx context.Context, r host.Reader, needed, create bool, edit func(string) string) (module.Plan, error) {
	have, there, fi, err := t.look(ctx, r)
	if err == nil {
		t.probed = &seenFile{have, there, fi}
	}
	switch {
	case err != nil:
		return nil, err
	case !there && !needed:
		return nil, nil
	case !there && !create:
		return nil, fmt.Errorf("%s does not exist on the host. Correct the path, or set create = true to make the file", t.path)
	}
	return t.plan(have, there, fi, []byte(edit(string(have)))), nil
}

func (t *target) applyEdit(ctx context.Context, h host.Host, needed, create bool, edit func(string) string) error {
	have, there, fi, err := t.look(ctx, h)
	if err != nil || !there && !(needed && create) {
		return err
	}
	return t.replace(ctx, h, have, there, fi, nil, []byte(edit(string(have))))
}
