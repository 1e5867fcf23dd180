package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Setup is one measurement.
type Setup struct {
	Hosts, Tasks, Servers, Parallel int
	Ferry                           string
	Profile                         string // directory for profiles of the controller; "" writes none
}

// Result is what one run cost the controller.
type Result struct {
	Hosts    int           `json:"hosts"`
	Tasks    int           `json:"tasks"`
	Parallel int           `json:"parallel"`
	Wall     time.Duration `json:"wall_ns"`
	CPU      time.Duration `json:"cpu_ns"`      // of the controller, user and system
	Memory   int64         `json:"memory_byte"` // its peak resident set
}

func (r Result) String() string {
	return fmt.Sprintf("%6d hosts × %d tasks, %d at once: %6.1f s, controller %6.1f s CPU, %4d MB peak (%.3f MB per host)", r.Hosts, r.Tasks, r.Parallel,
		r.Wall.Seconds(), r.CPU.Seconds(), r.Memory>>20, float64(r.Memory)/float64(r.Hosts)/(1<<20))
}

// Measure starts the hosts, runs a play over them and stops them again.
func Measure(s Setup) (Result, error) {
	r := Result{Hosts: s.Hosts, Tasks: s.Tasks, Parallel: s.Parallel}
	if r.Parallel == 0 {
		r.Parallel = s.Hosts
	}
	dir, err := os.MkdirTemp("", "fleet-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	invDir := filepath.Join(dir, "inventory")
	if err := os.Mkdir(invDir, 0o700); err != nil {
		return r, err
	}
	stop, err := startServers(s, dir)
	defer stop()
	if err != nil {
		return r, err
	}
	known := filepath.Join(dir, "known_hosts")
	if err := collect(dir, invDir, known); err != nil {
		return r, err
	}
	if err := os.WriteFile(filepath.Join(dir, "play.hcl"), []byte(play(s.Tasks)), 0o600); err != nil {
		return r, err
	}
	cmd := exec.Command(s.Ferry, "run", filepath.Join(dir, "play.hcl"), "--inventory", invDir, "--state-dir", filepath.Join(dir, "journal"), "--parallel", fmt.Sprint(r.Parallel), "--quiet") //nolint:gosec // what the caller names
	if s.Profile != "" {
		cmd.Args = append(cmd.Args, "--profile", s.Profile)
	}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	err = cmd.Run()
	r.Wall = time.Since(start)
	if err != nil {
		text := out.String()
		return r, fmt.Errorf("%w: %s", err, text[max(0, len(text)-4000):])
	}
	u := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	r.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	r.Memory = u.Maxrss << 10
	return r, nil
}

// startServers starts the processes that stand in for the hosts.
func startServers(s Setup, dir string) (stop func(), err error) {
	var stops []func()
	stop = func() {
		for _, f := range stops {
			f()
		}
	}
	self, err := os.Executable()
	if err != nil {
		return stop, err
	}
	for i := range s.Servers {
		n := (s.Hosts - i + s.Servers - 1) / s.Servers
		cmd := exec.Command(self, "serve", "--hosts", fmt.Sprint(n), "--first", fmt.Sprint(i), "--step", fmt.Sprint(s.Servers), "--dir", dir)
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			return stop, err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return stop, err
		}
		if err := cmd.Start(); err != nil {
			return stop, err
		}
		stops = append(stops, func() { _ = in.Close(); _ = cmd.Wait() })
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
			return stop, fmt.Errorf("a server did not start: %q %w", line, err)
		}
	}
	return stop, nil
}

// collect puts the parts that the servers wrote together.
func collect(dir, invDir, known string) error {
	parts, err := filepath.Glob(filepath.Join(dir, "known-*"))
	if err != nil {
		return err
	}
	var all []byte
	for _, p := range parts {
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		all = append(all, b...)
	}
	if err := os.WriteFile(known, all, 0o600); err != nil {
		return err
	}
	parts, err = filepath.Glob(filepath.Join(dir, "hosts-*"))
	if err != nil {
		return err
	}
	var hosts []string
	for _, p := range parts {
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		hosts = append(hosts, strings.Split(strings.TrimSpace(string(b)), "\n")...)
	}
	slices.Sort(hosts) // neighbours are on different servers
	if err := os.WriteFile(filepath.Join(invDir, "hosts"), []byte(strings.Join(hosts, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	vars := "ansible_user: op\nansible_password: secret\nansible_ssh_common_args: -o UserKnownHostsFile=" + known + "\n"
	if err := os.Mkdir(filepath.Join(invDir, "group_vars"), 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(invDir, "group_vars", "all.yml"), []byte(vars), 0o600)
}

// play is a playbook of tasks: half look and find nothing to do, a quarter act
// and are recorded before they do, a quarter are decided on the controller.
func play(tasks int) string {
	var b strings.Builder
	b.WriteString("play \"fleet\" {\n  hosts = \"all\"\n")
	for i := range tasks {
		switch i % 4 {
		case 0, 1:
			fmt.Fprintf(&b, "  task \"command\" \"look%d\" {\n    argv      = [\"true\", host.name]\n    read_only = true\n  }\n", i)
		case 2:
			fmt.Fprintf(&b, "  task \"command\" \"act%d\" { argv = [\"true\", \"%d\"] }\n", i, i)
		case 3:
			fmt.Fprintf(&b, "  task \"assert\" \"fact%d\" {\n    that    = length(host.name) > 2\n    message = \"impossible\"\n  }\n", i)
		}
	}
	b.WriteString("}\n")
	return b.String()
}
