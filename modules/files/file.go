package files

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// File manages what a path is: a file, a directory, a link, nothing.
func File() module.Info {
	return module.Info{
		Name:    "file",
		Summary: "Makes a path a directory, a file, a symbolic link or absent, with owner and mode.",
		Doc: `state = "file" makes an empty file where there is none and never touches content. A
path that is of another kind is an error, except that "absent" removes anything: a
directory only with "recurse".`,
		Example: `task "file" "backup_dir" {
  path  = "/var/backup/ferry"
  state = "directory"
  mode  = "0700"
}
`,
		New: func() module.Step { return &file{state: "file"} },
	}
}

type file struct {
	path, state, target string
	recurse             bool
	done                bool // Probe found nothing to change
	attributes
}

var (
	_ module.Step      = (*file)(nil)
	_ module.Validator = (*file)(nil)
	_ module.Joiner    = (*file)(nil)
)

func (f *file) Schema(b *schema.Block) {
	b.String(&f.path, "path", "Path on the host.", schema.Required, schema.AbsPath)
	b.String(&f.state, "state", "What the path must be.", schema.OneOf("file", "directory", "link", "absent"))
	b.String(&f.target, "target", "Where a link points.", schema.NonEmpty)
	b.Bool(&f.recurse, "recurse", "Remove a directory with all it holds.")
	f.schema(b)
}

func (f *file) Validate() error {
	switch {
	case f.state == "link" && f.target == "":
		return errors.New("With state = \"link\" the argument \"target\" is needed: where the link points.")
	case f.state != "link" && f.target != "":
		return errors.New("The argument \"target\" belongs to state = \"link\".")
	case f.state == "absent" && path.Clean(f.path) == "/":
		return errors.New("The root directory cannot be made absent.")
	case f.state == "link" && f.mode != 0:
		return errors.New("A symbolic link has no mode of its own. Drop the argument \"mode\", or set it for what the link points to.")
	case f.recurse && f.state != "absent":
		return errors.New("The argument \"recurse\" belongs to state = \"absent\".")
	}
	return nil
}

func (f *file) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	p, err := f.compare(ctx, r)
	f.done = err == nil && len(p) == 0
	return p, err
}

func (f *file) compare(ctx context.Context, r host.Reader) (module.Plan, error) {
	fi, there, err := stat(ctx, r, f.path)
	if err != nil {
		return nil, err
	}
	if f.state == "absent" {
		if !there {
			return nil, nil
		}
		if fi.Type == "directory" && !f.recurse {
			argv := []string{"find", f.path, "-mindepth", "1", "-maxdepth", "1", "-print", "-quit"}
			res, err := r.Query(ctx, argv...)
			if res, err = host.Must(argv, res, err); err != nil {
				return nil, err
			}
			if len(res.Stdout) > 0 {
				return nil, fmt.Errorf("%s is a directory that is not empty; set recurse = true to remove it with all it holds", f.path)
			}
		}
		return module.Plan{{Argument: "state", From: fi.Type, To: "absent"}}, nil
	}
	if !there {
		c := module.Change{Argument: "state", From: "absent", To: f.state}
		if f.state == "link" {
			c.To = "link to " + f.target
		}
		return module.Plan{c}, nil
	}
	if fi.Type != f.state {
		return nil, fmt.Errorf("%s is a %s, and must be a %s. Move it away, or make it absent first", f.path, fi.Type, f.state)
	}
	p := f.differ(fi)
	if f.state == "link" && fi.Target != f.target {
		p = append(module.Plan{{Argument: "target", From: fi.Target, To: f.target}}, p...)
	}
	return p, nil
}

func (f *file) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	switch f.state {
	case "absent":
		if f.recurse {
			return do(ctx, h, "rm", "-rf", "--one-file-system", "--", f.path)
		}
		return do(ctx, h, "/bin/sh", "-c", `if [ -d "$1" ] && [ ! -h "$1" ]; then exec rmdir -- "$1"; else exec rm -f -- "$1"; fi`, "sh", f.path)
	case "directory":
		if err := do(ctx, h, "mkdir", "-p", "--", f.path); err != nil {
			return err
		}
	case "link":
		if err := do(ctx, h, "ln", "-sfnT", "--", f.target, f.path); err != nil {
			return err
		}
	case "file":
		if err := do(ctx, h, "/bin/sh", "-c", `[ -e "$1" ] || : >"$1"`, "sh", f.path); err != nil {
			return err
		}
	}
	a := f.attributes
	if f.state == "link" {
		a.mode = 0 // chmod would change what the link points to
	}
	return a.apply(ctx, h, f.path)
}

// Join implements module.Joiner.
func (f *file) Join(next module.Step) (module.Step, bool) { return join(f, next) }

func (f *file) put() (put, bool) {
	return put{path: f.path, attr: f.attributes, dir: true, done: f.done}, f.state == "directory" && f.path == path.Clean(f.path)
}
