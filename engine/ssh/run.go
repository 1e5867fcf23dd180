package ssh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	xssh "golang.org/x/crypto/ssh"
)

// maxRepeats bounds how often a question is asked again after lost
// connections, and a command that did not get as far as the host is tried.
const maxRepeats = 5

// Run implements host.Transport. A command cancelled by ctx is killed on the
// host with all its processes; the error then wraps that of ctx.
func (c *Conn) Run(ctx context.Context, cmd host.Command) (host.Result, error) {
	if err := checkCommand(cmd); err != nil {
		return host.Result{}, fmt.Errorf("%s: command cannot be run: %w", c.t.Name, err)
	}
	for try := 0; ; try++ {
		l, err := c.live(ctx)
		if err != nil {
			return host.Result{}, err
		}
		res, sent, err := l.run(ctx, cmd)
		if err == nil {
			return res, nil
		}
		if ctx.Err() != nil {
			return host.Result{}, c.interrupted(ctx, cmd, sent, err)
		}
		if !sent {
			if err := l.unusable(ctx, err); err != nil {
				return host.Result{}, err
			}
		}
		if sent && !cmd.Repeats() || try >= maxRepeats {
			return host.Result{}, fmt.Errorf("%s: %w while %s: %w", c.t.Name, host.ErrUnknown, c.shown(cmd), err)
		}
		c.d.opt.Logger.Debug("command is repeated", "host", c.t.Name, "error", err)
	}
}

// unusable decides what a shell that could not be had means: an error if the
// host says no; otherwise the connection is given up, so that the next attempt
// makes a new one.
func (l *link) unusable(ctx context.Context, err error) error {
	var said *startError
	var refused *xssh.OpenChannelError
	switch {
	case errors.As(err, &said) && !l.isDead() && said.reason != errEarly: //nolint:errorlint // its own value
		return becomeError(ctx, l.t, err)
	case errors.As(err, &refused):
		return &host.ConnectError{Host: l.t.Name, Address: l.t.shown(), Err: err,
			What: fmt.Sprintf("The server refuses another session: %s.", refused.Message),
			Cure: "Raise MaxSessions in its sshd_config, or end other sessions of this connection."}
	}
	l.close()
	return nil
}

func (c *Conn) interrupted(ctx context.Context, cmd host.Command, sent bool, err error) error {
	if sent && !cmd.Repeats() && errors.Is(err, errNotKilled) {
		return fmt.Errorf("%s: %w: %s was interrupted (%w) and could not be stopped on the host", c.t.Name, host.ErrUnknown, c.shown(cmd), ctx.Err())
	}
	return fmt.Errorf("%s: %s was interrupted: %w", c.t.Name, c.shown(cmd), ctx.Err())
}

func (c *Conn) shown(cmd host.Command) string {
	if cmd.Sensitive {
		return "a command with sensitive arguments"
	}
	return host.Shorten(host.QuoteArgv(cmd.Program().Argv), 120)
}

// run runs one command on this link. sent says that it may have started.
func (l *link) run(ctx context.Context, cmd host.Command) (res host.Result, sent bool, err error) {
	if l.plain {
		return l.runPlain(ctx, cmd)
	}
	sh, err := l.pick(ctx, cmd)
	if err != nil {
		return res, false, err
	}
	r, err := sh.run(ctx, cmd, l.t.effectiveUser() == "root")
	if err == nil {
		return r.res, true, nil
	}
	select {
	case <-r.done:
		return r.res, r.sent, err
	default:
	}
	// ctx ended while the command runs or waits for its turn on the host.
	return res, true, l.stop(sh, r)
}

// killGrace is how long Run waits for a killed command before it reports that
// it could not be stopped. The killing goes on after that.
const killGrace = 8 * time.Second
