package files

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Fetch copies a file of the host to the controller.
func Fetch() module.Info {
	return module.Info{
		Name:    "fetch",
		Summary: "Copies a file of the host to the controller, for example as evidence.",
		Doc: `The file arrives as DEST/HOST/PATH, so that the files of many hosts stay apart. It is
written under another name first and renamed, so a copy that exists is complete.

In a rescue block, set missing_ok = true: the evidence may never have been written.`,
		Example: `task "fetch" "dnf_log" {
  src        = "/var/log/dnf.log"
  dest       = "evidence"
  missing_ok = true
}
`,
		New: func() module.Step { return &fetch{dest: "fetched"} },
	}
}

type fetch struct {
	src, dest string
	missingOK bool
	path      string
}

var (
	_ module.Step     = (*fetch)(nil)
	_ module.Reporter = (*fetch)(nil)
	_ module.Actor    = (*fetch)(nil)
)

// Acts implements module.Actor: a log can have grown before a second look, and
// the copy is a copy all the same.
func (f *fetch) Acts() bool { return true }

func (f *fetch) Schema(b *schema.Block) {
	b.String(&f.src, "src", "Path on the host.", schema.Required, schema.AbsPath)
	b.String(&f.dest, "dest", "Directory on the controller, relative to where ferry runs.", schema.NonEmpty)
	b.Bool(&f.missingOK, "missing_ok", "A file that does not exist is no failure.")
}

func (f *fetch) Results(r *schema.Results) {
	r.String(&f.path, "path", "Path of the copy on the controller.")
}

// local is where the copy goes. The host's name and the path cannot lead out of
// the directory.
func (f *fetch) local(name string) string {
	safe := strings.NewReplacer("/", "_", "\x00", "_").Replace(name)
	if safe == "." || safe == ".." {
		safe = "_"
	}
	return filepath.Join(f.dest, safe, filepath.Clean("/"+f.src))
}

func (f *fetch) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	fi, err := r.Stat(ctx, f.src)
	switch {
	case errors.Is(err, fs.ErrNotExist) && f.missingOK:
		return nil, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s does not exist on the host. Set missing_ok = true if that is fine", f.src)
	case err != nil:
		return nil, err
	case fi.Type != "file" && fi.Type != "link":
		return nil, fmt.Errorf("%s is a %s; fetch takes one file", f.src, fi.Type)
	}
	f.path = f.local(r.Name())
	same, err := f.same(ctx, r)
	if err != nil || same {
		return nil, err
	}
	return module.Plan{{Argument: "copy", To: fmt.Sprintf("%s (%d bytes)", f.path, fi.Size)}}, nil
}

// same compares the copy that may be there with the host's file.
func (f *fetch) same(ctx context.Context, r host.Reader) (bool, error) {
	have, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer have.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, have); err != nil {
		return false, err
	}
	argv := []string{"sha256sum", "--", f.src}
	res, err := r.Query(ctx, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return false, err
	}
	return bytes.HasPrefix(bytes.TrimPrefix(res.Stdout, []byte(`\`)), []byte(hex.EncodeToString(sum.Sum(nil)))), nil
}

func (f *fetch) Apply(ctx context.Context, h host.Host, _ module.Plan) (err error) {
	f.path = f.local(h.Name())
	if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(f.path), ".ferry-*")
	if err != nil {
		return err
	}
	defer func() {
		_ = tmp.Close()
		if err != nil {
			_ = os.Remove(tmp.Name())
		}
	}()
	if err := h.Download(ctx, f.src, tmp); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), f.path)
}
