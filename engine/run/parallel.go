package run

import (
	"fmt"

	"github.com/ferry-ops/ferry/engine/playbook"
)

const (
	// maxIdle bounds the hosts whose connections are kept for a later play: each
	// costs memory and a file descriptor here and a shell there.
	maxIdle = 512
	// ownFiles are the files that ferry has open besides connections.
	ownFiles = 64
)

// wanted is how many hosts a play is to be worked on at once.
func (o Options) wanted(ro playbook.Rollout) int {
	switch {
	case ro.Parallel > 0:
		return ro.Parallel
	case o.Parallel > 0:
		return o.Parallel
	}
	return 50
}

// parallel is how many hosts are worked on at once: what is wanted, as far as
// the process may have connections open. Without this, the hosts beyond would be
// told to be unreachable, which they are not.
func (o Options) parallel(ro playbook.Rollout) int {
	n := o.wanted(ro)
	if o.Files > 0 {
		n = min(n, max(1, (o.connections()-o.idle())/2)) // a host may have two, as another user or while it reconnects
	}
	return n
}

// idle is how many hosts may keep a connection for a later play.
func (o Options) idle() int {
	if o.Files == 0 {
		return maxIdle
	}
	return min(maxIdle, o.connections()/4)
}

// ahead is how many hosts of the next batch may connect while busy ones of this
// batch are worked on.
func (o Options) ahead(ro playbook.Rollout, busy int) int {
	n := o.parallel(ro)
	if o.Files > 0 {
		n = min(n, max(0, o.connections()-o.idle()-2*min(busy, n)))
	}
	return n
}

// connections is how many of them may be open.
func (o Options) connections() int { return max(1, o.Files-ownFiles) }

// bounded says that fewer hosts of a play are worked on at once than wanted, or "".
func (o Options) bounded(ro playbook.Rollout, hosts int) string {
	want, get := min(o.wanted(ro), hosts), o.parallel(ro)
	if want <= get {
		return ""
	}
	return fewer(get, want, o.Files, 2*want+maxIdle+ownFiles)
}

// AtOnce is how many hosts may be asked at the same time of those wanted, each for
// itself and for once, if the process may have so many files open; 0 is not known.
// If they are fewer, it says why.
func AtOnce(wanted, files int) (int, string) {
	if files == 0 || 2*wanted <= files-ownFiles { // two while one reconnects
		return wanted, ""
	}
	n := max(1, (files-ownFiles)/2)
	return n, fewer(n, wanted, files, 2*wanted+ownFiles)
}

// fewer says why fewer hosts are worked on at once, and how many files it takes.
func fewer(get, want, files, need int) string {
	return fmt.Sprintf("%d hosts at once instead of %d: a process may have %d files open here. The limit is raised, by root or in limits.conf, with\n    ulimit -n %d", get, want, files, need)
}
