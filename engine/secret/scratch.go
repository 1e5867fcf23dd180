package secret

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Scratch is a private directory for a plain text that an editor has to see: in
// memory where the machine has such a place. Everything an editor leaves beside
// the file (swap and backup files) is in it as well.
type Scratch struct {
	dir string
	// InMemory says that the directory is not on a disk.
	InMemory bool
}

// NewScratch makes a private directory. The caller must call Remove, whatever
// happens.
func NewScratch() (*Scratch, error) {
	var errs []error
	for _, in := range []string{os.Getenv("XDG_RUNTIME_DIR"), "/dev/shm"} {
		if in == "" || !isMemory(in) {
			continue
		}
		d, err := os.MkdirTemp(in, "ferry-")
		if err == nil {
			return &Scratch{dir: d, InMemory: true}, nil
		}
		errs = append(errs, err)
	}
	d, err := os.MkdirTemp("", "ferry-")
	if err != nil {
		return nil, fmt.Errorf("no private directory for the editor can be made: %w", errors.Join(append(errs, err)...))
	}
	return &Scratch{dir: d}, nil
}

// Write makes a file of the directory, which only its owner can read, and
// returns its path.
func (s *Scratch) Write(name string, plain []byte) (string, error) {
	path := filepath.Join(s.dir, filepath.Base(name))
	return path, os.WriteFile(path, plain, 0o600)
}

// Remove deletes the directory and all in it.
func (s *Scratch) Remove() error { return os.RemoveAll(s.dir) }
