//go:build lab

package testenv_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ferry-ops/ferry/testenv/lab"
)

// TestDownLeavesNothing also kills things behind the lab's back first.
func TestDownLeavesNothing(t *testing.T) {
	l := up(t, lab.Options{Name: labName, Hosts: 2, Traps: map[string][]string{"el-2": {"immutable"}}})
	other := up(t, lab.Options{Name: "other", Hosts: 1})
	if l.Mirror() == other.Mirror() {
		t.Errorf("two labs share the network %s", l.Mirror())
	}
	if _, err := lab.Up(t.Context(), lab.Options{Name: labName, Hosts: 1}); err == nil || !strings.Contains(err.Error(), "already up") {
		t.Errorf("a second lab of the name: %v", err)
	}
	pids := recorded(t, l.Dir())
	if len(pids) != 3 {
		t.Fatalf("recorded processes are %v, want a server and two supervisors", pids)
	}
	// A supervisor dies and its host goes on without it: Down must still find the host.
	if err := syscall.Kill(pids[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := lab.Down(context.Background(), labName); err != nil {
			t.Fatal(err)
		}
	}
	for _, pid := range pids {
		b, err := os.ReadFile("/proc/" + itoa(pid) + "/stat")
		if err == nil && !strings.Contains(string(b), ") Z ") {
			t.Errorf("process %d is still there: %s", pid, b)
		}
	}
	for _, look := range []string{"ip netns list", "ip -o link", "cat /proc/self/mountinfo", "ls /sys/fs/cgroup/*/ferry-lab /sys/fs/cgroup/ferry-lab"} {
		out, _ := exec.Command("sh", "-c", look+" 2>/dev/null").Output() // a directory that is gone is what we want
		if strings.Contains(string(out), "ferry-self-") || strings.Contains(string(out), "flb-self") || strings.Contains(string(out), "-self") || strings.Contains(string(out), l.Dir()) {
			t.Errorf("%s still shows the lab:\n%s", look, out)
		}
	}
	if _, err := os.Stat(l.Dir()); !os.IsNotExist(err) {
		t.Errorf("%s is still there", l.Dir())
	}
	if !other.Hosts()[0].Reachable(t.Context()) {
		t.Error("taking one lab down disturbed the other")
	}
}

func recorded(t *testing.T, dir string) []int {
	t.Helper()
	var pids []int
	for _, pattern := range []string{"hosts/*/supervisor.pid", "server.pid"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, atoi(t, strings.Fields(string(b))[0]))
		}
	}
	return pids
}

func itoa(n int) string { return strconv.Itoa(n) }

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
