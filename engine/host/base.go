package host

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"sync"
)

// New puts files, facts, jobs and reboots on top of a transport. The Host may
// be used concurrently.
func New(name string, t Transport) Host {
	return &base{name: name, t: t, facts: Facts{}}
}

type base struct {
	name string
	t    Transport

	mu    sync.Mutex
	facts Facts
}

func (b *base) Name() string { return b.name }

func (b *base) Query(ctx context.Context, argv ...string) (Result, error) {
	return b.Ask(ctx, Command{Argv: argv})
}

func (b *base) Ask(ctx context.Context, c Command) (Result, error) {
	c.ReadOnly = true
	return b.Exec(ctx, c)
}

// Exec runs c. Whoever waits for that is not about to ask what others could ask
// with him.
func (b *base) Exec(ctx context.Context, c Command) (Result, error) {
	m := memberOf(ctx)
	m.pause()
	defer m.resume()
	return b.run(ctx, c)
}

func (b *base) Job(ctx context.Context, j Job) (JobResult, error) { return RunJob(ctx, b.t, b.name, j) }

func (b *base) Reboot(ctx context.Context, r Reboot) error {
	defer b.Forget()
	return RunReboot(ctx, b.t, b.name, r)
}

func (b *base) Reconnect(ctx context.Context) error { return b.t.Reconnect(ctx) }

func (b *base) Forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.facts = Facts{}
}

// script is a script of the engine's own with arguments $1, $2 …
func script(text string, args ...string) Command { return Command{Script: text, Argv: args} }

// specialFile is the exit code by which readScript says that a path is neither
// a file nor a directory, so that a FIFO cannot hang the connection.
const specialFile = 45

const readScript = `if [ -p "$1" ] || [ -c "$1" ] || [ -b "$1" ] || [ -S "$1" ]; then exit 45; fi; exec head -c "$2" -- "$1"`

func (b *base) ReadFile(ctx context.Context, path string) ([]byte, error) {
	q := fileQuestion(askRead, path)
	r, err := b.AskShared(ctx, q)
	if err != nil {
		return nil, err
	}
	return content(path, q.alone(), r, r.Stdout)
}

// content is what a script that read a file of the host gave.
func content(path string, c Command, r Result, out []byte) ([]byte, error) {
	switch {
	case r.Code == specialFile:
		return nil, fmt.Errorf("%s is not a regular file (a FIFO, device or socket), so its content cannot be read", path)
	case r.Code != 0:
		return nil, pathError("read", path, c, r)
	case r.Truncated || len(out) > MaxReadFile:
		return nil, fmt.Errorf("%s: %w (over %d bytes)", path, ErrTooLarge, MaxReadFile)
	}
	return out, nil
}

// pathError tells an absent path (fs.ErrNotExist) from every other failure.
func pathError(op, path string, c Command, r Result) error {
	for _, absent := range []string{"No such file or directory", "Not a directory"} {
		if bytes.Contains(r.Stderr, []byte(absent)) {
			return &fs.PathError{Op: op, Path: path, Err: fs.ErrNotExist}
		}
	}
	if bytes.Contains(r.Stderr, []byte("Permission denied")) {
		return &fs.PathError{Op: op, Path: path, Err: fs.ErrPermission}
	}
	return &CommandError{Argv: c.Program().Argv, Result: r}
}

func (b *base) Download(ctx context.Context, path string, w io.Writer) error {
	return b.t.Download(ctx, path, w)
}
