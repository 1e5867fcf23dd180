package services

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
	"github.com/ferry-ops/ferry/modules/internal/systemd"
)

// Service keeps a unit running or stopped, at boot or not.
func Service() module.Info {
	return module.Info{
		Name:    "service",
		Summary: "Keeps a unit running or stopped, and enabled at boot or not.",
		Doc: `A unit that does not exist is an error when it must run or be enabled, and fine when
it must be stopped and disabled.

As a handler, use state = "restarted" or "reloaded": these act each time they are
notified.

A unit that systemctl started and that failed within "settle" counts as not
running; the error carries the last lines of its journal.`,
		Example: `task "service" "sshd" {
  state   = "running"
  enabled = true
}
`,
		Effects: module.RestartsServices,
		New:     func() module.Step { return &service{settle: time.Second} },
	}
}

type service struct {
	unit    string
	state   string
	enabled *bool
	masked  *bool
	settle  time.Duration
}

var (
	_ module.Step      = (*service)(nil)
	_ module.Named     = (*service)(nil)
	_ module.Validator = (*service)(nil)
	_ module.Actor     = (*service)(nil)
)

// Acts implements module.Actor.
func (s *service) Acts() bool { return s.state == "restarted" || s.state == "reloaded" }

var unitName = regexp.MustCompile(`^[A-Za-z0-9:_.\\@-]+$`)

// SetName makes the name of the task the unit.
func (s *service) SetName(name string) { s.unit = name }

func (s *service) Schema(b *schema.Block) {
	b.String(&s.unit, "unit", "Unit to manage; the name of the task if not given. Without a suffix, a service.", schema.Match(unitName, "a unit name such as sshd or chronyd.service"))
	b.String(&s.state, "state", "State the unit must be in.", schema.OneOf("running", "stopped", "restarted", "reloaded"),
		schema.Instead(map[string]string{"started": "running", "start": "running", "active": "running", "up": "running", "inactive": "stopped", "down": "stopped"}))
	b.OptBool(&s.enabled, "enabled", "Whether the unit starts at boot.")
	b.OptBool(&s.masked, "masked", "Whether the unit is kept from being started at all.")
	b.Duration(&s.settle, "settle", "How long a started unit must stay up to count as running.")
}

func (s *service) Validate() error {
	if s.state == "" && s.enabled == nil && s.masked == nil {
		return errors.New("One of the arguments \"state\", \"enabled\" and \"masked\" is needed.")
	}
	if s.masked != nil && *s.masked && (s.state == "running" || s.enabled != nil && *s.enabled) {
		return errors.New("A masked unit can neither run nor be enabled. Drop \"masked\", or \"state\" and \"enabled\".")
	}
	return nil
}

func (s *service) full() string { return systemd.FullName(s.unit) }

// starts reports whether the unit starts at boot. Units without an [Install]
// section ("static") start when others need them; they cannot be enabled.
func starts(u systemd.Unit) bool { return u.File == "enabled" || u.File == "alias" || fixed(u) }

// fixed reports whether enabling or disabling the unit would change nothing.
func fixed(u systemd.Unit) bool {
	switch u.File {
	case "static", "indirect", "generated", "transient":
		return true
	}
	return false
}

// look asks systemd about the unit.
func (s *service) look(ctx context.Context, r host.Reader) (systemd.Unit, error) {
	units, err := systemd.Look(ctx, r, s.full())
	return units[s.full()], err
}

func (s *service) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	u, err := s.look(ctx, r)
	if err != nil {
		return nil, err
	}
	wantsIt := s.state == "running" || s.state == "restarted" || s.state == "reloaded" || s.enabled != nil && *s.enabled
	if !u.Exists() {
		if wantsIt {
			return nil, fmt.Errorf("the host has no unit %s. Install the package that brings it, or correct the name; the units there are:\n    systemctl list-unit-files", s.full())
		}
		return nil, nil
	}
	if s.enabled != nil && u.File == "" {
		if u.File, err = systemd.IsEnabled(ctx, r, s.full()); err != nil {
			return nil, err
		}
	}
	var p module.Plan
	if s.masked != nil && *s.masked != (u.Load == "masked") {
		p = append(p, module.Change{Argument: "masked", From: fmt.Sprint(u.Load == "masked"), To: fmt.Sprint(*s.masked)})
	}
	if s.enabled != nil && *s.enabled != starts(u) && !fixed(u) {
		p = append(p, module.Change{Argument: "enabled", From: u.File, To: onOff(*s.enabled)})
	}
	switch {
	case s.state == "running" && !u.Running():
		p = append(p, module.Change{Argument: "state", From: u.Active, To: "running"})
	case s.state == "stopped" && (u.Running() || u.Active == "activating"):
		p = append(p, module.Change{Argument: "state", From: u.Active, To: "stopped"})
	case s.Acts():
		p = append(p, module.Change{Argument: "state", From: u.Active, To: s.state})
	}
	return p, nil
}

func onOff(on bool) string {
	if on {
		return "enabled"
	}
	return "disabled"
}

func (s *service) Apply(ctx context.Context, h host.Host, plan module.Plan) error {
	for _, c := range plan {
		var argv []string
		switch {
		case c.Argument == "masked" && *s.masked:
			argv = []string{"systemctl", "mask", "--", s.full()}
		case c.Argument == "masked":
			argv = []string{"systemctl", "unmask", "--", s.full()}
		case c.Argument == "enabled" && *s.enabled:
			argv = []string{"systemctl", "enable", "--", s.full()}
		case c.Argument == "enabled":
			argv = []string{"systemctl", "disable", "--", s.full()}
		default:
			verb := map[string]string{"running": "start", "stopped": "stop", "restarted": "restart", "reloaded": "reload-or-restart"}[s.state]
			argv = []string{"systemctl", verb, "--", s.full()}
		}
		res, err := h.Exec(ctx, host.Command{Argv: argv, Repeatable: true}) // systemctl verbs can be repeated
		if err != nil {
			return err
		}
		if res.Code != 0 {
			return s.explain(ctx, h, &host.CommandError{Argv: argv, Result: res})
		}
	}
	if s.state != "running" && s.state != "restarted" && s.state != "reloaded" {
		return nil
	}
	return s.settled(ctx, h)
}

// settled waits a moment and looks whether the unit stayed up.
func (s *service) settled(ctx context.Context, h host.Host) error {
	argv := []string{"sleep", fmt.Sprintf("%.1f", s.settle.Seconds())}
	if res, err := h.Query(ctx, argv...); err != nil || res.Code != 0 {
		_, err = host.Must(argv, res, err)
		return err
	}
	u, err := s.look(ctx, h)
	if err != nil {
		return err
	}
	if !u.Running() && !(u.Active == "inactive" && u.Sub == "dead" && strings.HasSuffix(s.full(), ".timer")) {
		return s.explain(ctx, h, fmt.Errorf("%s was started and is %s (%s) %s later", s.full(), u.Active, u.Sub, s.settle))
	}
	return nil
}

// explain adds what the unit's journal says to an error.
func (s *service) explain(ctx context.Context, r host.Reader, err error) error {
	res, qerr := r.Query(ctx, "journalctl", "--no-pager", "-q", "-o", "cat", "-n", "8", "-u", s.full())
	text := strings.TrimSpace(string(res.Stdout))
	if qerr != nil || res.Code != 0 || text == "" {
		return err
	}
	return fmt.Errorf("%w\nThe last lines of its journal:\n    %s", err, strings.ReplaceAll(text, "\n", "\n    "))
}
