package meter

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Hosts are the control groups of hosts that run on this machine.
type Hosts struct {
	dirs []string
	mem  *Group // where their processes' memory is counted, if not in dirs
}

// WatchHosts counts what groups of the lab use. Their paths are below the root
// of the hierarchy. What the hosts have allocated before is not in Memory where
// the memory controller is one of v1: there they join a group only now.
func WatchHosts(paths []string, name string) (*Hosts, error) {
	v2, ok := root()
	if !ok {
		return nil, errors.New("no control groups of version 2 on this machine")
	}
	h := &Hosts{}
	for _, p := range paths {
		dir := v2
		for _, part := range splitAll(filepath.Dir(p)) { // the host's own group is systemd's, hands off
			dir = filepath.Join(dir, part)
			_ = os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+memory"), 0) // best effort, as in NewGroup
		}
		h.dirs = append(h.dirs, filepath.Join(v2, p))
	}
	if len(h.dirs) == 0 || has(h.dirs[0], "memory.stat") {
		return h, nil
	}
	g, err := NewGroup(name)
	if err != nil {
		return nil, err
	}
	h.mem = g
	if g.mem == "" || g.mem == g.cpu {
		return h, nil
	}
	for _, d := range h.dirs {
		for _, p := range pids(d) {
			_ = os.WriteFile(filepath.Join(g.mem, "cgroup.procs"), []byte(strconv.Itoa(p)), 0) // it may have just ended
		}
	}
	return h, nil
}

func splitAll(p string) []string {
	if p == "." || p == "/" || p == "" {
		return nil
	}
	return append(splitAll(filepath.Dir(p)), filepath.Base(p))
}

// CPU is what all hosts have used since they were started.
func (h *Hosts) CPU() (sum time.Duration) {
	for _, d := range h.dirs {
		sum += cpuOf(d)
	}
	return sum
}

// Memory is what the hosts' processes have allocated now; -1: not known.
func (h *Hosts) Memory() (sum int64) {
	if h.mem != nil {
		return h.mem.Memory()
	}
	for _, d := range h.dirs {
		n := stat(filepath.Join(d, "memory.stat"), "anon")
		if n < 0 {
			return -1
		}
		sum += n
	}
	return sum
}

// Close removes what WatchHosts made. Hosts that still run go on running, in the
// group above.
func (h *Hosts) Close() error {
	if h == nil || h.mem == nil {
		return nil
	}
	if h.mem.mem != "" && h.mem.mem != h.mem.cpu {
		for _, p := range pids(h.mem.mem) {
			_ = os.WriteFile(filepath.Join(filepath.Dir(h.mem.mem), "cgroup.procs"), []byte(strconv.Itoa(p)), 0) // it may have just ended
		}
	}
	return h.mem.Remove()
}
