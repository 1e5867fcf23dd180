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

// File checks a path.
func File() module.Info {
	return module.Info{
		Name:    "file",
		Summary: "Checks what a path of the host is, who owns it and what it contains.",
		Doc: `Symbolic links are followed, unless type = "link". In the regular expressions ^ and $
match at each line. "contains" and "not_contains" read files of up to 2 MiB.

A file with one of the flags "i" and "a" of chattr cannot be replaced, not even by a
package transaction, which then ends in the middle. With immutable = false a directory
is searched to its bottom for such files.`,
		Example: `check "file" "sshd_config" {
  path         = "/etc/ssh/sshd_config"
  type         = "file"
  owner        = "root"
  mode         = "0600"
  not_contains = "^PermitRootLogin yes"
}
`,
		NewCheck: func() module.Check { return &file{} },
	}
}

type file struct {
	path, kind, owner, group, contains, notContains, sha256 string
	mode                                                    uint32
	immutable                                               *bool
}

var (
	_ module.Check     = (*file)(nil)
	_ module.Validator = (*file)(nil)
)

func (c *file) Schema(b *schema.Block) {
	b.String(&c.path, "path", "Path on the host.", schema.Required, schema.AbsPath)
	b.String(&c.kind, "type", "What it must be; anything that exists if not given.", schema.OneOf("file", "directory", "link", "absent"))
	b.Mode(&c.mode, "mode", "Permission bits it must have.")
	b.String(&c.owner, "owner", "User that must own it: a name or a number.")
	b.String(&c.group, "group", "Group that must own it: a name or a number.")
	b.String(&c.contains, "contains", "Regular expression the content must match.")
	b.String(&c.notContains, "not_contains", "Regular expression the content must not match.", schema.MaySensitive)
	b.String(&c.sha256, "sha256", "SHA-256 sum the content must have, in lower-case hexadecimal digits.", schema.Match(sha256Form, "64 hexadecimal digits in lower case"))
	b.OptBool(&c.immutable, "immutable", "Whether it must be protected from every change (chattr +i), or must not be.")
}

func (c *file) Validate() error {
	for name, re := range map[string]string{"contains": c.contains, "not_contains": c.notContains} {
		if _, err := regexp.Compile(re); err != nil {
			return fmt.Errorf("The argument %q is not a regular expression: %w.", name, err)
		}
	}
	content := c.contains+c.notContains+c.sha256 != ""
	switch {
	case c.kind == "absent" && (content || c.mode != 0 || c.owner+c.group != "" || c.immutable != nil):
		return errors.New("With type = \"absent\" only \"path\" can be given.")
	case (c.kind == "directory" || c.kind == "link") && content:
		return errors.New("The arguments \"contains\", \"not_contains\" and \"sha256\" are for files. Drop them, or set type = \"file\".")
	case c.kind == "link" && c.mode != 0:
		return errors.New("A symbolic link has no mode of its own. Drop the argument \"mode\", or \"type\".")
	}
	return nil
}

func (c *file) Check(ctx context.Context, r host.Reader) ([]module.Finding, error) {
	fi, err := r.Stat(ctx, c.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.kind == "absent":
		return nil, nil
	case errors.Is(err, fs.ErrNotExist):
		return []module.Finding{{Summary: c.path + " does not exist"}}, nil
	case err != nil:
		return nil, err
	case c.kind == "absent":
		return []module.Finding{{Summary: fmt.Sprintf("%s exists (a %s) and should not", c.path, fi.Type)}}, nil
	}
	real := c.path
	if fi.Type == "link" && c.kind != "link" {
		argv := []string{"readlink", "-f", "--", c.path}
		res, err := r.Query(ctx, argv...)
		if err == nil && res.Code == 1 && len(res.Stdout)+len(res.Stderr) == 0 {
			return []module.Finding{dangling(c.path, fi.Target)}, nil // a directory on the way is missing
		}
		if res, err = host.Must(argv, res, err); err != nil {
			return nil, err
		}
		real = strings.TrimSuffix(string(res.Stdout), "\n")
		target := fi.Target
		fi, err = r.Stat(ctx, real)
		if errors.Is(err, fs.ErrNotExist) {
			return []module.Finding{dangling(c.path, target)}, nil
		}
		if err != nil {
			return nil, err
		}
	}
	out := c.attributes(fi)
	if c.kind != "" && c.kind != fi.Type {
		return append([]module.Finding{{Summary: fmt.Sprintf("%s is of type %s, not %s", c.path, fi.Type, c.kind)}}, out...), nil
	}
	more, err := c.content(ctx, r, real, fi)
	if err != nil {
		return nil, err
	}
	flagged, err := c.flags(ctx, r, real, fi)
	return append(append(out, more...), flagged...), err
}

func dangling(path, target string) module.Finding {
	return module.Finding{Summary: fmt.Sprintf("%s is a symbolic link to %s, which does not exist", path, target)}
}

// attributes compares owner, group and mode.
func (c *file) attributes(fi host.FileInfo) []module.Finding {
	var out []module.Finding
	if c.owner != "" && c.owner != fi.Owner && c.owner != fmt.Sprint(fi.UID) {
		out = append(out, module.Finding{Summary: fmt.Sprintf("%s belongs to the user %s, not %s", c.path, fi.Owner, c.owner)})
	}
	if c.group != "" && c.group != fi.Group && c.group != fmt.Sprint(fi.GID) {
		out = append(out, module.Finding{Summary: fmt.Sprintf("%s belongs to the group %s, not %s", c.path, fi.Group, c.group)})
	}
	if have := host.UnixMode(fi.Mode); c.mode != 0 && c.mode != have {
		out = append(out, module.Finding{Summary: fmt.Sprintf("%s has the mode %04o, not %04o", c.path, have, c.mode)})
	}
	return out
}

// content looks into the file, if an argument is about that.
func (c *file) content(ctx context.Context, r host.Reader, real string, fi host.FileInfo) ([]module.Finding, error) {
	if c.contains+c.notContains+c.sha256 == "" {
		return nil, nil
	}
	if fi.Type != "file" {
		return []module.Finding{{Summary: fmt.Sprintf("%s is of type %s, so it has no content to check", c.path, fi.Type)}}, nil
	}
	var out []module.Finding
	if c.sha256 != "" {
		argv := []string{"sha256sum", "--", real}
		res, err := r.Query(ctx, argv...)
		if res, err = host.Must(argv, res, err); err != nil {
			return nil, err
		}
		if sum := parseSum(string(res.Stdout)); !sha256Form.MatchString(sum) {
			return nil, fmt.Errorf("sha256sum printed no sum of %s: %q", c.path, host.Shorten(string(res.Stdout), 100))
		} else if sum != c.sha256 {
			out = append(out, module.Finding{Summary: fmt.Sprintf("%s has the SHA-256 sum %s, not %s", c.path, sum, c.sha256)})
		}
	}
	if c.contains+c.notContains == "" {
		return out, nil
	}
	text, err := r.ReadFile(ctx, real)
	if err != nil {
		return nil, err
	}
	if c.contains != "" && !regexp.MustCompile("(?m)"+c.contains).Match(text) {
		out = append(out, module.Finding{Summary: fmt.Sprintf("%s contains nothing that matches %q", c.path, c.contains)})
	}
	if c.notContains != "" {
		if at := regexp.MustCompile("(?m)" + c.notContains).FindIndex(text); at != nil {
			line := 1 + strings.Count(string(text[:at[0]]), "\n")
			out = append(out, module.Finding{Summary: fmt.Sprintf("line %d of %s matches %q", line, c.path, c.notContains)})
		}
	}
	return out, nil
}

// parseSum reads the output of sha256sum, which begins the line with a backslash
// if it had to escape the file's name.
func parseSum(out string) string {
	sum, _, _ := strings.Cut(strings.TrimPrefix(out, `\`), " ")
	return sum
}
