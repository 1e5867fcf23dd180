package lab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// Two processes outlive "lab up": the repository server and, for each host, a
// supervisor. Both are this program again, started with a hidden command.

// exitReboot is how systemd-nspawn says that the host wants to start again.
const exitReboot = 133

// Serve is the repository server's main function.
func Serve(name string) error {
	l, err := Open(name)
	if err != nil {
		return err
	}
	me, err := self()
	if err != nil {
		return err
	}
	if err := me.save(l.path("server.pid")); err != nil {
		return err
	}
	if err := joinCgroup(cgroupPath(name, "server")); err != nil {
		return err
	}
	server := &http.Server{
		Addr:              fmt.Sprintf("%s:%d", l.gateway(), Port),
		Handler:           http.FileServer(http.Dir(l.state.WWW)),
		ReadHeaderTimeout: 10 * time.Second,
	}
	return server.ListenAndServe()
}

// Supervise is a host supervisor's main function. It expects to have been
// started in a mount namespace of its own; it returns when the host is off.
func Supervise(name, host string) error {
	l, err := Open(name)
	if err != nil {
		return err
	}
	h, err := l.Host(host)
	if err != nil {
		return err
	}
	me, err := self()
	if err != nil {
		return err
	}
	if err := me.save(h.path("supervisor.pid")); err != nil {
		return err
	}
	if err := joinCgroup(cgroupPath(name, host)); err != nil {
		return err
	}
	root, err := h.mount()
	if err != nil {
		return err
	}
	if _, err := os.Stat(h.path("prepared")); errors.Is(err, os.ErrNotExist) {
		if err := h.prepare(context.Background(), root); err != nil {
			return fmt.Errorf("host %s: cannot prepare its files: %w", host, err)
		}
		if err := os.WriteFile(h.path("prepared"), nil, 0o644); err != nil {
			return err
		}
	}
	// The terminal's interrupt and a closing session are not for hosts.
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT)
	for {
		code, err := h.boot(root)
		if err != nil {
			return err
		}
		if code != exitReboot {
			return nil
		}
	}
}

// mount makes the host's root file system: a layer of its own over the source.
func (h *Host) mount() (string, error) {
	root := h.path("root")
	for _, d := range []string{root, h.path("upper"), h.path("work")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return "", err
		}
	}
	// rpm --rebuilddb renames a directory, which an overlay only allows with redirect_dir.
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s,redirect_dir=on", h.lab.state.Root, h.path("upper"), h.path("work"))
	if err := syscall.Mount("overlay", root, "overlay", 0, options); err != nil {
		return "", fmt.Errorf("cannot mount the root file system of %s: %w; the lab needs overlayfs, and %s must not itself be on an overlay", h.Name, err, StateDir)
	}
	// systemd-nspawn shares mounts with the host through this directory, which fails if it is not a mount of its own.
	const shared = "/run/systemd/nspawn"
	if err := os.MkdirAll(shared, 0o755); err != nil {
		return "", err
	}
	if err := syscall.Mount("tmpfs", shared, "tmpfs", 0, "mode=755"); err != nil {
		return "", fmt.Errorf("cannot mount a tmpfs on %s: %w", shared, err)
	}
	return root, nil
}

// boot runs the host once and returns how it ended.
func (h *Host) boot(root string) (int, error) {
	console, err := os.OpenFile(h.path("console.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return 0, err
	}
	defer func() { _ = console.Close() }()
	cmd := exec.Command("systemd-nspawn", "--quiet", "--directory="+root, "--boot", "--register=no", "--keep-unit",
		"--machine="+filepath.Base(h.Netns), "--hostname="+h.Name, "--network-namespace-path=/run/netns/"+h.Netns,
		"--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=pipe", "--kill-signal=SIGRTMIN+4",
		"--capability=CAP_NET_ADMIN")
	cmd.Stdout, cmd.Stderr = console, console
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	return cmd.ProcessState.ExitCode(), nil
}
