package host

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// writeScript puts its input (or the file $5, which it consumes) at $1.
// $2 mode, $3 owner, $4 group; empty keeps what is there. With $6, the file $5 is
// compressed. $7 is the name of the temporary file beside $1, which nobody can
// guess. A symbolic link is followed, so that a configuration kept elsewhere stays
// where it is.
//
// It starts as few processes as it can: they are most of what a file costs a host.
const writeScript = `set -e
` + FlushFunction + placeFunction + `
p=$1
if [ -h "$p" ]; then p=$(readlink -f -- "$p"); fi
if [ -d "$p" ]; then echo "$p is a directory" >&2; exit 1; fi
if [ -e "$p" ] && [ ! -f "$p" ]; then echo "$p is not a regular file" >&2; exit 1; fi
case $p in */*) d=${p%/*}/;; *) d=./;; esac
umask 077
if [ -n "$6" ]; then
  trap 'rm -f -- "$5" "$5.gz"' EXIT
  mv -f -- "$5" "$5.gz"
  gzip -dc <"$5.gz" >"$5"
  rm -f -- "$5.gz"
fi
t=${5:-$d$7.$$} # another attempt, by the shell of a connection that was lost, has another name
f=$t # for modes and owners: the open file, since a directory may belong to somebody who puts a link in a name's place
if [ -z "$5" ]; then
  if [ ! -d "$d" ]; then echo "$d: No such file or directory" >&2; exit 1; fi
  set -C # what is there already is not written to
  exec 8>"$t"
  set +C
  if [ -e /proc/self/fd/8 ]; then f=/proc/self/fd/8; fi
fi
trap 'rm -f -- "$t"' EXIT
if [ -e "$p" ] && ! { [ -O "$p" ] && [ -G "$p" ] && [ -G "$t" ]; }; then
  chown --reference="$p" -- "$f" 2>/dev/null || [ "$(id -u)" != 0 ]
fi
if [ -n "$3$4" ]; then chown -- "$3${4:+:$4}" "$f"; fi
mode() { if [ -n "$2" ]; then chmod -- "$2" "$f"; elif [ -e "$p" ]; then chmod --reference="$p" -- "$f"; else chmod 0644 -- "$f"; fi; }
mode "$@" # before there is content: a directory's default ACL overrules the umask
if [ -z "$5" ]; then
  input >&8 || { echo "the file system of $d does not take the content; is it full?" >&2; exit 1; }
  if [ -u "$p" ] || [ -g "$p" ]; then mode "$@"; else case $2 in [1-7]*) mode "$@";; esac; fi # writing takes setuid away
fi
flush -- "$t"
exec 8>&- # not before: a network file system tells of an error once
place "$t" "$p"
trap - EXIT
sync -- "$d" 2>/dev/null || :
for r in /usr/sbin/restorecon /sbin/restorecon; do
  if [ -x $r ]; then $r -- "$p" 2>/dev/null || :; break; fi
done`

// FlushFunction is the text of a shell function, flush, that calls sync with its
// arguments and fails if the disk does not take them: what was there before must not
// give way to what will not be there after a crash. Where sync takes no names, or a
// file system says that it cannot flush a file, everything is flushed, of which no
// error is told. An error of one file counts, whatever is said of others.
const FlushFunction = `flush() {
  e=$(LC_ALL=C sync "$@" 2>&1) && return 0
  rest=$e
  while [ -n "$rest" ]; do
    l=${rest%%"
"*}
    case $rest in *"
"*) rest=${rest#*"
"};; *) rest=;; esac
    case $l in
      *': Invalid argument'|*': Function not implemented'|*': Operation not supported') ;;
      *' syncing '*) echo "the disk does not take what is written; is it failing, or the pool it is of full? $l" >&2; return 1;;
    esac
  done
  sync
}
`

// placeFunction puts the file $1 in the place $2, which is never a directory to move
// it into: somebody who may write beside it could have put one there, or a link to
// one. Where mv does not know -T, that is looked at just before.
const placeFunction = `place() {
  mv -fT -- "$1" "$2" 2>/dev/null && return 0
  if [ -d "$2" ]; then echo "$2 is a directory" >&2; return 1; fi
  mv -f -- "$1" "$2"
}
`

// writeArgs are the arguments of writeScript.
func writeArgs(path string, a Attr, tmp, unpack string) []string {
	return append(append([]string{path}, a.args()...), tmp, unpack, ".ferry."+rand.Text())
}

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
	c := script(writeScript, writeArgs(path, a, "", "")...)
	c.Stdin, c.Repeatable = content, true // writing the same content twice is writing it once
	r, err := b.t.Run(ctx, c)
	if err != nil {
		return err
	}
	return writeError(path, c, r)
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
	res, err := b.t.Run(ctx, mk)
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
	c := script(writeScript, writeArgs(path, a, tmp, unpack)...)
	res, err = b.t.Run(ctx, c)
	if err != nil {
		return err
	}
	return writeError(path, c, res)
}

func writeError(path string, c Command, r Result) error {
	if r.Code == 0 {
		return nil
	}
	err := pathError("write", path, c, r)
	var ce *CommandError
	switch {
	case errors.As(err, &ce):
		return fmt.Errorf("cannot write %s: %s", path, ce.Output())
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("cannot write %s: its directory does not exist", path)
	}
	return err
}
