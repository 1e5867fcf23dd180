package files

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Copy puts a file of the controller, or a text, on the host.
func Copy() module.Info {
	return module.Info{
		Name:    "copy",
		Summary: "Gives a file on the host the content of a file on the controller, or of a text.",
		Doc: `The content is compared first, that of a large file by its hash, and only sent if it differs. It is
written beside the file, flushed to disk and renamed, so no reader ever sees half of
it, and a full disk leaves the old file as it was.`,
		Example: `task "copy" "motd" {
  path    = "/etc/motd"
  content = "This host is being migrated.\n"
  mode    = "0644"
}
`,
		New: func() module.Step { return &copyFile{} },
	}
}

// smallFile is the size up to which a file is compared and shown line by line.
const smallFile = 256 << 10

type copyFile struct {
	src     *schema.LocalFile
	content string
	target
}

var (
	_ module.Step      = (*copyFile)(nil)
	_ module.Validator = (*copyFile)(nil)
	_ module.Reporter  = (*copyFile)(nil)
	_ module.Joiner    = (*copyFile)(nil)
)

func (c *copyFile) Schema(b *schema.Block) {
	b.LocalFile(&c.src, "src", "File on the controller.")
	b.String(&c.content, "content", "Content, as text.", schema.MaySensitive)
	c.schema(b)
}

func (c *copyFile) Validate() error {
	switch {
	case c.src != nil && c.content != "":
		return errors.New("One of the arguments \"src\" and \"content\" can be given, not both.")
	case c.src == nil && c.content == "":
		return errors.New("One of the arguments \"src\" and \"content\" is needed: what the file must hold. To make an empty file where there is none, use the module \"file\".")
	}
	return c.checkValidate()
}

func (c *copyFile) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	want, large, err := c.want()
	switch {
	case err != nil:
		return nil, err
	case large:
		return c.probeLarge(ctx, r)
	}
	have, there, fi, err := c.look(ctx, r)
	if errors.Is(err, host.ErrTooLarge) {
		return module.Plan{{Argument: "content", From: fmt.Sprintf("%d bytes", fi.Size), To: fmt.Sprintf("%d bytes in %s", len(want), c.path)}}, nil
	}
	if err != nil {
		return nil, err
	}
	c.probed = &seenFile{have, there, fi}
	return c.plan(have, there, fi, want), nil
}

// want returns the content, unless it is a large file.
func (c *copyFile) want() (content []byte, large bool, err error) {
	if c.src == nil {
		return []byte(c.content), false, nil
	}
	size, err := c.src.Size()
	if err != nil {
		return nil, false, err
	}
	if size > smallFile {
		if len(c.validate) > 0 {
			return nil, true, fmt.Errorf("%s has %d bytes, and \"validate\" checks files of at most %d; drop the argument, or check the file in a task of its own", filepath.Base(c.src.Path()), size, smallFile)
		}
		return nil, true, nil
	}
	content, err = os.ReadFile(c.src.Path())
	return content, false, err
}

// probeLarge compares hashes.
func (c *copyFile) probeLarge(ctx context.Context, r host.Reader) (module.Plan, error) {
	fi, there, err := c.find(ctx, r)
	if err != nil {
		return nil, err
	}
	size, err := c.src.Size()
	if err != nil {
		return nil, err
	}
	change := module.Change{Argument: "content", From: "absent", To: fmt.Sprintf("%d bytes in %s", size, c.path)}
	if !there {
		return module.Plan{change}, nil
	}
	change.From = fmt.Sprintf("%d bytes", fi.Size)
	if fi.Size == size {
		same, err := c.sameHash(ctx, r)
		if err != nil {
			return nil, err
		}
		if same {
			return c.differ(fi), nil
		}
		change.From += " (another content)"
	}
	return append(module.Plan{change}, c.differ(fi)...), nil
}

func (c *copyFile) sameHash(ctx context.Context, r host.Reader) (bool, error) {
	sum, err := c.src.SHA256()
	if err != nil {
		return false, err
	}
	argv := []string{"sha256sum", "--", c.real}
	res, err := r.Query(ctx, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return false, err
	}
	return strings.HasPrefix(strings.TrimPrefix(string(res.Stdout), `\`), sum), nil
}

func (c *copyFile) Apply(ctx context.Context, h host.Host, plan module.Plan) error {
	want, large, err := c.want()
	if err != nil {
		return err
	}
	if !large {
		return c.write(ctx, h, want)
	}
	for _, ch := range plan {
		if ch.Argument == "content" {
			return c.upload(ctx, h)
		}
	}
	if _, _, err := c.find(ctx, h); err != nil {
		return err
	}
	return c.apply(ctx, h, c.real)
}

func (c *copyFile) upload(ctx context.Context, h host.Host) error {
	fi, there, err := c.find(ctx, h)
	if err != nil {
		return err
	}
	if there {
		if err := c.keep(ctx, h, fi); err != nil {
			return err
		}
	}
	return h.Upload(ctx, c.path, c.src, c.attr())
}

// Join implements module.Joiner.
func (c *copyFile) Join(next module.Step) (module.Step, bool) { return join(c, next) }

func (c *copyFile) put() (put, bool) {
	want, large, err := c.want()
	if large || err != nil {
		return put{}, false
	}
	return c.target.put(want)
}
