package host

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Several paths in one question: one process describes all of them, one reads
// those that are small. An answer counts only where it is beyond doubt; each
// other path is asked about alone, by the scripts in stat.go and base.go, whose
// results these here are made to equal.

// What is asked about a path, the first byte of a question's item.
const (
	askLook = "l" // Look
	askStat = "s" // Stat
	askRead = "r" // ReadFile
)

// filesKind is the kind of questions about paths; those that follow links are
// asked apart.
type filesKind struct{ follow bool }

// oddPath is the kind of a question that is asked alone.
type oddPath string

func fileQuestion(what, p string) Question {
	q := Question{Kind: filesKind{what == askRead}, Item: what + p, Command: filesCommand, Split: splitFiles}
	if !plainPath(p) {
		q.Kind = oddPath(what + p)
	}
	return q
}

// plainPath reports whether p can be told from everything else that is printed
// with it.
func plainPath(p string) bool {
	return path.IsAbs(p) && path.Clean(p) == p && !strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// manyScript describes the paths before the argument "/." and prints the content of
// files among them, and describes those after it and prints the targets of links.
//
// It prints for each of the latter its target, a newline and a dot, or nothing if it
// is no link, and a NUL; then a line for each path that is there, with the path at
// its end; and if there are paths before "/.", a NUL and the content, each line of it
// after the name of its file and a NUL. Since grep is what divides the content into
// lines, no content can pass for that of another file.
//
// What comes last takes the place of the shell, which saves a process.
const manyScript = `LC_ALL=C; export LC_ALL; IFS='
'; set -f
look=y
for p; do
  case $look$p in
    y/.) look=n;;
    n*) t=; if [ -h "$p" ]; then t=$(readlink -- "$p" 2>/dev/null && echo .); fi; printf '%%s\0' "$t";;
  esac
done
[ "$1" = /. ] && exec stat -c %[2]s/%%n -- "$@"
s=$(stat %[1]s -c %[2]s/%%n -- "$@")
printf '%%s\n\0' "$s"
left=%[3]d
set --
for l in $s; do
  p=${l#*/*/*/*/*/*/*/}
  [ "$p" = /. ] && break
  case $l in 8*)
    z=${l#*/}; z=${z%%%%/*}
    if [ "$z" -le %[4]d ] && [ "$z" -le $left ]; then left=$((left-z)); set -- "$@" "$p"; fi;;
  esac
done
[ $# = 0 ] && exit 0
exec grep -aHZ -D skip -e '' -- "$@" 2>/dev/null`

const (
	smallFile  = 256 << 10 // what is read together with others
	smallFiles = 1 << 20   // what is read in one go; every line costs the name of its file besides
)

func filesCommand(items []string) Command {
	what, p := items[0][:1], items[0][1:]
	if len(items) == 1 {
		switch what {
		case askLook:
			return script(lookScript, p, fmt.Sprint(MaxReadFile+1))
		case askStat:
			return script(statScript, p)
		}
		return script(readScript, p, fmt.Sprint(MaxReadFile+1))
	}
	follow := ""
	if what == askRead {
		follow = "-L"
	}
	var looks, stats []string
	for _, it := range items {
		if it[:1] == askStat {
			stats = append(stats, it[1:])
		} else {
			looks = append(looks, it[1:])
		}
	}
	return script(fmt.Sprintf(manyScript, follow, statFormat, smallFiles, smallFile), slices.Concat(looks, []string{"/."}, stats)...)
}

// found is what manyScript prints of one path.
type found struct {
	fi      FileInfo
	line    string // as stat prints it for a path alone
	content []byte
	target  []byte
	whole   bool // the content, or the target, is known
}

// splitFiles implements Question.Split for manyScript.
func splitFiles(items []string, r Result) []*Result {
	order := slices.Clone(items)
	slices.SortStableFunc(order, func(a, b string) int { // as they were given
		return strings.Compare(strings.ReplaceAll(a[:1], askRead, askLook), strings.ReplaceAll(b[:1], askRead, askLook))
	})
	targets, rest := map[string][]byte{}, r.Stdout
	for _, it := range order {
		if it[:1] == askStat {
			var ok bool
			if targets[it], rest, ok = bytes.Cut(rest, []byte{0}); !ok {
				return nil
			}
		}
	}
	lines, rest, _ := bytes.Cut(rest, []byte{0})
	all, absent, ok := described(order, string(lines), r.Stderr)
	if !ok {
		return nil
	}
	for it, t := range targets {
		if f := all[it]; f != nil {
			f.target, f.whole = bytes.CutSuffix(t, []byte("\n."))
		}
	}
	contents(order, all, rest, r.Code)
	out := make([]*Result, len(items))
	for i, it := range items {
		out[i] = all[it].result(it[:1], absent[it])
	}
	return out
}

// described reads the lines about items, and which of them are absent for
// certain: all that have no line are, if that is what was said of each.
func described(order []string, lines string, stderr []byte) (all map[string]*found, absent map[string]string, ok bool) {
	all, absent = map[string]*found{}, map[string]string{}
	list := strings.Split(strings.TrimSuffix(lines, "\n"), "\n")
	n := 0
	next := func(p string) (string, bool) {
		if n < len(list) && strings.HasSuffix(list[n], "/"+p) && strings.Count(list[n][:len(list[n])-len(p)], "/") == 7 {
			n++
			return list[n-1][:len(list[n-1])-len(p)-1], true
		}
		return "", false
	}
	var missing []string
	divided := false
	for _, it := range order {
		if it[:1] == askStat && !divided {
			if _, divided = next("/."); !divided {
				return nil, nil, false
			}
		}
		line, there := next(it[1:])
		if !there {
			missing = append(missing, it)
			continue
		}
		fi, err := parseStat(line)
		if err != nil {
			return nil, nil, false
		}
		all[it] = &found{fi: fi, line: line}
	}
	if !divided {
		_, divided = next("/.")
	}
	if !divided || n != len(list) {
		return nil, nil, false
	}
	said := strings.Split(strings.TrimSuffix(string(stderr), "\n"), "\n")
	if len(said) != len(missing) {
		return all, nil, true
	}
	for i, line := range said {
		if !strings.HasSuffix(line, ": No such file or directory") && !strings.HasSuffix(line, ": Not a directory") {
			return all, nil, true
		}
		absent[missing[i]] = line + "\n"
	}
	return all, absent, true
}

// contents gives each file its lines. One that has changed since it was described,
// or is not what it seems (/proc), does not have the size that it should.
func contents(order []string, all map[string]*found, out []byte, code int) {
	for _, it := range order {
		f := all[it]
		if f == nil || it[:1] == askStat || f.fi.Type != "file" {
			continue
		}
		name := []byte(it[1:] + "\x00")
		for bytes.HasPrefix(out, name) {
			out = out[len(name):]
			end := bytes.IndexByte(out, '\n') + 1
			if end == 0 {
				end = len(out)
			}
			f.content = append(f.content, out[:end]...)
			out = out[end:]
		}
		switch n := int64(len(f.content)); {
		case n == f.fi.Size:
			f.whole = n > 0 || code <= 1 // else one could not be read, and it may be this one
		case n == f.fi.Size+1 && n > 1 && f.content[n-1] == '\n': // grep ends each line
			f.content, f.whole = f.content[:n-1], true
		}
	}
	if len(out) > 0 { // something is not understood, so nothing is
		for it, f := range all {
			f.whole = f.whole && it[:1] == askStat
		}
	}
}

// result is what the question alone would have left; nil if that is not known.
func (f *found) result(what, absent string) *Result {
	switch {
	case f == nil && absent != "":
		return &Result{Stderr: []byte(absent), Code: 1}
	case f == nil:
		return nil
	case f.fi.Type == "file" && what != askStat:
		if !f.whole {
			return nil
		}
		if what == askRead {
			return &Result{Stdout: f.content}
		}
		return &Result{Stdout: append([]byte(f.line+"\n"), f.content...)}
	case what == askRead: // why it cannot be read is not known
		return nil
	case f.fi.Type == "link" && what == askStat:
		if !f.whole {
			return nil
		}
		return &Result{Stdout: slices.Concat([]byte(f.line+"\n"), f.target, []byte("\n"))}
	}
	return &Result{Stdout: []byte(f.line + "\n")}
}
