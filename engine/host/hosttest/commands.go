package hosttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
)

// Query implements host.Reader.
func (h *Host) Query(ctx context.Context, argv ...string) (host.Result, error) {
	return h.run(ctx, host.Command{Argv: argv}, false)
}

// Ask implements host.Reader.
func (h *Host) Ask(ctx context.Context, c host.Command) (host.Result, error) {
	return h.run(ctx, c, false)
}

// AskShared implements host.Reader: each question is asked alone.
func (h *Host) AskShared(ctx context.Context, q host.Question) (host.Result, error) {
	return h.run(ctx, q.Command([]string{q.Item}), false)
}

// Exec implements host.Host.
func (h *Host) Exec(ctx context.Context, c host.Command) (host.Result, error) {
	return h.run(ctx, c, true)
}

func (h *Host) run(ctx context.Context, c host.Command, write bool) (host.Result, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	line := "$ " + host.QuoteArgv(c.Argv)
	f, err := h.begin(ctx, line+quoted("<", c.Stdin)+commandNotes(c), write)
	if n := len(h.calls); n > 0 && ctx.Err() == nil {
		h.calls[n-1].Argv = append([]string(nil), c.Argv...)
	}
	switch {
	case err != nil:
		return host.Result{}, err
	case f == ExitOne:
		return host.Result{Code: 1, Stderr: []byte("injected failure\n")}, nil
	}
	res, err := h.answerTo(c, line, write)
	var late *host.LimitError
	if err == nil || errors.As(err, &late) {
		if lost := f.after(h.name); lost != nil {
			err = lost
		}
	}
	if err != nil {
		return host.Result{}, err
	}
	return res, nil
}

func (h *Host) answerTo(c host.Command, line string, write bool) (host.Result, error) {
	a := h.find(c.Argv)
	var res host.Result
	switch {
	case a != nil && a.never:
		a.used = true
		if c.Limit <= 0 {
			return res, fmt.Errorf("%s: %s does not end on this host, and has no Limit", h.name, line)
		}
		return host.Result{Code: 137}, &host.LimitError{Argv: c.Argv, Limit: c.Limit, Sensitive: c.Sensitive}
	case a != nil:
		a.used = true
		res = host.Result{Stdout: bytes.Clone(a.stdout), Stderr: bytes.Clone(a.stderr), Code: a.code}
	default:
		var ok bool
		if res, ok = h.builtin(c.Argv, write); !ok && !(write && h.staged(c.Argv)) {
			return res, h.unscripted(line)
		}
	}
	if write {
		h.changed(c.Argv...)
	}
	return res, nil
}

// commandNotes are what else a command was given.
func commandNotes(c host.Command) string {
	s := ""
	if c.Dir != "" {
		s += "\n  dir " + c.Dir
	}
	if c.User != "" {
		s += "\n  user " + c.User
	}
	for _, k := range sortedKeys(c.Env) {
		s += "\n  env " + k + "=" + c.Env[k]
	}
	return s
}

// quoted is a text below the line it belongs to.
func quoted(mark string, text []byte) string {
	if len(text) == 0 {
		return ""
	}
	if !bytes.HasSuffix(text, []byte("\n")) {
		text = append(bytes.Clone(text), "\n[no newline]"...)
	}
	pre := "\n  " + mark + " "
	return pre + strings.ReplaceAll(strings.TrimSuffix(string(text), "\n"), "\n", pre)
}
