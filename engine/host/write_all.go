package host

import (
	"context"
	"crypto/rand"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Entry is a directory or a file that WriteAll makes.
type Entry struct {
	Path    string // absolute
	Dir     bool
	Content []byte // of a file
	Attr    Attr   // of a directory, only what is set
}

// MaxWriteAll is how much content the entries of one WriteAll may have together,
// in bytes.
const MaxWriteAll = inlineLimit

// stageFunction makes the file that will take the place of $1, with the content
// that the function "content" prints: beside it, with the name $2, the mode $3, the
// owner $4 and the group $5; empty keeps what is there. It sets t to its path, and m
// to the mode it was made with, if that is still to be seen: a directory's default
// ACL overrules the umask.
//
// Modes and owners are set by the open file: a directory may belong to somebody who
// puts a link in a name's place.
const stageFunction = `stage() {
  d=${1%/*}/ t=${1%/*}/$2 m=$3 f=/proc/self/fd/8
  if [ -h "$1" ]; then echo "$1 is a symbolic link" >&2; exit 1; fi
  if [ -e "$1" ] && [ ! -f "$1" ]; then echo "$1 is not a regular file" >&2; exit 1; fi
  if [ ! -d "$d" ]; then echo "$d: No such file or directory" >&2; exit 1; fi
  if [ -z "$m" ] && [ ! -e "$1" ]; then m=644; fi
  case $m in
    [0246][04][04]) umask $((777 - m));; # nobody else may write before it has its group
    *) umask 077; m=;;
  esac
  set -C # what is there already is not written to
  exec 8>"$t"
  set +C
  if [ -e "$1" ] && ! { [ -O "$1" ] && [ -G "$1" ] && [ -G "$t" ]; }; then
    chown --reference="$1" -- $f 2>/dev/null || [ "$(id -u)" != 0 ]
  fi
  if [ -n "$4$5" ]; then chown -- "$4${5:+:$5}" $f; fi
  content >&8 || { echo "the file system of $d does not take the content; is it full?" >&2; exit 1; }
  if [ -z "$m" ]; then # after the content: writing takes setuid away
    if [ -n "$3" ]; then chmod -- "$3" $f; else chmod --reference="$1" -- $f; fi
  fi
  exec 8>&-
}
nl='
' want=
`

// WriteAll makes directories and files in one request, with as few processes as it
// can: they are most of what a small file costs a host. All files are complete
// beside their places before the first takes its own, so what can go wrong has gone
// wrong before anything that was there is touched.
//
// A file that others may only read has its mode while it is written, unless its
// directory has a default ACL, which makes it fail; any other gets its mode in the
// end. So it is for content that everybody may read. Symbolic links are refused.
func (b *base) WriteAll(ctx context.Context, entries []Entry) error {
	text, err := writeAllScript(entries)
	if err != nil || text == "" {
		return err
	}
	c := script(text)
	c.Repeatable, c.Private = true, true // writing the same twice is writing it once
	r, err := b.t.Run(ctx, c)
	if err != nil {
		return err
	}
	if r.Code != 0 {
		return fmt.Errorf("cannot write %d files and directories in one go: %s", len(entries), (&CommandError{Argv: []string{"sh"}, Result: r}).Output())
	}
	return nil
}

// writeAllScript returns the script that makes the entries; nothing for none.
func writeAllScript(entries []Entry) (string, error) {
	size := 0
	for _, e := range entries {
		switch size += len(e.Content); {
		case !path.IsAbs(e.Path) || path.Clean(e.Path) != e.Path || e.Path == "/":
			return "", fmt.Errorf("the path %q is not absolute, or not in its shortest form", e.Path)
		case size > MaxWriteAll:
			return "", fmt.Errorf("%w: more than %d bytes to write in one go", ErrTooLarge, MaxWriteAll)
		}
	}
	if len(entries) == 0 {
		return "", nil
	}
	first := slices.IndexFunc(entries, func(e Entry) bool { return !e.Dir })
	w := allWriter{name: ".ferry." + rand.Text(), restore: first >= 0 && slices.ContainsFunc(entries[first:], func(e Entry) bool { return e.Dir })}
	w.line("set -e")
	for len(entries) > 0 { // in order: what fails leaves what comes after it alone, until files take their places
		if n := together(entries); n > 0 {
			w.directories(entries[:n])
			entries = entries[n:]
			continue
		}
		w.stage(entries[0])
		entries = entries[1:]
	}
	w.place()
	return w.String(), nil
}

// together is how many directories at the beginning are made at once: not one below
// another that is to have attributes, which it may inherit.
func together(entries []Entry) int {
	for i, e := range entries {
		if !e.Dir || slices.ContainsFunc(entries[:i], func(above Entry) bool {
			return above.Attr != Attr{} && strings.HasPrefix(e.Path, above.Path+"/")
		}) {
			return i
		}
	}
	return len(entries)
}

// makeFunction makes directories as "mkdir -p" does, but none after one that it
// cannot make.
const makeFunction = `make() {
  for d; do shift; [ -d "$d" ] || set -- "$@" "$d"; done
  [ $# = 0 ] || mkdir -p -- "$@" && return 0
  bad=
  for d; do
    if [ -n "$bad" ]; then rmdir -- "$d" 2>/dev/null || :; elif [ ! -d "$d" ]; then bad=1; fi
  done
  exit 1
}`

// allWriter writes the script of WriteAll.
type allWriter struct {
	strings.Builder
	name    string  // of temporary files, before their numbers
	restore bool    // directories come after files, and want the umask
	makes   bool    // makeFunction is there
	files   []Entry // so far
	staged  []Entry // the same with the paths of the temporary files
}

func (w *allWriter) line(words ...string) { w.WriteString(strings.Join(words, " ") + "\n") }

func (w *allWriter) directories(dirs []Entry) {
	if len(w.files) > 0 {
		w.line(`umask "$umask"`)
	}
	if !w.makes {
		w.line(makeFunction)
		w.makes = true
	}
	w.line("make", QuoteArgv(paths(dirs)))
	for _, g := range groupBy(dirs, ownerOf) {
		w.line("chown -h --", Quote(g.value), QuoteArgv(g.paths))
	}
	for _, g := range groupBy(dirs, modeOf) {
		w.line("chmod --", g.value, QuoteArgv(g.paths))
	}
}

// stage makes a file beside its place.
func (w *allWriter) stage(f Entry) {
	if len(w.files) == 0 {
		if w.restore {
			w.line("umask=$(umask)")
		}
		w.line(stageFunction)
	}
	t := f
	t.Path = fmt.Sprintf("%s/%s%d", strings.TrimSuffix(path.Dir(f.Path), "/"), w.name, len(w.files))
	w.files, w.staged = append(w.files, f), append(w.staged, t)
	w.line("trap", Quote("rm -f -- "+QuoteArgv(paths(w.staged))), "EXIT")
	w.line("content() {", PrintText(f.Content)+"; }")
	w.line("stage", QuoteArgv([]string{f.Path, path.Base(t.Path), modeOf(f.Attr), f.Attr.Owner, f.Attr.Group}))
	w.line(`if [ -n "$m" ]; then set -- "$@" "$t"; want=$want$m$nl; fi`)
}

// place puts all files in their places.
func (w *allWriter) place() {
	if len(w.files) == 0 {
		return
	}
	w.line(`if [ $# -gt 0 ] && [ "$(stat -c %a -- "$@")$nl" != "$want" ]; then echo "files do not get the mode they are made with" >&2; exit 1; fi`)
	w.WriteString(FlushFunction + placeFunction)
	w.line("flush --", QuoteArgv(paths(w.staged)))
	var dirs []string
	for i, f := range w.files {
		w.line("place", Quote(w.staged[i].Path), Quote(f.Path))
		if d := path.Dir(f.Path); !slices.Contains(dirs, d) {
			dirs = append(dirs, d)
		}
	}
	w.line("trap - EXIT")
	w.line("sync --", QuoteArgv(dirs), "2>/dev/null || :")
	w.line("for r in /usr/sbin/restorecon /sbin/restorecon; do")
	w.line("  if [ -x $r ]; then $r --", QuoteArgv(paths(w.files)), "2>/dev/null || :; break; fi\ndone")
}

func paths(entries []Entry) []string {
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = e.Path
	}
	return out
}

// modeOf is a mode as chmod and stat have it, nothing for none.
func modeOf(a Attr) string {
	if a.Mode == 0 {
		return ""
	}
	return fmt.Sprintf("%o", UnixMode(a.Mode))
}

func ownerOf(a Attr) string {
	if a.Group != "" {
		return a.Owner + ":" + a.Group
	}
	return a.Owner
}

// group is the paths of entries that get the same.
type group struct {
	value string
	paths []string
}

// groupBy groups entries by what of returns, in order; those where it is empty are
// left out.
func groupBy(entries []Entry, of func(Attr) string) (out []group) {
	for _, e := range entries {
		v := of(e.Attr)
		if v == "" {
			continue
		}
		i := slices.IndexFunc(out, func(g group) bool { return g.value == v })
		if i < 0 {
			out = append(out, group{value: v})
			i = len(out) - 1
		}
		out[i].paths = append(out[i].paths, e.Path)
	}
	return out
}
