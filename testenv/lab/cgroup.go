package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cgroupMounts are the hierarchies systemd uses on this machine: the one of
// cgroup v2, or the named one and the v2 one beside it on older set-ups.
func cgroupMounts() []string {
	var out []string
	for _, m := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"} {
		if _, err := os.Stat(filepath.Join(m, "cgroup.procs")); err == nil {
			out = append(out, m)
		}
	}
	return out
}

// cgroupPath is a host's group below a hierarchy's root. Hosts must not share
// one: each host's systemd believes it owns everything below.
func cgroupPath(lab, host string) string { return filepath.Join("ferry-lab", lab, host) }

// joinCgroup moves the calling process into a group of its own.
func joinCgroup(group string) error {
	for _, m := range cgroupMounts() {
		dir := filepath.Join(m, group)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("cannot make the control group %s: %w", dir, err)
		}
		if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0o644); err != nil {
			return fmt.Errorf("cannot enter the control group %s: %w", dir, err)
		}
	}
	return nil
}

// cgroupDirs lists a group and all below it, children first.
func cgroupDirs(group string) []string {
	var dirs []string
	for _, m := range cgroupMounts() {
		_ = filepath.WalkDir(filepath.Join(m, group), func(p string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, p)
			}
			return nil
		})
	}
	slices.SortFunc(dirs, func(a, b string) int { return len(b) - len(a) })
	return dirs
}

// cgroupPids lists the processes in a group and all below it.
func cgroupPids(group string) []int {
	seen := map[int]bool{}
	for _, d := range cgroupDirs(group) {
		b, err := os.ReadFile(filepath.Join(d, "cgroup.procs"))
		if err != nil {
			continue
		}
		for f := range strings.FieldsSeq(string(b)) {
			if pid, err := strconv.Atoi(f); err == nil && pid > 0 {
				seen[pid] = true
			}
		}
	}
	out := make([]int, 0, len(seen))
	for pid := range seen {
		out = append(out, pid)
	}
	slices.Sort(out)
	return out
}

// killCgroup kills everything in a group and removes it.
func killCgroup(group string) error {
	deadline := time.Now().Add(20 * time.Second)
	for {
		pids := cgroupPids(group)
		if len(pids) == 0 {
			break
		}
		_ = freeze(group, false) // a frozen process does not die
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("processes %v in control group %s do not die", pids, group)
		}
		time.Sleep(20 * time.Millisecond)
	}
	var errs []error
	for _, d := range cgroupDirs(group) {
		var err error
		for range 50 { // a group is busy for a moment after its last process
			if err = os.Remove(d); err == nil || errors.Is(err, os.ErrNotExist) {
				err = nil
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// freeze stops or continues every process of a group at once.
func freeze(group string, on bool) error {
	value := "0"
	if on {
		value = "1"
	}
	for _, m := range cgroupMounts() {
		f := filepath.Join(m, group, "cgroup.freeze")
		if _, err := os.Stat(f); err == nil {
			return os.WriteFile(f, []byte(value), 0o644)
		}
	}
	return fmt.Errorf("cannot pause %s: this kernel has no cgroup v2 freezer (it came with Linux 5.2)", group)
}
