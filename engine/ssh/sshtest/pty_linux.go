package sshtest

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// runPty runs cmd on a terminal that echoes nothing.
func runPty(p *process, cmd *exec.Cmd) int {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		return 255
	}
	defer master.Close()
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return 255
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return 255
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return 255
	}
	if t, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS); err == nil {
		t.Lflag &^= unix.ECHO
		_ = unix.IoctlSetTermios(int(slave.Fd()), unix.TCSETS, t)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err = cmd.Start()
	_ = slave.Close()
	if err != nil {
		return 255
	}
	p.started(cmd.Process.Pid)
	go func() { _, _ = io.Copy(master, p.ch) }()
	copied := make(chan struct{})
	go func() { defer close(copied); _, _ = io.Copy(p.ch, master) }()
	ended := make(chan struct{})
	go func() {
		select {
		case <-p.gone: // sshd hangs up the terminal
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGHUP)
		case <-ended:
		}
	}()
	code := exitCode(cmd.Wait())
	close(ended)
	<-copied
	return code
}
