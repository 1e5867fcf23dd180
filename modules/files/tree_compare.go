package files

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/schema"
)

// treeDiff is how a directory on the host differs from what it must be.
type treeDiff struct {
	absent bool
	send   []schema.TreeEntry // missing or different
	there  map[string]bool    // of send: something is in its place
	attrs  []treeAttr
	extra  []string // to be removed, without what is below another
}

// treeAttr is one attribute of one path that must change.
type treeAttr struct{ path, arg, from, to string }

// chunkPaths bounds the paths that one question is about.
const chunkPaths = 2000

// compare asks the host about all paths at once.
func (t *tree) compare(ctx context.Context, r host.Reader) (*treeDiff, error) {
	want, err := t.want()
	if err != nil {
		return nil, err
	}
	var chunks [][]schema.TreeEntry
	for i := 0; i < len(want); i += chunkPaths {
		chunks = append(chunks, want[i:min(i+chunkPaths, len(want))])
	}
	if len(chunks) == 0 {
		chunks = append(chunks, nil)
	}
	seen := make([]*treeSeen, len(chunks))
	var extra []string
	g, gctx := errgroup.WithContext(ctx)
	for i, c := range chunks {
		g.Go(func() (err error) { seen[i], err = t.look(gctx, r, c); return err })
	}
	if t.purge {
		g.Go(func() (err error) { extra, err = t.others(gctx, r, want); return err })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	d := &treeDiff{absent: seen[0].absent, there: map[string]bool{}, extra: extra}
	for i, c := range chunks {
		for _, e := range c {
			if err := t.judge(d, e, seen[i]); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}

// judge compares one path.
func (t *tree) judge(d *treeDiff, e schema.TreeEntry, s *treeSeen) error {
	have, there := s.stat[e.Path]
	switch {
	case !there && e.Path == ".": // it is made with what is below it
		return nil
	case !there:
		d.send = append(d.send, e)
		return nil
	case have.kind != e.Type && (have.kind == "directory" || e.Type == "directory"):
		return fmt.Errorf("%s is a %s on the host and a %s on the controller; remove it from the host first", path.Join(t.path, e.Path), have.kind, e.Type)
	case have.kind != e.Type, e.Type == "file" && s.sum[e.Path] != e.SHA256, e.Type == "link" && s.link[e.Path] != e.Target:
		d.send, d.there[e.Path] = append(d.send, e), true
		return nil
	}
	if t.owner != "" && t.owner != have.owner && t.owner != have.uid {
		d.attrs = append(d.attrs, treeAttr{e.Path, "owner", have.owner, t.owner})
	}
	if t.group != "" && t.group != have.group && t.group != have.gid {
		d.attrs = append(d.attrs, treeAttr{e.Path, "group", have.group, t.group})
	}
	if e.Type != "link" && e.Mode != 0 && have.mode != e.Mode {
		d.attrs = append(d.attrs, treeAttr{e.Path, "mode", fmt.Sprintf("%04o", have.mode), fmt.Sprintf("%04o", e.Mode)})
	}
	return nil
}

// treeSeen is what the host said of some paths.
type treeSeen struct {
	absent bool
	stat   map[string]treeStat
	sum    map[string]string
	link   map[string]string
}

type treeStat struct {
	kind                   string
	mode                   uint32
	owner, uid, group, gid string
}

// lookScript describes the paths on standard input, one per line, in the
// directory $1; further arguments are those that should be symbolic links.
const lookScript = `[ -e "$1" ] || { echo absent; exit 0; }
cd -- "$1" || exit 1
shift
l=$(cat)
echo here
printf '%s\n' "$l" | tr '\n' '\0' | xargs -0 -r stat -c '%F|%a|%U|%u|%G|%g|%n' -- 2>/dev/null
echo ---
printf '%s\n' "$l" | tr '\n' '\0' | xargs -0 -r sha256sum -- 2>/dev/null
echo ---
for f do [ -h "$f" ] && printf '%s\t%s\n' "$f" "$(readlink -- "$f")"; done
:`

func (t *tree) look(ctx context.Context, r host.Reader, entries []schema.TreeEntry) (*treeSeen, error) {
	argv := []string{"/bin/sh", "-c", lookScript, "sh", t.path}
	var list strings.Builder
	for _, e := range entries {
		list.WriteString("./" + e.Path + "\n")
		if e.Type == "link" {
			argv = append(argv, "./"+e.Path)
		}
	}
	res, err := r.Ask(ctx, host.Command{Argv: argv, Stdin: []byte(list.String())})
	if res, err = host.Must(argv[:2], res, err); err != nil {
		return nil, err
	}
	if res.Truncated {
		return nil, errors.New("the host's answer about the files of the tree is too long; split the tree")
	}
	return parseSeen(string(res.Stdout))
}

// parseSeen reads the answer of lookScript.
func parseSeen(out string) (*treeSeen, error) {
	s := &treeSeen{stat: map[string]treeStat{}, sum: map[string]string{}, link: map[string]string{}}
	part := 0
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case part == 0 && line == "absent":
			s.absent = true
			return s, nil
		case part == 0 && line == "here":
			part = 1
		case part == 1 && line == "---", part == 2 && line == "---":
			part++
		case part == 1:
			f := strings.SplitN(line, "|", 7)
			if len(f) != 7 {
				return nil, fmt.Errorf("the host describes a file as %q", line)
			}
			mode, err := strconv.ParseUint(f[1], 8, 32)
			if err != nil {
				return nil, fmt.Errorf("the host describes a file as %q", line)
			}
			s.stat[strings.TrimPrefix(f[6], "./")] = treeStat{kindOf(f[0]), uint32(mode), f[2], f[3], f[4], f[5]}
		case part == 2:
			name, sum, err := sumLine(line)
			if err != nil {
				return nil, err
			}
			s.sum[strings.TrimPrefix(name, "./")] = sum
		case part == 3:
			name, to, _ := strings.Cut(line, "\t")
			s.link[strings.TrimPrefix(name, "./")] = to
		}
	}
	if part != 3 {
		return nil, errors.New("the host's answer about the files of the tree is cut off")
	}
	return s, nil
}

func kindOf(stat string) string {
	switch stat {
	case "regular file", "regular empty file":
		return "file"
	case "symbolic link":
		return "link"
	}
	return stat
}

// sumLine reads a line of sha256sum, which escapes a backslash in a name.
func sumLine(line string) (name, sum string, err error) {
	escaped := strings.HasPrefix(line, `\`)
	line = strings.TrimPrefix(line, `\`)
	if len(line) < 67 {
		return "", "", fmt.Errorf("the host gives a hash as %q", line)
	}
	sum, name = line[:64], line[66:]
	if escaped {
		name = strings.ReplaceAll(name, `\\`, `\`)
	}
	return name, sum, nil
}

// others lists what is in the directory and not wanted.
func (t *tree) others(ctx context.Context, r host.Reader, want []schema.TreeEntry) ([]string, error) {
	argv := []string{"/bin/sh", "-c", `[ -d "$1" ] || exit 0; cd -- "$1" && find . -mindepth 1 -print0`, "sh", t.path}
	res, err := r.Query(ctx, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return nil, err
	}
	if res.Truncated {
		return nil, fmt.Errorf("%s holds too many files to tell which are to be purged; remove them first, or leave \"purge\" out", t.path)
	}
	wanted := map[string]bool{}
	for _, e := range want {
		wanted[e.Path] = true
	}
	var out []string
	gone := map[string]bool{}
	for _, p := range strings.Split(strings.TrimSuffix(string(res.Stdout), "\x00"), "\x00") {
		p = strings.TrimPrefix(p, "./")
		if p == "" || wanted[p] || t.excluded(p) {
			continue
		}
		gone[p] = true
		if !gone[path.Dir(p)] {
			out = append(out, p)
		}
	}
	return t.spare(out, strings.Split(string(res.Stdout), "\x00")), nil
}

// spare drops from what is to be removed the directories that hold something
// excluded; what else is in them is removed one by one.
func (t *tree) spare(remove, all []string) []string {
	if len(t.exclude) == 0 {
		return remove
	}
	holds := map[string]bool{}
	for _, p := range all {
		p = strings.TrimPrefix(p, "./")
		if p != "" && t.excluded(p) {
			for d := path.Dir(p); d != "."; d = path.Dir(d) {
				holds[d] = true
			}
		}
	}
	var out []string
	for _, p := range remove {
		if !holds[p] {
			out = append(out, p)
			continue
		}
		for _, q := range all {
			q = strings.TrimPrefix(q, "./")
			if strings.HasPrefix(q, p+"/") && !holds[q] && !t.excluded(q) && !contained(out, q) {
				out = append(out, q)
			}
		}
	}
	return out
}

// contained reports whether p is one of the paths or below one.
func contained(paths []string, p string) bool {
	for _, q := range paths {
		if p == q || strings.HasPrefix(p, q+"/") {
			return true
		}
	}
	return false
}
