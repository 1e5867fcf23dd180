package sshtest

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// Program is a command of an Interp host, written in Go. It returns the exit
// status.
type Program func(p Proc) int

// Proc is one run of a Program.
type Proc struct {
	Ctx    context.Context
	Args   []string // without the program's name
	Env    func(name string) string
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
}

// Interp runs commands in a shell interpreter inside the process: no process is
// started, files under the host's state directory are real. Programs are those
// given (path.Base of the command's name is looked up) and a few that ferry
// itself uses: sudo, sh, cat, base64, true, false, sleep, test.
func Interp(programs ...map[string]Program) Backend {
	b := &interpBackend{programs: map[string]Program{}}
	for _, m := range programs {
		for name, p := range m {
			b.programs[name] = p
		}
	}
	return b
}

type interpBackend struct{ programs map[string]Program }

func (*interpBackend) prepare(s *Server) error {
	return os.MkdirAll(filepath.Join(s.dir, "ferry"), 0o755) //nolint:gosec // a host's directory
}

func (b *interpBackend) run(s *Server, p *process) int {
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	go func() {
		select {
		case <-p.gone:
			cancel()
		case <-ctx.Done():
		}
	}()
	sh := &interpShell{b: b, s: s, user: p.user}
	env := []string{"PATH=/bin", "HOME=/", "USER=" + p.user, "FERRY_STATE=" + s.StateDir(), "FERRY_BOOT_ID=" + s.bootFile()}
	return sh.script(ctx, strings.NewReader(p.command), expand.ListEnviron(append(append(env, p.env...), s.opt.Env...)...),
		p.ch, p.ch, p.ch.Stderr(), nil)
}

// interpShell is one shell, or a child of one.
type interpShell struct {
	b    *interpBackend
	s    *Server
	user string
}

// script runs what r says, statement by statement, as it comes in.
func (sh *interpShell) script(ctx context.Context, r io.Reader, env expand.Environ, in io.Reader, out, errs io.Writer, params []string) int {
	runner, err := interp.New(interp.Env(env), interp.StdIO(nil, out, errs), interp.Dir("/"),
		interp.Params(append([]string{"--"}, params...)...),
		interp.OpenHandler(sh.open), interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc { return sh.exec(in) }))
	if err != nil {
		fmt.Fprintln(errs, err)
		return 2
	}
	code := 0
	parser := syntax.NewParser(syntax.Variant(syntax.LangBash))
	lines := newStatements(r)
	for {
		stmts, err := lines.next(parser)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				fmt.Fprintln(errs, err)
				return 2
			}
			return code
		}
		for _, st := range stmts {
			err = runner.Run(ctx, st)
			code = 0
			var status interp.ExitStatus
			if errors.As(err, &status) {
				code = int(status)
			} else if err != nil {
				if ctx.Err() == nil {
					fmt.Fprintln(errs, err)
				}
				return 1
			}
			if runner.Exited() || ctx.Err() != nil {
				return code
			}
		}
	}
}

// statements reads complete statements: whole lines, as many as it takes.
type statements struct {
	r    io.Reader
	buf  []byte
	rest []byte
	eof  bool
}

func newStatements(r io.Reader) *statements { return &statements{r: r, buf: make([]byte, 4<<10)} }

func (s *statements) next(parser *syntax.Parser) ([]*syntax.Stmt, error) {
	have := 0 // what was parsed in vain
	for {
		end := bytes.IndexByte(s.rest[have:], '\n')
		if s.eof {
			end = len(s.rest) - have - 1
		}
		if end >= 0 && len(s.rest) > 0 {
			have += end + 1
			f, err := parser.Parse(bytes.NewReader(s.rest[:have]), "")
			if err != nil && syntax.IsIncomplete(err) && !s.eof {
				continue
			}
			s.rest = s.rest[have:]
			if err != nil {
				return nil, err
			}
			return f.Stmts, nil
		}
		if s.eof {
			return nil, io.EOF
		}
		n, err := s.r.Read(s.buf)
		s.rest = append(s.rest, s.buf[:n]...)
		s.eof = err != nil
	}
}

// open gives /dev/null and files below the host's own directory.
func (sh *interpShell) open(ctx context.Context, path string, flag int, perm os.FileMode) (io.ReadWriteCloser, error) {
	if path == "/dev/null" {
		return devNull{}, nil
	}
	if !strings.HasPrefix(filepath.Clean(path), sh.s.dir) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
	}
	return interp.DefaultOpenHandler()(ctx, path, flag, perm)
}

type devNull struct{}

func (devNull) Read([]byte) (int, error)    { return 0, io.EOF }
func (devNull) Write(p []byte) (int, error) { return len(p), nil }
func (devNull) Close() error                { return nil }

// exec finds the program. in is the standard input of the shell itself, which
// a program that takes the shell's place inherits.
func (sh *interpShell) exec(in io.Reader) interp.ExecHandlerFunc {
	return func(ctx context.Context, args []string) error {
		hc := interp.HandlerCtx(ctx)
		stdin := hc.Stdin
		if hc.Stdin == nil {
			stdin = in
		}
		code := sh.program(ctx, args, hc.Env, stdin, hc.Stdout, hc.Stderr)
		if code == 0 {
			return nil
		}
		return interp.ExitStatus(uint8(code)) //nolint:gosec // 0-255
	}
}

func (sh *interpShell) program(ctx context.Context, args []string, env expand.Environ, in io.Reader, out, errs io.Writer) int {
	name := filepath.Base(args[0])
	if p := sh.b.programs[name]; p != nil {
		return p(Proc{Ctx: ctx, Args: args[1:], Env: func(n string) string { return env.Get(n).String() }, Stdin: in, Stdout: out, Stderr: errs})
	}
	switch name {
	case "sh":
		if len(args) > 2 && args[1] == "-c" {
			var params []string
			if len(args) > 4 {
				params = args[4:]
			}
			return sh.script(ctx, strings.NewReader(args[2]), env, in, out, errs, params)
		}
		return sh.script(ctx, in, env, in, out, errs, nil)
	case "sudo":
		return sh.sudo(ctx, args[1:], env, in, out, errs)
	case "true":
		return 0
	case "false":
		return 1
	case "cat":
		return sh.cat(args[1:], in, out, errs)
	case "base64":
		if _, err := io.Copy(out, base64.NewDecoder(base64.StdEncoding, in)); err != nil {
			return 1
		}
		return 0
	case "sleep":
		d, err := time.ParseDuration(args[1] + "s")
		if err != nil {
			return 1
		}
		select {
		case <-time.After(d):
			return 0
		case <-ctx.Done():
			return 143
		}
	}
	fmt.Fprintf(errs, "%s: not found\n", args[0])
	return 127
}

func (sh *interpShell) cat(files []string, in io.Reader, out, errs io.Writer) int {
	if len(files) == 0 {
		_, _ = io.Copy(out, in)
		return 0
	}
	for _, name := range files {
		f, err := sh.open(context.Background(), name, os.O_RDONLY, 0)
		if err != nil {
			fmt.Fprintf(errs, "cat: %s: No such file or directory\n", name)
			return 1
		}
		_, _ = io.Copy(out, f)
		_ = f.Close()
	}
	return 0
}

// sudo is Options.Sudo in Go.
func (sh *interpShell) sudo(ctx context.Context, args []string, env expand.Environ, in io.Reader, out, errs io.Writer) int {
	so := sh.s.opt.Sudo
	never, prompt := false, "Password: "
	for len(args) > 0 {
		a := args[0]
		if !strings.HasPrefix(a, "-") {
			break
		}
		args = args[1:]
		switch a {
		case "-n":
			never = true
		case "-p":
			prompt, args = args[0], args[1:]
		case "-u":
			args = args[1:]
		}
		if a == "--" {
			break
		}
	}
	say := func(s string) int { fmt.Fprintln(errs, s); return 1 }
	switch {
	case so.Missing:
		return say("sudo: not found") + 126
	case so.RequireTTY:
		return say("sudo: sorry, you must have a tty to run sudo")
	case so.Password != "" && !so.Cached && never:
		return say("sudo: a password is required")
	case so.Password != "" && !so.Cached:
		fmt.Fprint(errs, prompt)
		var line []byte
		for b := make([]byte, 1); ; {
			if _, err := in.Read(b); err != nil || b[0] == '\n' {
				break
			}
			line = append(line, b[0])
		}
		if string(line) != so.Password {
			return say("Sorry, try again.\nsudo: 1 incorrect password attempt")
		}
	}
	if so.Denied {
		return say(sh.user + " is not in the sudoers file.")
	}
	return sh.program(ctx, args, env, in, out, errs)
}
