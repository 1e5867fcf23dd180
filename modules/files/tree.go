package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Tree puts a directory of the controller on the host.
func Tree() module.Info {
	return module.Info{
		Name:    "tree",
		Summary: "Gives a directory on the host the files of a directory on the controller.",
		Doc: `All files are compared by hash in one go, and those that differ are sent together, packed, so
that a thousand small files cost a few round trips. Each file is replaced by renaming; no reader
sees half of one. What else is in the directory stays, unless "purge" is set. The host needs tar,
GNU find and xargs.

Files are executable for all if they are for their owner on the controller, and readable for all,
unless "mode" says otherwise.`,
		Example: `task "tree" "site" {
  src   = "site"
  path  = "/srv/site"
  owner = "root"
  purge = true
}
`,
		New: func() module.Step { return &tree{} },
	}
}

type tree struct {
	src          *schema.LocalTree
	path         string
	owner, group string
	mode, dir    uint32
	purge        bool
	exclude      []string
}

var (
	_ module.Step      = (*tree)(nil)
	_ module.Validator = (*tree)(nil)
)

func (t *tree) Schema(b *schema.Block) {
	b.LocalTree(&t.src, "src", "Directory on the controller.", schema.Required)
	b.String(&t.path, "path", "Directory on the host; it is made if it is not there.", schema.Required, schema.AbsPath)
	b.String(&t.owner, "owner", "User that owns all of it; left as it is if not given.", schema.NonEmpty)
	b.String(&t.group, "group", "Group that owns all of it; left as it is if not given.", schema.NonEmpty)
	b.Mode(&t.mode, "mode", "Permission bits of files, for example \"0640\".")
	b.Mode(&t.dir, "directory_mode", "Permission bits of directories; \"0755\" if not given.")
	b.Bool(&t.purge, "purge", "Remove what is in the directory on the host and not in that on the controller.")
	b.Strings(&t.exclude, "exclude", "Patterns of names or relative paths that are left alone on both sides, for example \"*.bak\" or \"cache\".")
}

// Validate implements module.Validator.
func (t *tree) Validate() error {
	for _, p := range t.exclude {
		if _, err := path.Match(p, "x"); err != nil {
			return fmt.Errorf("The pattern %q of \"exclude\" is not complete; * stands for any part of a name and [ab] for one of some letters.", p)
		}
	}
	if path.Clean(t.path) == "/" {
		return errors.New("The argument \"path\" is the root directory; name a directory in it.")
	}
	return nil
}

// excluded reports whether a relative path or a directory above it is left alone.
func (t *tree) excluded(rel string) bool {
	for p := rel; p != "." && p != "/"; p = path.Dir(p) {
		for _, pat := range t.exclude {
			whole, _ := path.Match(pat, p)
			name, _ := path.Match(pat, path.Base(p))
			if whole || name {
				return true
			}
		}
	}
	return false
}

// want lists what the directory must hold, with the modes it must have.
func (t *tree) want() ([]schema.TreeEntry, error) {
	all, err := t.src.Entries()
	if err != nil {
		return nil, err
	}
	out := make([]schema.TreeEntry, 0, len(all)+1)
	if t.owner != "" || t.group != "" || t.dir != 0 {
		out = append(out, schema.TreeEntry{Path: ".", Type: "directory", Mode: t.dir})
	}
	for _, e := range all {
		if t.excluded(e.Path) {
			continue
		}
		switch {
		case e.Type == "directory" && t.dir != 0:
			e.Mode = t.dir
		case e.Type == "directory":
			e.Mode = 0o755
		case e.Type == "file" && t.mode != 0:
			e.Mode = t.mode
		case e.Type == "file" && e.Mode&0o100 != 0:
			e.Mode = 0o755
		case e.Type == "file":
			e.Mode = 0o644
		}
		out = append(out, e)
	}
	return out, nil
}

// Probe implements module.Step.
func (t *tree) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	d, err := t.compare(ctx, r)
	if err != nil {
		return nil, err
	}
	return d.plan(t.path), nil
}

// mostListed bounds the paths that a plan lists one by one.
const mostListed = 30

// plan tells what differs. What is not listed is told by number and by a hash,
// so that two plans are equal only if they would do the same.
func (d *treeDiff) plan(dir string) module.Plan {
	var p module.Plan
	if d.absent {
		p = append(p, module.Change{Argument: "path", From: "absent", To: dir})
	}
	rest := sha256.New()
	more := 0
	add := func(c module.Change) {
		if len(p) < mostListed {
			p = append(p, c)
			return
		}
		more++
		fmt.Fprintf(rest, "%q %q %q\n", c.Argument, c.From, c.To)
	}
	for _, e := range d.send {
		from := "absent"
		if d.there[e.Path] {
			from = "another " + e.Type
		}
		to := e.Type
		if e.Type == "file" {
			to = fmt.Sprintf("%d bytes", e.Size)
		}
		add(module.Change{Argument: e.Path, From: from, To: to})
	}
	for _, a := range d.attrs {
		add(module.Change{Argument: a.arg + " of " + a.path, From: a.from, To: a.to})
	}
	for _, x := range d.extra {
		add(module.Change{Argument: x, From: "present", To: "absent"})
	}
	if more > 0 {
		p = append(p, module.Change{Argument: "and more", To: fmt.Sprintf("%d paths (%s)", more, hex.EncodeToString(rest.Sum(nil))[:12])})
	}
	return p
}

// Apply implements module.Step.
func (t *tree) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	d, err := t.compare(ctx, h)
	if err != nil {
		return err
	}
	if err := t.send(ctx, h, d); err != nil {
		return err
	}
	if err := t.attributes(ctx, h, d); err != nil {
		return err
	}
	if len(d.extra) > 0 {
		return t.each(ctx, h, d.extra, "rm", "-rf", "--")
	}
	return nil
}

// each runs a command over paths of the tree, in the tree's directory.
func (t *tree) each(ctx context.Context, h host.Host, paths []string, argv ...string) error {
	list := "./" + strings.Join(paths, "\x00./") + "\x00"
	argv = append([]string{"/bin/sh", "-c", `cd -- "$1" && shift && exec xargs -0 -r "$@"`, "sh", t.path}, argv...)
	res, err := h.Exec(ctx, host.Command{Argv: argv, Stdin: []byte(list), Repeatable: true}) // may be repeated
	_, err = host.Must(argv, res, err)
	return err
}
