package ssh

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
)

// tryPlain reports whether single commands run where a shell does not: behind
// a forced command that passes on what was asked for, for example.
func (l *link) tryPlain(ctx context.Context) bool {
	nonce := newNonce()
	res, _, err := l.runPlain(ctx, host.Command{Argv: []string{"echo", nonce}, ReadOnly: true})
	return err == nil && res.Code == 0 && strings.Contains(string(res.Stdout), nonce)
}

// runPlain runs a command on a channel of its own. It is slower (two round
// trips and sudo each time), and what a login prints is part of the output.
func (l *link) runPlain(ctx context.Context, cmd host.Command) (res host.Result, sent bool, err error) {
	l.st.commands.Add(1)
	start := time.Now()
	text, input := l.plainText(cmd)
	s, err := openSession(ctx, l.client, text, false, l.st)
	if err != nil {
		return res, false, err
	}
	defer s.close()
	stop := context.AfterFunc(ctx, s.close)
	defer stop()
	var out, errs capped
	out.limit, errs.limit = l.opt.OutputLimit, l.opt.OutputLimit
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = io.Copy(&out, s.stdout) })
	wg.Go(func() { _, _ = io.Copy(&errs, s.stderr) })
	wg.Go(func() {
		_, _ = s.ch.Write(input)
		_ = s.ch.CloseWrite()
	})
	wg.Wait()
	<-s.ended
	if err := ctx.Err(); err != nil {
		return res, true, err
	}
	if !s.status.known {
		return res, true, errShellEnded
	}
	return host.Result{Stdout: out.buf.Bytes(), Stderr: errs.buf.Bytes(), Code: s.status.code,
		Truncated: out.cut || errs.cut, Duration: time.Since(start)}, true, nil
}

// plainText returns the command line of one command, and what to write to it.
// What must not be an argument is given to a shell on standard input, if the
// host lets one run. sudo must not ask: without a shell that is ready, there is
// no telling its question from the command's output.
func (l *link) plainText(cmd host.Command) (text string, input []byte) {
	cmd = cmd.Program()
	sudo := ""
	if l.t.becomes() {
		sudo = "sudo -H -n -u " + l.t.BecomeUser + " -- "
	}
	if len(cmd.Env) == 0 && !cmd.Sensitive && !cmd.Private && cmd.Dir == "" && cmd.User == "" {
		return sudo + host.QuoteArgv(cmd.Argv), cmd.Stdin
	}
	root := l.t.effectiveUser() == "root"
	return sudo + "/bin/sh", []byte(initText + commandText(cmd, "plain", root, false) + "\nexit $?\n")
}

// capped keeps the first bytes written to it.
type capped struct {
	buf   bytes.Buffer
	limit int
	cut   bool
}

func (c *capped) Write(p []byte) (int, error) {
	n := len(p)
	if room := c.limit - c.buf.Len(); len(p) > room {
		p, c.cut = p[:room], true
	}
	c.buf.Write(p)
	return n, nil
}
