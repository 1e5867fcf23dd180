package schema

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Bounds of a tree.
const (
	maxTreeFiles = 100000
	maxTreeBytes = 1 << 30
)

// LocalTree is a directory of the controller that many hosts are compared with
// or sent. It is walked once in a run. It may be used concurrently.
type LocalTree struct {
	dir string

	once    sync.Once
	entries []TreeEntry
	err     error

	mu    sync.Mutex
	packs map[string]*treePack
}

// TreeEntry is one path in a tree.
type TreeEntry struct {
	Path   string // relative, with slashes
	Type   string // "file", "directory" or "link"
	Mode   uint32 // permission bits
	Size   int64
	SHA256 string // of a file, in hexadecimal
	Target string // of a link
}

// Tree returns the tree at path; the same path gives the same LocalTree.
func (f *Files) Tree(path string) *LocalTree {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.trees == nil {
		f.trees = map[string]*LocalTree{}
	}
	t := f.trees[path]
	if t == nil {
		t = &LocalTree{dir: path, packs: map[string]*treePack{}}
		f.trees[path] = t
	}
	return t
}

// Path is where the tree is.
func (t *LocalTree) Path() string { return t.dir }

// Entries returns what is in the tree, directories before what is in them,
// sorted. An error says what cannot be sent.
func (t *LocalTree) Entries() ([]TreeEntry, error) {
	t.once.Do(func() { t.entries, t.err = walkTree(t.dir) })
	return t.entries, t.err
}

func walkTree(dir string) ([]TreeEntry, error) {
	st, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !st.IsDir() {
		return nil, fmt.Errorf("%s is not a directory; the module \"copy\" takes one file", dir)
	}
	var out []TreeEntry
	var size int64
	err = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		e := TreeEntry{Path: filepath.ToSlash(rel)}
		if strings.ContainsAny(e.Path, "\n\x00") {
			return fmt.Errorf("%q has a line break in its name; rename it", p)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		e.Mode = uint32(info.Mode().Perm())
		switch {
		case info.IsDir():
			e.Type = "directory"
		case info.Mode().IsRegular():
			e.Type, e.Size = "file", info.Size()
			if e.SHA256, err = hashFile(p); err != nil {
				return err
			}
		case info.Mode()&fs.ModeSymlink != 0:
			e.Type = "link"
			if e.Target, err = os.Readlink(p); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s is neither a file nor a directory nor a symbolic link, and cannot be sent", p)
		}
		out = append(out, e)
		if size += e.Size; size > maxTreeBytes || len(out) > maxTreeFiles {
			return fmt.Errorf("%s holds more than %d files or %d bytes; pack it, copy the archive and unpack it on the host", dir, maxTreeFiles, int64(maxTreeBytes))
		}
		return nil
	})
	slices.SortFunc(out, func(a, b TreeEntry) int { return strings.Compare(a.Path, b.Path) })
	return out, err
}

func hashFile(p string) (string, error) {
	f, err := os.Open(p)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// treePack is an archive of some entries, which hosts that lack the same ones
// share while they are sent it.
type treePack struct {
	once   sync.Once
	plain  []byte
	packed []byte
	err    error
	users  int
}

// TreeContent is an archive of a part of a tree. It implements host.Content.
type TreeContent struct {
	t       *LocalTree
	entries []TreeEntry
	key     string
}

// Pack returns a tar archive of these entries of the tree.
func (t *LocalTree) Pack(entries []TreeEntry) *TreeContent {
	sum := sha256.New()
	for _, e := range entries {
		fmt.Fprintf(sum, "%q %s %o %s\n", e.Path, e.SHA256, e.Mode, e.Target)
	}
	return &TreeContent{t: t, entries: entries, key: string(sum.Sum(nil))}
}

// Open returns the archive, made once for all who open it at the same time.
func (c *TreeContent) Open(packed bool) (io.ReadCloser, int64, bool, error) {
	c.t.mu.Lock()
	p := c.t.packs[c.key]
	if p == nil {
		p = &treePack{}
		c.t.packs[c.key] = p
	}
	p.users++
	c.t.mu.Unlock()
	drop := func() {
		c.t.mu.Lock()
		defer c.t.mu.Unlock()
		if p.users--; p.users == 0 {
			delete(c.t.packs, c.key)
		}
	}
	p.once.Do(func() {
		if p.plain, p.err = c.t.tar(c.entries); p.err == nil {
			p.packed = Pack(p.plain)
		}
	})
	if p.err != nil {
		drop()
		return nil, 0, false, p.err
	}
	body, ok := p.plain, false
	if packed && p.packed != nil {
		body, ok = p.packed, true
	}
	return &droppingReader{Reader: bytes.NewReader(body), drop: sync.OnceFunc(drop)}, int64(len(body)), ok, nil
}

type droppingReader struct {
	*bytes.Reader
	drop func()
}

func (r *droppingReader) Close() error { r.drop(); return nil }

// tar writes an archive whose owner is whoever unpacks it.
func (t *LocalTree) tar(entries []TreeEntry) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: "./" + e.Path, Mode: int64(e.Mode), Typeflag: tar.TypeReg, Size: e.Size, Format: tar.FormatGNU}
		switch e.Type {
		case "directory":
			h.Typeflag, h.Name, h.Size = tar.TypeDir, h.Name+"/", 0
		case "link":
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, e.Target, 0
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("%s cannot be packed: %w", e.Path, err)
		}
		if e.Type != "file" {
			continue
		}
		body, err := os.ReadFile(filepath.Join(t.dir, filepath.FromSlash(path.Clean(e.Path))))
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(body); err != nil || int64(len(body)) != e.Size {
			return nil, fmt.Errorf("%s was changed while it was packed; run again", filepath.Join(t.dir, e.Path))
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
