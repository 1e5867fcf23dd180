package lab

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// HostStatus is what a look at a host shows.
type HostStatus struct {
	State  string // off, booting, up, paused, unreachable
	System string // PRETTY_NAME of its os-release
}

// Status looks at a host from outside.
func (h *Host) Status(ctx context.Context) HostStatus {
	if !h.Running() {
		return HostStatus{State: "off"}
	}
	s := HostStatus{State: "unreachable"}
	root, err := h.Root()
	if err != nil {
		return HostStatus{State: "booting"}
	}
	if b, err := os.ReadFile(filepath.Join(root, "usr/lib/os-release")); err == nil {
		for line := range strings.Lines(string(b)) {
			if v, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
				s.System = strings.Trim(v, `"`)
			}
		}
	}
	switch {
	case h.paused():
		s.State = "paused"
	case h.Reachable(ctx):
		s.State = "up"
	}
	return s
}

func (h *Host) paused() bool {
	for _, m := range cgroupMounts() {
		b, err := os.ReadFile(filepath.Join(m, cgroupPath(h.lab.state.Name, h.Name), "cgroup.freeze"))
		if err == nil && strings.TrimSpace(string(b)) == "1" {
			return true
		}
	}
	return false
}
