package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// File checks one path.
func File() module.Info {
	return module.Info{
		Name:    "file",
		Summary: "Checks that a path is there or not, what it is, whose it is and what it holds.",
		Doc: `A link is not followed: its own type is "link".

"contains" and "not_contains" are regular expressions; "^" and "$" stand for the begin
and end of a line. They work on files of up to 2 MiB.

"immutable" looks at the flags of chattr. A file with the flag "i" or "a" cannot be
replaced, not even by a package transaction, which then ends in the middle; with
immutable = false a directory is searched to its bottom for such files.`,
		Example: `check "file" "sshd_config" {
  path         = "/etc/ssh/sshd_config"
  mode         = "0600"
  owner        = "root"
  not_contains = ["^\\s*Ciphers\\s.*arcfour"]
}
`,
		NewCheck: func() module.Check { return &file{state: "present"} },
	}
}

type file struct {
	path, state, kind, owner, group, target, sha256 string
	mode                                            uint32
	contains, notContains                           []string
	immutable                                       *bool
}

var (
	_ module.Check     = (*file)(nil)
	_ module.Validator = (*file)(nil)
)

var sha256Form = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

func (c *file) Schema(b *schema.Block) {
	b.String(&c.path, "path", "Path on the host.", schema.Required, schema.AbsPath)
	b.String(&c.state, "state", "Whether anything may be at the path.", schema.OneOf("present", "absent"))
	b.String(&c.kind, "type", "What the path must be.", schema.OneOf("file", "directory", "link", "other"))
	b.String(&c.owner, "owner", "User that must own it, by name or number.", schema.NonEmpty)
	b.String(&c.group, "group", "Group that must own it, by name or number.", schema.NonEmpty)
	b.Mode(&c.mode, "mode", "Permission bits it must have, for example \"0644\".")
	b.String(&c.target, "target", "Where a link must point, to the letter.", schema.NonEmpty)
	b.Strings(&c.contains, "contains", "Regular expressions, each of which the content must match.")
	b.Strings(&c.notContains, "not_contains", "Regular expressions, none of which the content may match.")
	b.String(&c.sha256, "sha256", "SHA-256 of the content.", schema.Match(sha256Form, "a SHA-256 of 64 hexadecimal digits"))
	b.OptBool(&c.immutable, "immutable", "Whether the path must be protected from changes (chattr +i), or must not be.")
}

func (c *file) Validate() error {
	for name, list := range map[string][]string{"contains": c.contains, "not_contains": c.notContains} {
		for _, re := range list {
			if _, err := regexp.Compile("(?m)" + re); err != nil {
				return fmt.Errorf("%q in the argument %q is not a regular expression: %s.", re, name, err)
			}
		}
	}
	if c.state == "absent" && (c.kind+c.owner+c.group+c.target+c.sha256 != "" || c.mode != 0 || len(c.contains)+len(c.notContains) > 0 || c.immutable != nil) {
		return errors.New("With state = \"absent\" nothing else can be said of the path. Drop the other arguments.")
	}
	return nil
}

func (c *file) Check(ctx context.Context, r host.Reader) ([]module.Finding, error) {
	fi, err := r.Stat(ctx, c.path)
	absent := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !absent:
		return nil, err
	case absent && c.state == "absent":
		return nil, nil
	case absent:
		return []module.Finding{{Summary: c.path + " does not exist"}}, nil
	case c.state == "absent":
		return []module.Finding{{Summary: fmt.Sprintf("%s exists: it is a %s", c.path, fi.Type)}}, nil
	}
	out := c.attributes(fi)
	for _, look := range []func(context.Context, host.Reader, host.FileInfo) ([]module.Finding, error){c.content, c.digest, c.flags} {
		more, err := look(ctx, r, fi)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

func (c *file) attributes(fi host.FileInfo) []module.Finding {
	var out []module.Finding
	wrong := func(what, have, want string) {
		out = append(out, module.Finding{Summary: fmt.Sprintf("the %s of %s is %s, not %s", what, c.path, have, want)})
	}
	if c.kind != "" && c.kind != fi.Type {
		wrong("type", fi.Type, c.kind)
	}
	if c.owner != "" && c.owner != fi.Owner && c.owner != fmt.Sprint(fi.UID) {
		wrong("owner", fi.Owner, c.owner)
	}
	if c.group != "" && c.group != fi.Group && c.group != fmt.Sprint(fi.GID) {
		wrong("group", fi.Group, c.group)
	}
	if have := host.UnixMode(fi.Mode); c.mode != 0 && c.mode != have {
		wrong("mode", fmt.Sprintf("%04o", have), fmt.Sprintf("%04o", c.mode))
	}
	if c.target != "" && c.target != fi.Target {
		have := fi.Target
		if fi.Type != "link" {
			have = "none (it is a " + fi.Type + ")"
		}
		wrong("target", have, c.target)
	}
	return out
}

func (c *file) content(ctx context.Context, r host.Reader, fi host.FileInfo) ([]module.Finding, error) {
	if len(c.contains)+len(c.notContains) == 0 {
		return nil, nil
	}
	if fi.Type == "directory" {
		return []module.Finding{{Summary: c.path + " is a directory and has no content to look at"}}, nil
	}
	text, err := r.ReadFile(ctx, c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return []module.Finding{{Summary: c.path + " points to " + fi.Target + ", which does not exist"}}, nil
	}
	if err != nil {
		return nil, err
	}
	var out []module.Finding
	for _, re := range c.contains {
		if !regexp.MustCompile("(?m)" + re).Match(text) {
			out = append(out, module.Finding{Summary: fmt.Sprintf("%s does not contain %s", c.path, re)})
		}
	}
	for _, re := range c.notContains {
		if at := regexp.MustCompile("(?m)" + re).FindIndex(text); at != nil {
			n := 1 + strings.Count(string(text[:at[0]]), "\n")
			out = append(out, module.Finding{Summary: fmt.Sprintf("%s contains %s", c.path, re), Detail: fmt.Sprintf("It is in line %d.", n)})
		}
	}
	return out, nil
}

func (c *file) digest(ctx context.Context, r host.Reader, fi host.FileInfo) ([]module.Finding, error) {
	if c.sha256 == "" {
		return nil, nil
	}
	if fi.Type == "directory" {
		return []module.Finding{{Summary: c.path + " is a directory and has no SHA-256"}}, nil
	}
	argv := []string{"sha256sum", "--", c.path}
	res, err := r.Query(ctx, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return nil, err
	}
	have, _, _ := strings.Cut(strings.TrimPrefix(string(res.Stdout), `\`), " ") // "\" marks a name with odd characters
	switch {
	case !sha256Form.MatchString(have):
		return nil, fmt.Errorf("sha256sum printed %q, which is not understood", host.Shorten(string(res.Stdout), 100))
	case !strings.EqualFold(have, c.sha256):
		return []module.Finding{{Summary: c.path + " does not have the content it should", Detail: "Its SHA-256 is " + have + ", not " + strings.ToLower(c.sha256) + "."}}, nil
	}
	return nil, nil
}

// flagsScript prints the lines of lsattr for paths that are immutable or
// append-only: of the path, and with "all" of everything below it.
const flagsScript = `LC_ALL=C; export LC_ALL
command -v lsattr >/dev/null || { echo "the host has no lsattr; it is part of the package e2fsprogs" >&2; exit 3; }
{ lsattr -d -- "$1"; if [ "$2" = all ]; then lsattr -R -a -- "$1"; fi; } 2>/dev/null |
  awk '$1 ~ /^[-A-Za-z]+$/ && length($1) >= 8 && $1 ~ /[ia]/ && $0 !~ /\/\.\.?$/' | head -n 200
echo end`

func (c *file) flags(ctx context.Context, r host.Reader, fi host.FileInfo) ([]module.Finding, error) {
	if c.immutable == nil {
		return nil, nil
	}
	scope := "one"
	if !*c.immutable && fi.Type == "directory" {
		scope = "all"
	}
	argv := []string{"/bin/sh", "-c", flagsScript, "sh", c.path, scope}
	res, err := r.Query(ctx, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return nil, err
	}
	found, err := parseFlags(string(res.Stdout))
	switch {
	case err != nil:
		return nil, err
	case *c.immutable && len(found) == 0:
		return []module.Finding{{Summary: c.path + " is not immutable", Cure: "Protect it:\n    chattr +i " + host.Quote(c.path)}}, nil
	case *c.immutable || len(found) == 0:
		return nil, nil
	case len(found) == 1:
		return []module.Finding{{Summary: found[0] + " is immutable", Detail: "A package transaction cannot replace it and would end in the middle.", Cure: "Take the flag away:\n    chattr -i -a " + host.Quote(found[0])}}, nil
	}
	shown := make([]string, 0, 21)
	for i, p := range found {
		if i == 20 {
			shown = append(shown, fmt.Sprintf("… and %d more", len(found)-20))
			break
		}
		shown = append(shown, host.Quote(p))
	}
	return []module.Finding{{Summary: fmt.Sprintf("%d paths below %s are immutable", len(found), c.path), Detail: "A package transaction cannot replace them and would end in the middle. They are:\n    " + strings.Join(shown, "\n    "), Cure: "Take the flags away:\n    chattr -i -a PATH …"}}, nil
}

// parseFlags reads the output of flagsScript and returns the paths.
func parseFlags(out string) ([]string, error) {
	var paths []string
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if line == "end" {
			return paths, nil
		}
		_, p, ok := strings.Cut(line, " ")
		if p = strings.TrimLeft(p, " "); !ok || !strings.HasPrefix(p, "/") {
			return nil, fmt.Errorf("lsattr printed a line that is not understood: %q", host.Shorten(line, 120))
		}
		if len(paths) == 0 || paths[len(paths)-1] != p {
			paths = append(paths, p)
		}
	}
	return nil, fmt.Errorf("the host's answer is not complete; it ends with %q", host.Shorten(lastLine(out), 100))
}
