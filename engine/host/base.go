package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
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
	return b.t.Run(ctx, Command{Argv: argv, ReadOnly: true})
}

func (b *base) Ask(ctx context.Context, c Command) (Result, error) {
	c.ReadOnly = true
	return b.t.Run(ctx, c)
}

func (b *base) Exec(ctx context.Context, c Command) (Result, error) { return b.t.Run(ctx, c) }

func (b *base) Job(ctx context.Context, j Job) (JobResult, error) { return RunJob(ctx, b.t, b.name, j) }

func (b *base) JobPending(ctx context.Context, key string) (bool, error) {
	argv := script(`[ -d "${FERRY_STATE:-/var/lib/ferry}/jobs/$1" ]`, jobKey(key))
	r, err := b.Query(ctx, argv...)
	if err != nil || r.Code > 1 {
		_, err = Must(argv, r, err)
		return false, err
	}
	return r.OK(), nil
}

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

// script is the argv of a shell script with arguments $1, $2 …
func script(text string, args ...string) []string {
	return append([]string{"/bin/sh", "-c", text, "sh"}, args...)
}

// specialFile is the exit code by which readScript says that a path is neither
// a file nor a directory, so that a FIFO cannot hang the connection.
const specialFile = 45

const readScript = `if [ -p "$1" ] || [ -c "$1" ] || [ -b "$1" ] || [ -S "$1" ]; then exit 45; fi; exec head -c "$2" -- "$1"`

func (b *base) ReadFile(ctx context.Context, path string) ([]byte, error) {
	argv := script(readScript, path, fmt.Sprint(MaxReadFile+1))
	r, err := b.t.Run(ctx, Command{Argv: argv, ReadOnly: true})
	switch {
	case err != nil:
		return nil, err
	case r.Code == specialFile:
		return nil, fmt.Errorf("%s is not a regular file (a FIFO, device or socket), so its content cannot be read", path)
	case r.Code != 0:
		return nil, pathError("read", path, argv, r)
	case r.Truncated || len(r.Stdout) > MaxReadFile:
		return nil, fmt.Errorf("%s: %w (over %d bytes)", path, ErrTooLarge, MaxReadFile)
	}
	return r.Stdout, nil
}

// pathError tells an absent path (fs.ErrNotExist) from every other failure.
func pathError(op, path string, argv []string, r Result) error {
	for _, absent := range []string{"No such file or directory", "Not a directory"} {
		if bytes.Contains(r.Stderr, []byte(absent)) {
			return &fs.PathError{Op: op, Path: path, Err: fs.ErrNotExist}
		}
	}
	if bytes.Contains(r.Stderr, []byte("Permission denied")) {
		return &fs.PathError{Op: op, Path: path, Err: fs.ErrPermission}
	}
	return &CommandError{Argv: argv, Result: r}
}

// writeScript puts standard input (or the file $5, which it consumes) at $1.
// $2 mode, $3 owner, $4 group; empty keeps what is there. With $6, the file $5 is
// compressed. A symbolic link is
// followed, so that a configuration kept elsewhere stays where it is.
const writeScript = `set -e
p=$1
if [ -h "$p" ]; then p=$(readlink -f -- "$p"); fi
if [ -d "$p" ]; then echo "$p is a directory" >&2; exit 1; fi
if [ -e "$p" ] && [ ! -f "$p" ]; then echo "$p is not a regular file" >&2; exit 1; fi
if [ -n "$6" ]; then
  trap 'rm -f -- "$5" "$5.gz"' EXIT
  mv -f -- "$5" "$5.gz"
  gzip -dc <"$5.gz" >"$5"
  rm -f -- "$5.gz"
fi
if [ -n "$5" ]; then t=$5; else
  t=$(mktemp -- "$(dirname -- "$p")/.ferry.XXXXXXXX")
fi
trap 'rm -f -- "$t"' EXIT
if [ -z "$5" ]; then cat >"$t"; fi
if [ -e "$p" ]; then
  chown --reference="$p" -- "$t" 2>/dev/null || [ "$(id -u)" != 0 ]
  chmod --reference="$p" -- "$t"
else
  chmod 0644 -- "$t"
fi
if [ -n "$3$4" ]; then chown -- "$3${4:+:$4}" "$t"; fi
if [ -n "$2" ]; then chmod -- "$2" "$t"; fi
sync -- "$t" 2>/dev/null || sync
mv -f -- "$t" "$p"
trap - EXIT
sync -- "$(dirname -- "$p")" 2>/dev/null || :
for r in /usr/sbin/restorecon /sbin/restorecon; do
  if [ -x $r ]; then $r -- "$p" 2>/dev/null || :; break; fi
done`

func (a Attr) args() []string {
	mode := ""
	if a.Mode != 0 {
		mode = fmt.Sprintf("%04o", UnixMode(a.Mode))
	}
	return []string{mode, a.Owner, a.Group}
}

func (b *base) WriteFile(ctx context.Context, path string, content []byte, a Attr) error {
	if len(content) > inlineLimit {
		return b.Upload(ctx, path, Bytes(content), a)
	}
	argv := script(writeScript, append(append([]string{path}, a.args()...), "", "")...)
	r, err := b.t.Run(ctx, Command{Argv: argv, Stdin: content, ReadOnly: true}) // writing the same content twice is writing it once
	if err != nil {
		return err
	}
	return writeError(path, argv, r)
}

// inlineLimit is the largest content that rides in a frame, in bytes; larger
// content goes by Upload.
const inlineLimit = 128 << 10

// Bytes is a short text as Content.
type Bytes []byte

// Open implements Content.
func (b Bytes) Open(bool) (io.ReadCloser, int64, bool, error) {
	return io.NopCloser(bytes.NewReader(b)), int64(len(b)), false, nil
}

func (b *base) Upload(ctx context.Context, path string, content Content, a Attr) error {
	mk := script(`p=$1; if [ -h "$p" ]; then p=$(readlink -f -- "$p"); fi; mktemp -- "$(dirname -- "$p")/.ferry.XXXXXXXX" || exit 1; command -v gzip || :`, path)
	res, err := b.t.Run(ctx, Command{Argv: mk})
	if err != nil {
		return err
	}
	if res.Code != 0 {
		return writeError(path, mk, res)
	}
	tmp, gzip, _ := strings.Cut(string(bytes.TrimSuffix(res.Stdout, []byte("\n"))), "\n")
	drop := func() { _, _ = b.t.Run(context.WithoutCancel(ctx), Command{Argv: []string{"rm", "-f", "--", tmp}}) }
	r, size, packed, err := content.Open(gzip != "")
	if err != nil {
		drop()
		return err
	}
	defer r.Close()
	if err := b.t.Upload(ctx, tmp, r, size); err != nil {
		drop()
		return err
	}
	unpack := ""
	if packed {
		unpack = "gzip"
	}
	argv := script(writeScript, append(append([]string{path}, a.args()...), tmp, unpack)...)
	res, err = b.t.Run(ctx, Command{Argv: argv})
	if err != nil {
		return err
	}
	return writeError(path, argv, res)
}

func writeError(path string, argv []string, r Result) error {
	if r.Code == 0 {
		return nil
	}
	err := pathError("write", path, argv, r)
	var ce *CommandError
	switch {
	case errors.As(err, &ce):
		return fmt.Errorf("cannot write %s: %s", path, ce.Output())
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("cannot write %s: its directory does not exist", path)
	}
	return err
}

func (b *base) Download(ctx context.Context, path string, w io.Writer) error {
	return b.t.Download(ctx, path, w)
}
