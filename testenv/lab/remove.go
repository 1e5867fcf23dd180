package lab

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// removeState deletes a lab's directory, also files a trap made immutable.
func removeState(dir string) error {
	if err := os.RemoveAll(dir); err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	uppers, err := filepath.Glob(filepath.Join(dir, "hosts", "*", "upper"))
	if err != nil {
		return err
	}
	for _, u := range uppers {
		_ = exec.Command("chattr", "-R", "-f", "-i", u).Run() // RemoveAll below says what is still wrong
	}
	return os.RemoveAll(dir)
}
