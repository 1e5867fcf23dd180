//go:build unix

package secret

import (
	"io/fs"
	"os"
	"syscall"
)

// trustworthy reports whether a file belongs to the user who runs ferry or to
// root. To root, a file of whoever owns the directory dir is as good.
func trustworthy(st fs.FileInfo, dir string) bool {
	s, ok := st.Sys().(*syscall.Stat_t)
	if !ok || s.Uid == 0 || int(s.Uid) == os.Geteuid() {
		return true
	}
	if os.Geteuid() != 0 {
		return false
	}
	d, err := os.Stat(dir)
	if err != nil {
		return false
	}
	ds, ok := d.Sys().(*syscall.Stat_t)
	return ok && ds.Uid == s.Uid
}
