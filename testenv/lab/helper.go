package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// EnvHelper names a ready-made "lab" program to run supervisors with. Without
// it, one is compiled: a test binary cannot be its own helper.
const EnvHelper = "FERRY_LAB_HELPER"

// installHelper puts the program that supervises hosts into the lab's
// directory, where it stays valid for as long as the lab does ("go run"
// deletes its own).
func (l *Lab) installHelper(ctx context.Context) error {
	to := l.path("helper")
	if from := os.Getenv(EnvHelper); from != "" {
		return copyFile(from, to)
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", to, "github.com/ferry-ops/ferry/testenv/cmd/lab")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot compile the lab's helper; run inside the module's tree, or set %s: %w: %s", EnvHelper, err, out)
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// spawn starts the helper as a process that outlives this one, and waits until
// it has recorded itself.
func (l *Lab) spawn(ctx context.Context, pidFile, logFile string, args ...string) error {
	if err := os.Remove(pidFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(l.path("helper"), append([]string{"internal"}, args...)...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Unshareflags: syscall.CLONE_NEWNS}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	for {
		if _, ok := loadProcess(pidFile); ok {
			return nil
		}
		select {
		case <-ended:
			b, _ := os.ReadFile(logFile)
			return fmt.Errorf("%s %v ended at once: %s", filepath.Base(cmd.Path), args, b)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}
