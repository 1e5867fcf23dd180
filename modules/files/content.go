package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// target is what the modules share that write a file's content.
type target struct {
	path     string
	backup   bool
	validate []string
	attributes

	backupPath string
	// probed is what Probe saw, for joining and for an Apply that replaces all of it
	// anyway and need not look again; nil if there was none.
	probed *seenFile
	// real is where the content is: path, or what it points to as a symbolic link.
	real string
}

func (t *target) schema(b *schema.Block) {
	b.String(&t.path, "path", "Path on the host.", schema.Required, schema.AbsPath)
	b.Bool(&t.backup, "backup", "Keep the file as it was beside it, with the time in its name.")
	b.Strings(&t.validate, "validate", "Program and arguments that check the new content before it takes the file's place; %s stands for the file to check.")
	t.attributes.schema(b)
}

func (t *target) Results(r *schema.Results) {
	r.String(&t.path, "path", "Path on the host.")
	r.String(&t.backupPath, "backup", "Path of the copy of the file as it was, empty if none was made.")
}

func (t *target) checkValidate() error {
	if len(t.validate) > 0 && !strings.Contains(strings.Join(t.validate, "\x00"), "%s") {
		return errors.New("The argument \"validate\" must hold %s, which stands for the file to check.")
	}
	return nil
}

// plan compares a file with the content it must have.
func (t *target) plan(have []byte, there bool, fi host.FileInfo, want []byte) module.Plan {
	switch {
	case !there:
		return module.Plan{{Argument: "content", From: "absent", To: fmt.Sprintf("%d bytes in %s", len(want), t.path), Diff: module.Diff(t.path, nil, want)}}
	case !bytes.Equal(have, want):
		p := module.Plan{{Argument: "content", From: fmt.Sprintf("%d bytes", len(have)), To: fmt.Sprintf("%d bytes in %s", len(want), t.path), Diff: module.Diff(t.path, have, want)}}
		return append(p, t.differ(fi)...)
	}
	return t.differ(fi)
}

// seenFile is a file as it was seen.
type seenFile struct {
	have  []byte
	there bool
	fi    host.FileInfo
}

// find describes the file, following a symbolic link as writing does.
func (t *target) find(ctx context.Context, r host.Reader) (fi host.FileInfo, there bool, err error) {
	t.real = t.path
	fi, there, err = stat(ctx, r, t.path)
	if err == nil && there && fi.Type == "link" {
		argv := []string{"readlink", "-f", "--", t.path}
		res, err := r.Query(ctx, argv...)
		if res, err = host.Must(argv, res, err); err != nil {
			return fi, true, err
		}
		t.real = strings.TrimSuffix(string(res.Stdout), "\n")
		fi, there, err = stat(ctx, r, t.real)
		if err != nil {
			return fi, there, err
		}
	}
	if err == nil && there && fi.Type != "file" {
		return fi, true, fmt.Errorf("%s is no regular file (it is of type %s); the argument \"path\" must name the file itself", t.real, fi.Type)
	}
	return fi, there, err
}

// look reads the file and its attributes, in one question unless it is behind a
// symbolic link.
func (t *target) look(ctx context.Context, r host.Reader) (have []byte, there bool, fi host.FileInfo, err error) {
	t.real = t.path
	fi, have, err = r.Look(ctx, t.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false, fi, nil
	case err != nil:
		return nil, fi.Type != "", fi, err
	case fi.Type == "file":
		return have, true, fi, nil
	}
	if fi, there, err = t.find(ctx, r); err != nil || !there {
		return nil, there, fi, err
	}
	have, _, err = read(ctx, r, t.real)
	return have, there, fi, err
}

// keep copies the file as it is, if the playbook wants that. A run that was
// interrupted and is repeated makes the same copy.
func (t *target) keep(ctx context.Context, h host.Host, fi host.FileInfo) error {
	if !t.backup {
		return nil
	}
	t.backupPath = fmt.Sprintf("%s.%s~", t.path, fi.ModTime.Format("20060102T150405"))
	return do(ctx, h, "cp", "-a", "--", t.real, t.backupPath)
}

// write puts the content in place: check, keep the old one, replace.
func (t *target) write(ctx context.Context, h host.Host, want []byte) error {
	if p := t.probed; p != nil {
		t.probed = nil
		return t.replace(ctx, h, p.have, p.there, p.fi, nil, want)
	}
	have, there, fi, err := t.look(ctx, h)
	return t.replace(ctx, h, have, there, fi, err, want)
}

// replace is write for a file that was just looked at, with this result.
func (t *target) replace(ctx context.Context, h host.Host, have []byte, there bool, fi host.FileInfo, err error, want []byte) error {
	tooLarge := errors.Is(err, host.ErrTooLarge) // so it is another content
	if err != nil && !tooLarge {
		return err
	}
	if there && bytes.Equal(have, want) {
		return t.apply(ctx, h, t.real)
	}
	if err := t.check(ctx, h, want); err != nil {
		return err
	}
	if there || tooLarge {
		if err := t.keep(ctx, h, fi); err != nil {
			return err
		}
	}
	return h.WriteFile(ctx, t.path, want, t.attr())
}

// check runs the validation program on the new content, at a path only the
// become user can read, which is removed whatever happens.
func (t *target) check(ctx context.Context, h host.Host, want []byte) error {
	if len(t.validate) == 0 {
		return nil
	}
	argv := []string{"/bin/sh", "-c", `d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
cat >"$d/content" || exit 1
n=$#; i=0
while [ $i -lt $n ]; do a=$1; shift; i=$((i+1)); case $a in *%s*) a=${a%%%s*}$d/content${a#*%s};; esac; set -- "$@" "$a"; done
"$@"`, "sh"}
	argv = append(argv, t.validate...)
	res, err := h.Exec(ctx, host.Command{Argv: argv, Stdin: want, ReadOnly: true})
	if err != nil {
		return err
	}
	if res.Code != 0 {
		return fmt.Errorf("the new content of %s is refused by its check, so the file was left as it is: %w", t.path, &host.CommandError{Argv: t.validate, Result: res})
	}
	return nil
}
