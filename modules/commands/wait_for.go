package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// WaitFor waits until something holds on the host.
func WaitFor() module.Info {
	return module.Info{
		Name:    "wait_for",
		Summary: "Waits until a port listens, a path exists or a command succeeds on the host.",
		Doc: `Looks again and again, on the host itself, until everything asked for holds at the
same time. Nothing on the host changes.`,
		Example: `task "wait_for" "web" {
  port   = 8080
  within = "2m"
}
`,
		New: func() module.Step { return &waitFor{within: 5 * time.Minute, every: time.Second} },
	}
}

type waitFor struct {
	port          *int
	path, gone    string
	command       []string
	within, every time.Duration
}

var (
	_ module.Step      = (*waitFor)(nil)
	_ module.Validator = (*waitFor)(nil)
)

func (w *waitFor) Schema(b *schema.Block) {
	b.OptInt(&w.port, "port", "TCP port that must accept connections on the host.", schema.Between(1, 65535))
	b.String(&w.path, "path", "Path that must exist.", schema.AbsPath)
	b.String(&w.gone, "gone", "Path that must not exist.", schema.AbsPath)
	b.Strings(&w.command, "command", "Program and arguments that must exit with 0; it must only look.")
	b.Duration(&w.within, "within", "How long to wait.")
	b.Duration(&w.every, "every", "Time between two looks.")
}

func (w *waitFor) Validate() error {
	if w.port == nil && w.path == "" && w.gone == "" && len(w.command) == 0 {
		return errors.New("One of the arguments \"port\", \"path\", \"gone\" and \"command\" is needed: what to wait for.")
	}
	if w.every < 100*time.Millisecond {
		return errors.New("The argument \"every\" must be at least 100ms; looking more often only keeps the host busy.")
	}
	return nil
}

func (w *waitFor) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	missing, err := w.look(ctx, r)
	if err != nil || missing == "" {
		return nil, err
	}
	return module.Plan{{Argument: "wait", To: fmt.Sprintf("up to %s: %s", w.within, missing)}}, nil
}

// look returns what does not hold yet, or "".
func (w *waitFor) look(ctx context.Context, r host.Reader) (string, error) {
	if w.port != nil {
		open, err := listening(ctx, r, *w.port)
		if err != nil || !open {
			return fmt.Sprintf("port %d does not listen", *w.port), err
		}
	}
	if w.path != "" {
		if there, err := exists(ctx, r, w.path); err != nil || !there {
			return w.path + " does not exist", err
		}
	}
	if w.gone != "" {
		if there, err := exists(ctx, r, w.gone); err != nil || there {
			return w.gone + " still exists", err
		}
	}
	if len(w.command) > 0 {
		res, err := r.Query(ctx, w.command...)
		if err != nil || res.Code != 0 {
			return fmt.Sprintf("%s exits with %d", host.Shorten(host.QuoteArgv(w.command), 80), res.Code), err
		}
	}
	return "", nil
}

// listening reads the kernel's tables: every host has them, ss not.
func listening(ctx context.Context, r host.Reader, port int) (bool, error) {
	argv := []string{"/bin/sh", "-c", `cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v p="$1" '$4 == "0A" {n = split($2, a, ":"); if (a[n] == p) f = 1} END {exit !f}'`, "sh", fmt.Sprintf("%04X", port)}
	res, err := r.Query(ctx, argv...)
	if err != nil {
		return false, err
	}
	if res.Code > 1 {
		return false, &host.CommandError{Argv: argv, Result: res}
	}
	return res.OK(), nil
}

func (w *waitFor) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, w.within)
	defer cancel()
	missing := ""
	for {
		m, err := w.look(ctx, h)
		switch {
		case err == nil && m == "":
			return nil
		case err != nil && ctx.Err() == nil:
			return err
		case err == nil:
			missing = m
		}
		select {
		case <-ctx.Done():
			if outer.Err() != nil {
				return outer.Err()
			}
			return fmt.Errorf("waited %s, and still: %s", w.within, missing)
		case <-time.After(w.every):
		}
	}
}
