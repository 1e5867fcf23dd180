package system

import (
	"context"
	"errors"
	"io/fs"
	"regexp"

	"github.com/ferry-ops/ferry/engine/host"
)

// managed is the first line of the files that belong to a module as a whole.
const managed = "# Managed by ferry; changes made here are lost.\n"

// accountName is what a user or group may be called.
var accountName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,30}[A-Za-z0-9_.$-]?$`)

const accountWords = "a name of letters, digits, _ . - that starts with a letter or _"

// do runs a command that may be repeated and must succeed.
func do(ctx context.Context, h host.Host, argv ...string) error {
	res, err := h.Exec(ctx, host.Command{Argv: argv, Repeatable: true})
	_, err = host.Must(argv, res, err)
	return err
}

// once runs a command that must not be repeated blindly and must succeed.
func once(ctx context.Context, h host.Host, argv ...string) error {
	res, err := h.Exec(ctx, host.Command{Argv: argv})
	_, err = host.Must(argv, res, err)
	return err
}

// query runs a command that only looks and must succeed.
func query(ctx context.Context, r host.Reader, argv ...string) (string, error) {
	res, err := r.Query(ctx, argv...)
	res, err = host.Must(argv, res, err)
	return string(res.Stdout), err
}

// entry asks a database of the host (passwd, group, shadow) for a name; an
// unknown name gives "".
func entry(ctx context.Context, r host.Reader, database, name string) (string, error) {
	argv := entryArgv(database, name)
	res, err := r.AskShared(ctx, entryQuestion(database, name))
	if err == nil && res.Code == 2 {
		return "", nil
	}
	res, err = host.Must(argv, res, err)
	return string(res.Stdout), err
}

// read returns the content of a file; absent is not an error here.
func read(ctx context.Context, r host.Reader, path string) (content string, there bool, err error) {
	b, err := r.ReadFile(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	return string(b), err == nil, err
}

// stat describes a path; absent is not an error here.
func stat(ctx context.Context, r host.Reader, path string) (fi host.FileInfo, there bool, err error) {
	fi, err = r.Stat(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return fi, false, nil
	}
	return fi, err == nil, err
}
