package format

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

const (
	maxFile  = 8 << 20 // bytes of one file
	maxDepth = 40      // directories within directories
)

// Find returns the files to lay out: each path itself if it is a file, and of a
// directory the *.hcl files in it, with recursive also those below. Hidden files
// and directories, lock files (*.lock.hcl) and, below a directory, symbolic
// links are left out. The errors are full sentences, one for each path that
// cannot be used.
func Find(paths []string, recursive bool) (files []string, errs []error) {
	for _, p := range paths {
		st, err := os.Stat(p)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("the file %s cannot be read: %w", p, cause(err)))
		case st.IsDir():
			more, err := in(p, recursive, 0)
			if err != nil {
				errs = append(errs, err)
			}
			files = append(files, more...)
		case filepath.Ext(p) != ".hcl":
			errs = append(errs, fmt.Errorf("the file %s is not an HCL file: its name does not end in .hcl", p))
		case strings.HasSuffix(p, ".lock.hcl"):
			errs = append(errs, fmt.Errorf("the file %s is a lock file, which ferry writes itself and nobody lays out", p))
		default:
			files = append(files, p)
		}
	}
	return files, errs
}

func in(dir string, recursive bool, depth int) ([]string, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("the directory %s is more than %d directories deep", dir, maxDepth)
	}
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return nil, fmt.Errorf("the file %s cannot be read: %w", dir, cause(err))
	}
	var out []string
	var errs []error
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case e.IsDir() && recursive:
			more, err := in(path, recursive, depth+1)
			out, errs = append(out, more...), append(errs, err)
		case e.Type().IsRegular() && strings.HasSuffix(path, ".hcl") && !strings.HasSuffix(path, ".lock.hcl"):
			out = append(out, path)
		}
	}
	return out, errors.Join(errs...)
}

// Read reads a file to lay out. It does not wait for a FIFO and reads no more
// than a text can be.
func Read(path string) ([]byte, error) {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the file %s cannot be read: %w", path, cause(err))
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("the file %s is not a regular file", path)
	}
	f, err := os.Open(path) //nolint:gosec // the user names it
	if err != nil {
		return nil, fmt.Errorf("the file %s cannot be read: %w", path, cause(err))
	}
	defer f.Close()
	return ReadFrom(f, path)
}

// ReadFrom is Read for what is open already, such as standard input.
func ReadFrom(r io.Reader, name string) ([]byte, error) {
	src, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the file %s cannot be read: %w", name, cause(err))
	case len(src) > maxFile:
		return nil, fmt.Errorf("the file %s has more than %d MiB, which no file written by people has", name, maxFile>>20)
	}
	return src, nil
}

// Diff is a unified diff from have to want.
func Diff(path string, have, want []byte) string {
	return udiff.Unified(path, path, string(have), string(want))
}

// Write replaces the content of a file in one step: whoever reads it sees the
// old or the new one, also if ferry is killed. Its mode and, as far as the user
// may set them, its owner and group stay. A symbolic link stays a link.
func Write(path string, content []byte) (err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return fmt.Errorf("the file %s cannot be written: %w", path, cause(err))
	}
	st, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("the file %s cannot be written: %w", path, cause(err))
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".ferry-fmt-*")
	if err != nil {
		return fmt.Errorf("the file %s cannot be written: %w", path, cause(err))
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
			err = fmt.Errorf("the file %s cannot be written: %w", path, cause(err))
		}
	}()
	if _, err = f.Write(content); err != nil {
		return err
	}
	sameOwner(f, st)
	if err = f.Chmod(st.Mode().Perm()); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// cause drops the path that os errors repeat.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
