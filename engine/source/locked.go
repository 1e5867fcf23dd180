package source

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/dirhash"
)

// Request is a remote source that a playbook wants.
type Request struct {
	Name       string  // of the use or stack
	Address    Address // without a subdirectory
	Constraint string
	From       string // directory of the file that names it, where relative paths start
}

// key is how the lock file names the source: a local archive by its path from
// the playbook's directory.
func (r Request) key(dir string) string {
	a := r.Address
	if a.Kind == Archive && !strings.HasPrefix(a.Place, "https://") {
		a.Place = localPath(r)
		if abs, err := filepath.Abs(dir); err == nil {
			if rel, err := filepath.Rel(abs, a.Place); err == nil {
				a.Place = filepath.ToSlash(rel)
			}
		}
	}
	return a.String()
}

// localPath is the absolute path of a local archive.
func localPath(r Request) string {
	p := r.Address.Place
	if !filepath.IsAbs(p) {
		p = filepath.Join(r.From, p)
	}
	if abs, err := filepath.Abs(p); err == nil {
		return abs
	}
	return p
}

// Locked finds what was fetched before. It reads files only.
type Locked struct {
	Dir string // of the playbook
}

const getCommand = "The command that fetches it is\n    ferry get PLAYBOOK"

// Tree returns the directory of a source's files, after having compared them
// with the lock file.
func (l Locked) Tree(r Request) (string, error) {
	lock, err := ReadLock(l.Dir)
	if err != nil {
		return "", err
	}
	key := r.key(l.Dir)
	e, ok := lock.Find(key, r.Constraint)
	switch {
	case !ok && lock.has(key):
		return "", errorf("Source not fetched", "The lock file pins %s for another version than %s. "+getCommand, key, orAny(r.Constraint))
	case !ok:
		return "", errorf("Source not fetched", "The source %s is not in the lock file %s. "+getCommand, key, LockName)
	}
	return l.verified(e)
}

func (l Locked) verified(e Entry) (string, error) {
	dir := treeDir(l.Dir, e.Hash)
	got, err := Hash(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", errorf("Source not fetched", "The source %s is pinned and not on this machine. "+getCommand, e.Source)
	case err != nil:
		return "", errorf("Source not readable", "%s: %w.", dir, err)
	case got != e.Hash:
		return "", errorf("Source was changed", "The files in %s are not what the lock file pins for %s: they were changed after they were fetched. Remove that directory, then fetch it again:\n    ferry get PLAYBOOK", dir, e.Source)
	}
	return dir, nil
}

func orAny(constraint string) string {
	if constraint == "" {
		return "any"
	}
	return constraint
}

// Hash is the hash of a tree. Executable bits and empty directories are not part
// of it.
func Hash(dir string) (string, error) {
	if _, err := os.Stat(dir); err != nil {
		return "", err
	}
	return dirhash.HashDir(dir, "", dirhash.Hash1)
}

// treeDir is where the tree with a hash is kept.
func treeDir(playbook, hash string) string {
	sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(hash, "h1:"))
	if err != nil {
		sum = []byte(hash)
	}
	return filepath.Join(storeDir(playbook), hex.EncodeToString(sum))
}

func storeDir(playbook string) string { return filepath.Join(playbook, ".ferry", "sources") }

// Explain splits an error into what a diagnostic shows.
func Explain(err error) (summary, detail string) {
	var e *Error
	if errors.As(err, &e) {
		return e.Summary, e.Detail
	}
	return "Source not usable", "The source cannot be used: " + err.Error() + "."
}

// Library returns the directory of a set that is part of ferry.
func Library(library fs.FS, playbook, place string) (string, error) {
	if library == nil {
		return "", errorf("Source not found", "This ferry brings no sets of its own, so there is no %q.", "ferry//"+place)
	}
	return unpackLibrary(library, playbook, place)
}
