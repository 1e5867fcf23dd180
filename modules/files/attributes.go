package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// attributes are the arguments for who owns a file and who may use it.
type attributes struct {
	owner, group string
	mode         uint32
}

func (a *attributes) schema(b *schema.Block) {
	b.String(&a.owner, "owner", "User that owns it; left as it is if not given.", schema.NonEmpty)
	b.String(&a.group, "group", "Group that owns it; left as it is if not given.", schema.NonEmpty)
	b.Mode(&a.mode, "mode", "Permission bits, for example \"0644\"; left as they are if not given.")
}

// differ returns the attributes of fi that are not as wanted.
func (a attributes) differ(fi host.FileInfo) module.Plan {
	var p module.Plan
	if a.owner != "" && a.owner != fi.Owner && a.owner != fmt.Sprint(fi.UID) {
		p = append(p, module.Change{Argument: "owner", From: fi.Owner, To: a.owner})
	}
	if a.group != "" && a.group != fi.Group && a.group != fmt.Sprint(fi.GID) {
		p = append(p, module.Change{Argument: "group", From: fi.Group, To: a.group})
	}
	if have := host.UnixMode(fi.Mode); a.mode != 0 && a.mode != have && fi.Type != "link" {
		p = append(p, module.Change{Argument: "mode", From: fmt.Sprintf("%04o", have), To: fmt.Sprintf("%04o", a.mode)})
	}
	return p
}

func (a attributes) attr() host.Attr {
	return host.Attr{Mode: host.GoMode(a.mode), Owner: a.owner, Group: a.group}
}

// apply sets the attributes of an existing path. The owner of a symbolic link
// itself is changed, not that of what it points to; its mode cannot be.
func (a attributes) apply(ctx context.Context, h host.Host, path string) error {
	var cmds [][]string
	if a.owner != "" || a.group != "" {
		who := a.owner
		if a.group != "" {
			who += ":" + a.group
		}
		cmds = append(cmds, []string{"chown", "-h", "--", who, path})
	}
	if a.mode != 0 {
		cmds = append(cmds, []string{"chmod", "--", fmt.Sprintf("%04o", a.mode), path})
	}
	for _, argv := range cmds {
		if err := do(ctx, h, argv...); err != nil {
			return err
		}
	}
	return nil
}

// do runs a command that may be repeated and must succeed.
func do(ctx context.Context, h host.Host, argv ...string) error {
	res, err := h.Exec(ctx, host.Command{Argv: argv, Repeatable: true})
	_, err = host.Must(argv, res, err)
	return err
}

// stat describes a path; absent is not an error here.
func stat(ctx context.Context, r host.Reader, path string) (fi host.FileInfo, there bool, err error) {
	fi, err = r.Stat(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return fi, false, nil
	}
	return fi, err == nil, err
}

// read returns the content of a file; absent is not an error here.
func read(ctx context.Context, r host.Reader, path string) (content []byte, there bool, err error) {
	content, err = r.ReadFile(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	return content, err == nil, err
}
