//go:build unix

package engine

import (
	"math"
	"syscall"
)

// openFiles is how many files this process may have open; 0 means it is not
// known. The runtime has raised the limit as far as it may be.
func openFiles() int {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 0
	}
	return int(min(uint64(l.Cur), math.MaxInt32)) //nolint:unconvert // signed on some systems
}
