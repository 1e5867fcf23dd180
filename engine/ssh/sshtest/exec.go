package sshtest

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	xssh "golang.org/x/crypto/ssh"
)

// Backend runs the commands of a host. There are two, Exec and Interp.
type Backend interface {
	prepare(s *Server) error
	run(s *Server, p *process) int
}

// process is one command of a session.
type process struct {
	user    string
	command string
	ch      xssh.Channel
	pty     bool
	env     []string
	gone    <-chan struct{} // closed when the client closed the channel
	ctx     context.Context
	cancel  context.CancelFunc

	mu  sync.Mutex
	pid int
}

func (s *Server) newProcess(user, command string, ch xssh.Channel, pty bool, gone <-chan struct{}) *process {
	p := &process{user: user, command: command, ch: ch, pty: pty, gone: gone}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	if s.opt.ForceCommand != "" {
		p.env = append(p.env, "SSH_ORIGINAL_COMMAND="+command)
		p.command = s.opt.ForceCommand
	}
	return p
}

func (s *Server) run(p *process) int {
	defer p.cancel()
	if s.opt.Noise != "" {
		_, _ = io.WriteString(p.ch, s.opt.Noise)
	}
	if s.opt.Users[p.user].NoLogin {
		_, _ = io.WriteString(p.ch, "This account is currently not available.\n")
		return 1
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return 255
	}
	s.procs[p] = struct{}{}
	s.mu.Unlock()
	code := s.opt.Backend.run(s, p)
	s.mu.Lock()
	delete(s.procs, p)
	s.mu.Unlock()
	return code
}

// killAll ends what runs on the host.
func (s *Server) killAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.procs {
		p.cancel()
		p.mu.Lock()
		if p.pid > 0 {
			_ = syscall.Kill(-p.pid, syscall.SIGKILL)
		}
		p.mu.Unlock()
	}
}

type execBackend struct{}

// Exec runs commands with this machine's /bin/sh, as the user of the test.
func Exec() Backend { return execBackend{} }

func (execBackend) prepare(s *Server) error {
	for _, d := range []string{"home", "bin", "ferry", "tmp"} {
		if err := os.MkdirAll(filepath.Join(s.dir, d), 0o755); err != nil { //nolint:gosec // a host's directories
			return err
		}
	}
	if s.opt.Sudo.Missing {
		return nil
	}
	return os.WriteFile(filepath.Join(s.dir, "bin", "sudo"), []byte(sudoScript(s.opt.Sudo)), 0o755) //nolint:gosec // a program
}

func (s *Server) environ(p *process) []string {
	path := append([]string{filepath.Join(s.dir, "bin")}, s.opt.Bin...)
	system := "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
	env := append([]string{
		"PATH=" + strings.Join(path, ":") + ":" + system,
		"HOME=" + filepath.Join(s.dir, "home"), "USER=" + p.user, "LOGNAME=" + p.user, "SHELL=/bin/sh",
		"TMPDIR=" + filepath.Join(s.dir, "tmp"),
		"FERRY_STATE=" + s.StateDir(), "FERRY_BOOT_ID=" + s.bootFile(),
	}, p.env...)
	return append(env, s.opt.Env...)
}

func (execBackend) run(s *Server, p *process) int {
	cmd := exec.Command("/bin/sh", "-c", p.command)
	cmd.Env = s.environ(p)
	cmd.Dir = filepath.Join(s.dir, "home")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if p.pty {
		return runPty(p, cmd)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return 255
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		return 255
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		_, _ = outR.Close(), outW.Close()
		return 255
	}
	cmd.Stdout, cmd.Stderr = outW, errW
	err = cmd.Start()
	_, _ = outW.Close(), errW.Close()
	if err != nil {
		_, _ = outR.Close(), errR.Close()
		return 255
	}
	p.started(cmd.Process.Pid)
	go func() { _, _ = io.Copy(in, p.ch); _ = in.Close() }()
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = io.Copy(p.ch, outR) })
	wg.Go(func() { _, _ = io.Copy(p.ch.Stderr(), errR) })
	ended := make(chan struct{})
	go func() {
		select {
		case <-p.gone: // what still writes gets a broken pipe, as from sshd
		case <-p.ctx.Done():
		case <-ended:
			return
		}
		_, _, _ = outR.Close(), errR.Close(), in.Close()
	}()
	code := exitCode(cmd.Wait())
	wg.Wait()
	close(ended)
	_, _ = outR.Close(), errR.Close()
	return code
}

func (p *process) started(pid int) {
	p.mu.Lock()
	p.pid = pid
	p.mu.Unlock()
}

func exitCode(err error) int {
	var ee *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &ee):
		if ws, ok := ee.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			return 128 + int(ws.Signal())
		}
		return ee.ExitCode()
	}
	return 255
}
