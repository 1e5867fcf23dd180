// Package local is the transport to the machine ferry runs on (connection
// "local"): the same interface as engine/ssh, with processes instead of a
// connection. It knows neither SSH nor playbooks.
package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
)

// Options say how commands run. The zero value runs them as the present user.
type Options struct {
	Become     bool
	BecomeUser string // empty means root
	// StateDir is where locks are; empty means /var/lib/ferry.
	StateDir string
	// Machine holds the lock for all connections that share it; nil is one of its
	// own.
	Machine *Machine
	// OutputLimit is how much of each stream is kept; zero means 4 MiB.
	OutputLimit int
}

// Conn is the transport. It becomes another user with "sudo -n": a password
// cannot be given here. All methods may be called concurrently.
type Conn struct {
	opt    Options
	prefix []string // of every command, to become

	mu     sync.Mutex
	locked bool
	closed bool
}

var _ host.Transport = (*Conn)(nil)

// New returns a transport to this machine.
func New(opt Options) (*Conn, error) {
	if opt.StateDir == "" {
		opt.StateDir = "/var/lib/ferry"
	}
	if opt.Machine == nil {
		opt.Machine = &Machine{}
	}
	if opt.OutputLimit <= 0 {
		opt.OutputLimit = 4 << 20
	}
	if opt.BecomeUser == "" {
		opt.BecomeUser = "root"
	}
	c := &Conn{opt: opt}
	me, err := user.Current()
	if err != nil {
		return nil, fmt.Errorf("local: who runs ferry cannot be told: %w", err)
	}
	if opt.Become && me.Username != opt.BecomeUser {
		c.prefix = []string{"sudo", "-n", "-H", "-u", opt.BecomeUser, "--"}
	}
	return c, nil
}

// killGrace is the time between TERM and KILL for an interrupted command.
const killGrace = 2 * time.Second

// Run implements host.Transport. A command whose context ends is killed with
// its process group.
func (c *Conn) Run(ctx context.Context, cmd host.Command) (host.Result, error) {
	cmd = cmd.Program()
	if len(cmd.Argv) == 0 || cmd.Argv[0] == "" {
		return host.Result{}, errors.New("local: command has no program")
	}
	if err := c.usable(); err != nil {
		return host.Result{}, err
	}
	var out, errs capped
	out.limit, errs.limit = c.opt.OutputLimit, c.opt.OutputLimit
	p := c.command(ctx, cmd)
	p.Stdout, p.Stderr = &out, &errs
	start := time.Now()
	err := p.Run()
	res := host.Result{Stdout: out.bytes(), Stderr: errs.bytes(), Truncated: out.isCut() || errs.isCut(), Duration: time.Since(start)}
	var ee *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return host.Result{}, fmt.Errorf("local: %s was interrupted: %w", shown(cmd), ctx.Err())
	case err == nil, errors.Is(err, exec.ErrWaitDelay): // a background child holds the output
	case errors.As(err, &ee):
		res.Code = ee.ExitCode()
		if ws, ok := ee.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			res.Code = 128 + int(ws.Signal())
		}
	default: // as a shell says it
		res.Code, res.Stderr = 127, []byte(err.Error()+"\n")
		if errors.Is(err, os.ErrPermission) {
			res.Code = 126
		}
	}
	return res, nil
}

func shown(cmd host.Command) string {
	if cmd.Sensitive {
		return "a command with sensitive arguments"
	}
	return host.Shorten(host.QuoteArgv(cmd.Program().Argv), 120)
}

// sudoEnv sets the environment behind sudo, which drops it: its first line of
// standard input is a shell text, as arguments are visible to all.
const sudoEnv = `IFS= read -r e; eval "$(printf '%b' "$e")"; unset e; exec "$@"`

// scriptEnv is sudoEnv for a shell text that must not be an argument: it is set
// in that first line as well.
const scriptEnv = `IFS= read -r e; eval "$(printf '%b' "$e")"; unset e; eval "$s"`

// privateScript takes a shell text out of argv if it must not be seen.
func privateScript(cmd host.Command) (script string, argv []string, ok bool) {
	a := cmd.Argv
	if !cmd.Private && !cmd.Sensitive || len(a) < 3 || a[1] != "-c" || !strings.HasSuffix(a[0], "sh") {
		return "", nil, false
	}
	name := a[:1]
	if len(a) > 3 {
		name = a[3:]
	}
	return a[2], append([]string{a[0], "-c", scriptEnv}, name...), true
}

func (c *Conn) command(ctx context.Context, cmd host.Command) *exec.Cmd {
	argv, stdin := cmd.Argv, cmd.Stdin
	script, hidden, isHidden := privateScript(cmd)
	if isHidden {
		argv = hidden
	}
	prefix := c.prefix
	if cmd.User != "" {
		prefix = []string{"sudo", "-n", "-H", "-u", cmd.User, "--"}
	}
	env := append(os.Environ(), "LC_ALL=C", "FERRY_STATE="+c.opt.StateDir)
	if len(prefix) > 0 {
		if !isHidden {
			argv = append([]string{"/bin/sh", "-c", sudoEnv, "sh"}, argv...)
		}
		argv = append(append([]string{}, prefix...), argv...)
		stdin = append([]byte(exportLine(c.opt.StateDir, cmd.Env, script)), stdin...)
	} else {
		if isHidden {
			stdin = append([]byte(exportLine(c.opt.StateDir, nil, script)), stdin...)
		}
		for k, v := range cmd.Env {
			env = append(env, k+"="+v)
		}
	}
	p := exec.CommandContext(ctx, argv[0], argv[1:]...)
	p.Env = env
	if p.Dir = cmd.Dir; p.Dir == "" {
		p.Dir = "/"
	}
	if len(stdin) > 0 {
		p.Stdin = bytes.NewReader(stdin)
	}
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.WaitDelay = killGrace
	p.Cancel = func() error {
		pid := p.Process.Pid
		time.AfterFunc(killGrace/2, func() { _ = syscall.Kill(-pid, syscall.SIGKILL) })
		return syscall.Kill(-pid, syscall.SIGTERM)
	}
	return p
}

// exportLine writes env, and the script if there is one, as one line that printf
// %b turns into shell text.
func exportLine(state string, env map[string]string, script string) string {
	names := make([]string, 0, len(env))
	for k := range env {
		names = append(names, k)
	}
	sort.Strings(names)
	text := "LC_ALL=C; FERRY_STATE=" + host.Quote(state) + "; export LC_ALL FERRY_STATE; "
	for _, k := range names {
		text += k + "=" + host.Quote(env[k]) + "; export " + k + "; "
	}
	if script != "" {
		text += "s=" + host.Quote(script) + "; "
	}
	return strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\\`), "\n", `\n`) + "\n"
}

// Upload implements host.Transport.
func (c *Conn) Upload(ctx context.Context, path string, r io.Reader, size int64) error {
	p := c.command(ctx, host.Command{Argv: []string{"/bin/sh", "-c", `umask 077; rm -f -- "$1" && exec cat >"$1"`, "sh", path}})
	counted := &counter{r: r}
	if p.Stdin == nil {
		p.Stdin = counted
	} else {
		p.Stdin = io.MultiReader(p.Stdin, counted)
	}
	out, err := p.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("local: upload to %s was interrupted: %w", path, ctx.Err())
	case err != nil:
		return fmt.Errorf("local: upload to %s failed: %s: %w", path, bytes.TrimSpace(out), err)
	case counted.n != size:
		return fmt.Errorf("local: upload to %s failed: the content has %d bytes, not %d", path, counted.n, size)
	}
	return nil
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// Download implements host.Transport.
func (c *Conn) Download(ctx context.Context, path string, w io.Writer) error {
	p := c.command(ctx, host.Command{Argv: []string{"cat", "--", path}})
	var errs capped
	errs.limit = 4 << 10
	p.Stdout, p.Stderr = w, &errs
	if err := p.Run(); err != nil {
		if strings.Contains(string(errs.bytes()), "No such file") {
			err = os.ErrNotExist
		}
		return fmt.Errorf("local: download of %s failed: %s: %w", path, bytes.TrimSpace(errs.bytes()), err)
	}
	return nil
}

// Reconnect implements host.Transport; there is no connection to lose.
func (c *Conn) Reconnect(context.Context) error { return c.usable() }

func (c *Conn) usable() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return fmt.Errorf("local: %w: the connection was closed", host.ErrUnreachable)
	}
	return nil
}

// Close gives back the lock.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.locked {
		c.opt.Machine.release()
		c.locked = false
	}
	return nil
}

// capped keeps the first bytes written to it. It is written to by one
// goroutine and may be read while a background child still writes.
type capped struct {
	mu    sync.Mutex
	buf   []byte
	limit int
	cut   bool
}

func (c *capped) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(p)
	if room := c.limit - len(c.buf); len(p) > room {
		p, c.cut = p[:room], true
	}
	c.buf = append(c.buf, p...)
	return n, nil
}

func (c *capped) bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf
}

func (c *capped) isCut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cut
}
