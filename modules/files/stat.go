package files

import (
	"context"
	"fmt"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Stat tells later tasks what a path is.
func Stat() module.Info {
	return module.Info{
		Name:    "stat",
		Summary: "Tells later tasks what a path of the host is. Changes nothing.",
		Doc:     `An absent path is a result (exists = false), not a failure.`,
		Example: `task "stat" "grub" {
  path = "/boot/grub2/grub.cfg"
}
`,
		New: func() module.Step { return &statStep{} },
	}
}

type statStep struct {
	path                              string
	exists                            bool
	kind, mode, owner, group, pointed string
	size                              int
}

var (
	_ module.Step     = (*statStep)(nil)
	_ module.Reporter = (*statStep)(nil)
)

func (s *statStep) Schema(b *schema.Block) {
	b.String(&s.path, "path", "Path on the host.", schema.Required, schema.AbsPath)
}

func (s *statStep) Results(r *schema.Results) {
	r.Bool(&s.exists, "exists", "Whether there is anything at the path.")
	r.String(&s.kind, "type", "file, directory, link or other.")
	r.Int(&s.size, "size", "Size in bytes.")
	r.String(&s.mode, "mode", "Permission bits, octal.")
	r.String(&s.owner, "owner", "User that owns it.")
	r.String(&s.group, "group", "Group that owns it.")
	r.String(&s.pointed, "target", "Where a link points.")
}

func (s *statStep) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	fi, there, err := stat(ctx, r, s.path)
	if err != nil || !there {
		return nil, err
	}
	s.exists, s.kind, s.size, s.owner, s.group, s.pointed = true, fi.Type, int(fi.Size), fi.Owner, fi.Group, fi.Target
	s.mode = fmt.Sprintf("%04o", host.UnixMode(fi.Mode))
	return nil, nil
}

func (*statStep) Apply(context.Context, host.Host, module.Plan) error { return nil }
