package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// withSettings runs every command of a task as its become_user and with its
// environment. Files are read and written with the rights of the connection.
type withSettings struct {
	host.Host
	user string
	env  map[string]string
	// private says that arguments of the module are sensitive.
	private bool
}

func (w withSettings) Exec(ctx context.Context, c host.Command) (host.Result, error) {
	if c.User == "" {
		c.User = w.user
	}
	c.Private = c.Private || w.private
	if len(w.env) > 0 {
		env := make(map[string]string, len(w.env)+len(c.Env))
		for k, v := range w.env {
			env[k] = v
		}
		for k, v := range c.Env {
			env[k] = v
		}
		c.Env = env
	}
	return w.Host.Exec(ctx, c)
}

func (w withSettings) Query(ctx context.Context, argv ...string) (host.Result, error) {
	return w.Exec(ctx, host.Command{Argv: argv, ReadOnly: true})
}

func (w withSettings) Ask(ctx context.Context, c host.Command) (host.Result, error) {
	c.ReadOnly = true
	return w.Exec(ctx, c)
}

// AskShared asks alone: others ask as another user or in another environment.
func (w withSettings) AskShared(ctx context.Context, q host.Question) (host.Result, error) {
	return w.Ask(ctx, q.Command([]string{q.Item}))
}

func (w withSettings) Job(ctx context.Context, j host.Job) (host.JobResult, error) {
	env := make(map[string]string, len(w.env)+len(j.Env))
	for k, v := range w.env {
		env[k] = v
	}
	for k, v := range j.Env {
		env[k] = v
	}
	j.Env = env
	return w.Host.Job(ctx, j)
}

// noHost is what a module sees that promised never to talk to the host.
type noHost struct{ name string }

var errLocal = errors.New("the module is declared to run on the controller and asked for the host; this is a bug in the module")

func (n noHost) Name() string                                        { return n.name }
func (noHost) Query(context.Context, ...string) (host.Result, error) { return host.Result{}, errLocal }
func (noHost) Ask(context.Context, host.Command) (host.Result, error) {
	return host.Result{}, errLocal
}
func (noHost) AskShared(context.Context, host.Question) (host.Result, error) {
	return host.Result{}, errLocal
}
func (noHost) ReadFile(context.Context, string) ([]byte, error) { return nil, errLocal }
func (noHost) Look(context.Context, string) (host.FileInfo, []byte, error) {
	return host.FileInfo{}, nil, errLocal
}
func (noHost) Stat(context.Context, string) (host.FileInfo, error)  { return host.FileInfo{}, errLocal }
func (noHost) Facts(context.Context, ...string) (host.Facts, error) { return nil, errLocal }
func (noHost) JobPending(context.Context, string) (bool, error)     { return false, errLocal }
func (noHost) Download(context.Context, string, io.Writer) error    { return errLocal }
func (noHost) Reboot(context.Context, host.Reboot) error            { return errLocal }
func (noHost) Reconnect(context.Context) error                      { return errLocal }
func (noHost) Forget()                                              {}
func (noHost) Job(context.Context, host.Job) (host.JobResult, error) {
	return host.JobResult{}, errLocal
}
func (noHost) Exec(context.Context, host.Command) (host.Result, error) {
	return host.Result{}, errLocal
}
func (noHost) WriteFile(context.Context, string, []byte, host.Attr) error { return errLocal }
func (noHost) WriteAll(context.Context, []host.Entry) error               { return errLocal }
func (noHost) Upload(context.Context, string, host.Content, host.Attr) error {
	return errLocal
}

// failure turns an error into how a task ended.
func failure(err error, t *playbook.Task) outcome {
	var ce *host.ConnectError
	var cmd *host.CommandError
	switch {
	case errors.As(err, &ce):
		summary := "Host not reachable"
		if ce.Permanent { // it answers, and lets nobody in
			summary = "Login not possible"
		}
		return outcome{status: event.Unreachable, err: &event.Error{Summary: summary, Detail: strings.TrimSpace(ce.What + " " + ce.Cure), Address: ce.Address}}
	case errors.Is(err, host.ErrLocked):
		return outcome{status: event.Failed, err: &event.Error{Summary: "Host is locked", Detail: err.Error()}}
	case errors.Is(err, host.ErrUnreachable), errors.Is(err, host.ErrUnknown):
		return outcome{status: event.Unreachable, err: &event.Error{Summary: "Connection lost", Detail: err.Error()}}
	case errors.As(err, &cmd) && !cmd.Sensitive:
		return outcome{status: event.Failed, err: &event.Error{Summary: "Command failed", Argv: cmd.Argv, Exit: cmd.Result.Code, Output: cmd.Output(), Detail: context1(err, cmd)}}
	}
	return outcome{status: event.Failed, err: &event.Error{Summary: summaryFailed, Detail: sentence(err.Error())}}
}

// summaryFailed is the summary of a failure whose detail says everything.
const summaryFailed = "Task failed"

// context1 is what a module said around a failed command.
func context1(err error, cmd *host.CommandError) string {
	whole, inner := err.Error(), cmd.Error()
	if len(whole) > len(inner) && whole[len(whole)-len(inner):] == inner {
		return whole[:len(whole)-len(inner)]
	}
	return ""
}

// sentence ends s with a full stop, unless it ends with a line of its own that
// is to be copied, such as a command.
func sentence(s string) string {
	if s == "" || strings.HasPrefix(s[strings.LastIndexByte(s, '\n')+1:], " ") {
		return s
	}
	switch s[len(s)-1] {
	case '.', '!', '?', '\n':
		return s
	}
	if last := s[strings.LastIndexByte(s, '\n')+1:]; strings.HasPrefix(last, "    ") {
		return s // a command, to be copied as it is
	}
	return s + "."
}

// checkFailed begins the summary of a check that has findings.
const checkFailed = "Check failed"

// findingsError is the failure of a check.
func findingsError(t *playbook.Task, fs []module.Finding) *event.Error {
	e := &event.Error{Summary: checkFailed + ": " + fs[0].Summary}
	if len(fs) > 1 {
		e.Summary = fmt.Sprintf(checkFailed+" with %d findings", len(fs))
	}
	for _, f := range fs {
		if len(fs) > 1 {
			e.Detail += "- " + f.Summary + "\n"
		}
		if f.Detail != "" {
			e.Detail += sentence(f.Detail) + "\n"
		}
		if f.Cure != "" {
			e.Detail += sentence(f.Cure) + "\n"
		}
	}
	return e
}
