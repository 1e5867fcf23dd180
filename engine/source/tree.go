package source

import (
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// tree is a directory that files from outside are written into. Nothing leaves
// it, and nothing in it is more than the limits allow.
type tree struct {
	root    string
	bounds  bounds
	entries int
	bytes   int64
	links   [][2]string // path and target, made last, when nothing is written through them
}

// bounds are limits on what is written.
type bounds struct {
	file, total int64 // bytes
	entries     int
}

// newTree returns a tree with the usual bounds.
func newTree(root string) *tree {
	return &tree{root: root, bounds: bounds{file: maxFile, total: maxTree, entries: maxEntries}}
}

func refused(format string, args ...any) error {
	return errorf("Source refused", format, args...)
}

// name checks a path within the tree, "" is its root.
func (t *tree) name(p string) (string, error) {
	t.entries++
	switch {
	case t.entries > t.bounds.entries:
		return "", refused("It holds more than %d files and directories.", t.bounds.entries)
	case len(p) > maxPath || !utf8.ValidString(p) || strings.ContainsAny(p, "\x00\\"):
		return "", refused("It holds the path %.80q, which is too long, not UTF-8, or has a backslash.", p)
	case strings.HasPrefix(p, "/"):
		return "", refused("It holds the absolute path %.80q; paths in a source are relative.", p)
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == ".." {
			return "", refused("It holds the path %.80q, which leaves the source.", p)
		}
		if strings.ContainsRune(part, '\n') {
			return "", refused("It holds the path %.80q with a line break.", p)
		}
	}
	return strings.TrimPrefix(path.Clean("/"+p), "/"), nil
}

func (t *tree) dir(p string) error {
	p, err := t.name(p)
	if err != nil || p == "" {
		return err
	}
	return os.MkdirAll(filepath.Join(t.root, filepath.FromSlash(p)), 0o750)
}

// file writes one file. The size that was announced is not trusted.
func (t *tree) file(p string, executable bool, r io.Reader) error {
	p, err := t.name(p)
	if err != nil {
		return err
	}
	if p == "" {
		return refused("It holds a file without a name.")
	}
	mode := os.FileMode(0o640)
	if executable {
		mode = 0o750
	}
	full := filepath.Join(t.root, filepath.FromSlash(p))
	if err := os.MkdirAll(filepath.Dir(full), 0o750); err != nil {
		return refused("The path %q is a file and a directory at once.", p)
	}
	w, err := os.OpenFile(full, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode) //nolint:gosec // p was checked
	if err != nil {
		return refused("It holds the path %q twice, or what cannot be written: %w.", p, err)
	}
	limit := min(t.bounds.file, t.bounds.total-t.bytes)
	n, err := io.Copy(w, io.LimitReader(r, limit+1))
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	t.bytes += n
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", p, err)
	case n > limit:
		return refused("It is too large: the file %q has more than %d bytes, or all files together have more than %d.", p, t.bounds.file, t.bounds.total)
	}
	return nil
}

// link notes a symbolic link, which finish makes.
func (t *tree) link(p, target string) error {
	p, err := t.name(p)
	if err != nil {
		return err
	}
	if p == "" || target == "" || path.IsAbs(target) || len(target) > maxPath || leaves(path.Dir(p), target) {
		return refused("The symbolic link %q leads to %.80q, outside of the source.", p, target)
	}
	t.links = append(t.links, [2]string{p, target})
	return nil
}

// leaves reports whether a relative target climbs out of the tree from a
// directory in it.
func leaves(dir, target string) bool {
	depth := 0
	if dir != "." {
		depth = strings.Count(dir, "/") + 1
	}
	for part := range strings.SplitSeq(target, "/") {
		switch part {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return true
			}
		default:
			depth++
		}
	}
	return false
}

// finish makes the symbolic links. Each must lead to a regular file of the
// tree: what is behind it is part of the hash.
func (t *tree) finish() error {
	for _, l := range t.links {
		full := filepath.Join(t.root, filepath.FromSlash(l[0]))
		if err := os.MkdirAll(filepath.Dir(full), 0o750); err != nil {
			return refused("The path %q is a file and a directory at once.", l[0])
		}
		if err := os.Symlink(filepath.FromSlash(l[1]), full); err != nil {
			return refused("It holds the path %q twice.", l[0])
		}
	}
	root, err := filepath.EvalSymlinks(t.root)
	if err != nil {
		return err
	}
	for _, l := range t.links {
		real, err := filepath.EvalSymlinks(filepath.Join(t.root, filepath.FromSlash(l[0])))
		if err != nil {
			return refused("The symbolic link %q leads to %.80q, which is not in the source.", l[0], l[1])
		}
		if !strings.HasPrefix(real, root+string(filepath.Separator)) {
			return refused("The symbolic link %q leads to %.80q, outside of the source.", l[0], l[1])
		}
		if st, err := os.Stat(real); err != nil || !st.Mode().IsRegular() {
			return refused("The symbolic link %q leads to %.80q, which is not a file; links to directories are not kept.", l[0], l[1])
		}
	}
	return nil
}
