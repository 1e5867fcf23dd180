package source

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteLock writes the lock file of a playbook's directory, or removes it if
// nothing is pinned. It reports whether the file changed. A half-written file is
// never seen.
func WriteLock(dir string, l Lock) (changed bool, err error) {
	name := filepath.Join(dir, LockName)
	old, err := os.ReadFile(name) //nolint:gosec // beside the playbook
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return false, errorf("Lock file not writable", "%w.", err)
	}
	if len(l.Entries) == 0 {
		if missing {
			return false, nil
		}
		return true, os.Remove(name)
	}
	text := l.Bytes()
	if !missing && string(old) == string(text) {
		return false, nil
	}
	w, err := os.CreateTemp(dir, ".ferry.lock-")
	if err != nil {
		return false, errorf("Lock file not writable", "%w.", err)
	}
	defer os.Remove(w.Name())
	_, err = w.Write(text)
	if err == nil {
		err = w.Chmod(0o644)
	}
	if err == nil {
		err = w.Sync()
	}
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(w.Name(), name)
	}
	if err != nil {
		return false, errorf("Lock file not writable", "%w.", err)
	}
	return true, nil
}
