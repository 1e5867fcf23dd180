package source

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ferry-ops/ferry/engine/diag"
	"golang.org/x/mod/sumdb/dirhash"
)

// unpackLibrary puts the files that are part of ferry where templates and files
// of a set can be read, in a directory named by their hash in the user's cache,
// and returns the directory of one set. What is there already is compared.
func unpackLibrary(library fs.FS, playbook, place string) (string, error) {
	if st, err := fs.Stat(library, place); err != nil || !st.IsDir() {
		var names []string
		_ = fs.WalkDir(library, ".", func(p string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && p != "." {
				names = append(names, p)
			}
			return nil
		})
		return "", errorf("Source not found", "This ferry brings no set %q.%s", "ferry//"+place, diag.DidYouMean(place, names))
	}
	var files []string
	err := fs.WalkDir(library, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, p)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	want, err := dirhash.Hash1(files, func(name string) (io.ReadCloser, error) { return library.Open(name) })
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = filepath.Join(playbook, ".ferry")
	}
	sum := sha256.Sum256([]byte(want))
	dir := filepath.Join(cache, "ferry", "library", hex.EncodeToString(sum[:16]))
	if got, err := Hash(dir); err == nil && got == want {
		return filepath.Join(dir, filepath.FromSlash(place)), nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return "", errorf("Source not usable", "The sets that are part of ferry cannot be unpacked: %w.", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "new-")
	if err != nil {
		return "", errorf("Source not usable", "The sets that are part of ferry cannot be unpacked: %w.", err)
	}
	defer os.RemoveAll(tmp)
	if err := os.CopyFS(filepath.Join(tmp, "tree"), library); err != nil {
		return "", errorf("Source not usable", "The sets that are part of ferry cannot be unpacked: %w.", err)
	}
	if err := install(filepath.Join(tmp, "tree"), dir); err != nil {
		return "", err
	}
	return filepath.Join(dir, filepath.FromSlash(place)), nil
}

// install moves a complete tree to its place. What is there and differs is
// replaced; another ferry may be doing the same.
func install(tree, dir string) error {
	err := os.Rename(tree, dir)
	if err == nil {
		return nil
	}
	want, herr := Hash(tree)
	if herr != nil {
		return herr
	}
	if got, herr := Hash(dir); herr == nil && got == want {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(tree, dir)
}
