package meter

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Group is a control group as far as this machine has them: v2, or v2 beside
// the memory hierarchy of v1, as systemd's hybrid set-up mounts them.
type Group struct {
	cpu string // directory with cpu.stat (v2 counts CPU without any controller)
	mem string // directory with memory.stat; "" if there is no memory controller
	own []string
}

// root is where v2 is mounted; ok is false on a machine without it.
func root() (dir string, ok bool) {
	for _, d := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(filepath.Join(d, "cgroup.controllers")); err == nil {
			return d, true
		}
	}
	return "", false
}

// NewGroup makes an empty group. The error says why this machine cannot count.
func NewGroup(name string) (*Group, error) {
	v2, ok := root()
	if !ok {
		return nil, errors.New("no control groups of version 2 on this machine")
	}
	g := &Group{cpu: filepath.Join(v2, name)}
	_ = os.WriteFile(filepath.Join(v2, "cgroup.subtree_control"), []byte("+memory"), 0) // where memory belongs to v1, it refuses
	if err := os.Mkdir(g.cpu, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("cannot make a control group: %w", err)
	}
	g.own = append(g.own, g.cpu)
	g.mem = g.cpu
	if !has(g.mem, "memory.stat") {
		g.mem = ""
		if v1 := filepath.Join("/sys/fs/cgroup/memory", ownV1("memory"), name); os.MkdirAll(v1, 0o755) == nil && has(v1, "memory.stat") {
			g.mem = v1
			g.own = append(g.own, v1)
		}
	}
	return g, nil
}

func has(dir, file string) bool {
	_, err := os.Stat(filepath.Join(dir, file))
	return err == nil
}

// ownV1 is this process's group in a hierarchy of v1.
func ownV1(controller string) string {
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.SplitN(strings.TrimSpace(line), ":", 3); len(f) == 3 && f[1] == controller {
			return f[2]
		}
	}
	return ""
}

// enter is the argv that runs argv in the group.
func (g *Group) enter(argv []string) []string {
	var b strings.Builder
	for _, d := range g.own {
		fmt.Fprintf(&b, "echo $$ >'%s/cgroup.procs' || exit 125; ", d)
	}
	b.WriteString(`exec "$@"`)
	return append([]string{"/bin/sh", "-c", b.String(), "sh"}, argv...)
}

// CPU is what the group has used since it was made, user and system.
func (g *Group) CPU() time.Duration { return cpuOf(g.cpu) }

func cpuOf(dir string) time.Duration {
	return time.Duration(stat(filepath.Join(dir, "cpu.stat"), "usage_usec")) * time.Microsecond
}

// Memory is what the group's processes have allocated now, in bytes, pages
// they share counted once; file cache is not in it. -1: not known.
func (g *Group) Memory() int64 {
	if g.mem == "" {
		return -1
	}
	f := filepath.Join(g.mem, "memory.stat")
	if n := stat(f, "anon"); n >= 0 { // v2
		return n
	}
	return stat(f, "total_rss")
}

// stat reads one number of a file of names and numbers, or gives -1.
func stat(file, name string) int64 {
	f, err := os.Open(file)
	if err != nil {
		return -1
	}
	defer func() { _ = f.Close() }()
	for s := bufio.NewScanner(f); s.Scan(); {
		if k, v, ok := strings.Cut(s.Text(), " "); ok && k == name {
			if n, err := strconv.ParseInt(v, 10, 64); err == nil {
				return n
			}
		}
	}
	return -1
}

// pids are the processes of the group and all below it.
func pids(dir string) (out []int) {
	_ = filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil //nolint:nilerr // a group that has just gone has no processes
		}
		b, _ := os.ReadFile(filepath.Join(p, "cgroup.procs"))
		for f := range strings.FieldsSeq(string(b)) {
			if n, err := strconv.Atoi(f); err == nil && n > 0 {
				out = append(out, n)
			}
		}
		return nil
	})
	return out
}

// Kill ends every process of the group and waits until it is empty.
func (g *Group) Kill() error {
	for range 500 {
		all := pids(g.cpu)
		if len(all) == 0 {
			return nil
		}
		for _, p := range all {
			_ = syscall.Kill(p, syscall.SIGKILL)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("processes %v of control group %s do not die", pids(g.cpu), g.cpu)
}

// Remove kills what is in the group and removes it.
func (g *Group) Remove() error {
	errs := []error{g.Kill()}
	for _, d := range g.own {
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
