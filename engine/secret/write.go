package secret

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteFile makes path a file with this content, atomically: a temporary file
// beside it, flushed to disk, renamed. A file that exists keeps its mode, a
// symbolic link stays one; a new file gets mode.
func WriteFile(path string, data []byte, mode fs.FileMode) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if st, err := os.Stat(path); err == nil {
		if !st.Mode().IsRegular() {
			return &fs.PathError{Op: "write", Path: path, Err: errors.New("it is not a regular file")}
		}
		mode = st.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".ferry.*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	if d, err := os.Open(filepath.Dir(path)); err == nil { // the name itself, where the file system can
		_ = d.Sync()
		_ = d.Close()
	}
	return nil
}
