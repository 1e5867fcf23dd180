package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Host is one machine of the lab.
type Host struct {
	Name    string   `json:"name"`
	Address string   `json:"address"`
	Netns   string   `json:"netns"`
	Veth    string   `json:"veth"`
	Web     bool     `json:"web"`
	Traps   []string `json:"traps"`

	lab *Lab
}

func (h *Host) path(elem ...string) string {
	return h.lab.path(append([]string{"hosts", h.Name}, elem...)...)
}

// Running reports whether the host is on, be it booting or paused.
func (h *Host) Running() bool {
	_, ok := loadProcess(h.path("supervisor.pid"))
	return ok
}

// Start turns the host on. It does not wait until it can be reached.
func (h *Host) Start(ctx context.Context) error {
	if h.Running() {
		return nil
	}
	if err := os.MkdirAll(h.path(), 0o755); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, bootLimit)
	defer cancel()
	return h.lab.spawn(ctx, h.path("supervisor.pid"), h.path("supervisor.log"), "supervise", h.lab.state.Name, h.Name)
}

// init returns the process that is the host's pid 1.
func (h *Host) init() (int, error) {
	for _, pid := range cgroupPids(cgroupPath(h.lab.state.Name, h.Name)) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			if rest, ok := strings.CutPrefix(line, "NSpid:"); ok {
				if f := strings.Fields(rest); len(f) == 2 && f[1] == "1" {
					return pid, nil
				}
			}
		}
	}
	return 0, fmt.Errorf("host %s is not running; see %s", h.Name, h.path("console.log"))
}

// Root is a path through which this machine sees the running host's files.
func (h *Host) Root() (string, error) {
	pid, err := h.init()
	if err != nil {
		return "", err
	}
	return "/proc/" + strconv.Itoa(pid) + "/root", nil
}

// Result is what a command run by Exec did.
type Result struct {
	Stdout, Stderr string
	Code           int
}

// Exec runs a command as root on the host without going through SSH. A
// non-zero exit is a result; an error means the command could not be run, or that
// ctx ended before it did.
func (h *Host) Exec(ctx context.Context, argv ...string) (Result, error) {
	pid, err := h.init()
	if err != nil {
		return Result{}, err
	}
	args := append([]string{"-t", strconv.Itoa(pid), "-m", "-u", "-i", "-n", "-p", "--"}, argv...)
	cmd := exec.CommandContext(ctx, "nsenter", args...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/root", "TERM=dumb"}
	cmd.Dir = "/"
	// nsenter's child does not die with it, and would hold the output open.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err = cmd.Start(); err != nil {
		return Result{}, err
	}
	awake := keepAwake(cmd.Process)
	err = cmd.Wait()
	awake()
	r := Result{Stdout: stdout.String(), Stderr: stderr.String()}
	var exit *exec.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil {
		r.Code = exit.ExitCode()
		return r, nil
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("host %s: %q did not end: %w; so far it said %q", h.Name, argv, ctx.Err(), r.Stdout+r.Stderr)
	}
	return r, err
}

// keepAwake continues nsenter in case it stops, until the function it returns is
// called. A host that shuts down stops all its processes before it ends them;
// nsenter stops when its child does, and then never reaps it, so that the host
// could not end.
func keepAwake(p *os.Process) (stop func()) {
	end := make(chan struct{})
	go func() {
		for {
			select {
			case <-end:
				return
			case <-time.After(500 * time.Millisecond):
				_ = p.Signal(syscall.SIGCONT) // it may have ended
			}
		}
	}()
	return func() { close(end) }
}

// BootID reads the host's boot id; it is new after every boot.
func (h *Host) BootID(ctx context.Context) (string, error) {
	r, err := h.Exec(ctx, "cat", "/proc/sys/kernel/random/boot_id")
	if err == nil && r.Code != 0 {
		err = fmt.Errorf("host %s: cannot read the boot id: %s", h.Name, r.Stderr)
	}
	return strings.TrimSpace(r.Stdout), err
}

// bootLimit is how long a host may take to start or to shut down. A host that
// takes longer is not slow: something of it is broken.
const bootLimit = 3 * time.Minute

// Reboot reboots the host and waits until it can be reached again.
func (h *Host) Reboot(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*bootLimit)
	defer cancel()
	before, err := h.BootID(ctx)
	if err != nil {
		return err
	}
	if _, err := h.Exec(ctx, "systemctl", "reboot"); err != nil {
		return err
	}
	for {
		if id, err := h.BootID(ctx); err == nil && id != before {
			return h.WaitReachable(ctx)
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("host %s did not come back after a reboot: %w; see %s", h.Name, err, h.path("console.log"))
		}
	}
}

// PowerOff shuts the host down in order and waits until it is off.
func (h *Host) PowerOff(ctx context.Context) error {
	if !h.Running() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, bootLimit)
	defer cancel()
	if _, err := h.Exec(ctx, "systemctl", "poweroff"); err != nil {
		return err
	}
	for h.Running() {
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("host %s does not shut down: %w", h.Name, err)
		}
	}
	return nil
}

// Crash turns the host off the way a power failure does. Start brings it back
// with the files it had.
func (h *Host) Crash() error { return killCgroup(cgroupPath(h.lab.state.Name, h.Name)) }

// Pause freezes every process of the host: connections stay open and nobody
// answers.
func (h *Host) Pause() error { return freeze(cgroupPath(h.lab.state.Name, h.Name), true) }

// Resume undoes Pause.
func (h *Host) Resume() error { return freeze(cgroupPath(h.lab.state.Name, h.Name), false) }

// Reachable reports whether an SSH server answers.
func (h *Host) Reachable(ctx context.Context) bool {
	d := net.Dialer{Timeout: time.Second}
	c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(h.Address, "22"))
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
	banner := make([]byte, 4)
	_, err = c.Read(banner)
	return err == nil && string(banner) == "SSH-"
}

// WaitReachable waits until the host accepts logins, or is off for good.
func (h *Host) WaitReachable(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, bootLimit)
	defer cancel()
	for {
		if h.Reachable(ctx) {
			// pam_nologin refuses users while the host is still booting.
			if r, err := h.Exec(ctx, "test", "-e", "/run/nologin"); err == nil && r.Code == 1 {
				return nil
			}
		}
		if !h.Running() {
			return fmt.Errorf("host %s went off while booting: %s", h.Name, h.lastWords())
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("host %s cannot be reached at %s: %w; see %s", h.Name, h.Address, err, h.path("console.log"))
		}
	}
}

// lastWords is the end of what supervisor and console said.
func (h *Host) lastWords() string {
	var out []string
	for _, f := range []string{"supervisor.log", "console.log"} {
		b, err := os.ReadFile(h.path(f))
		if err != nil {
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(b)), "\n")
		if len(lines) > 5 {
			lines = lines[len(lines)-5:]
		}
		out = append(out, filepath.Base(f)+": "+strings.Join(lines, " | "))
	}
	return strings.Join(out, "; ")
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
