package services

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
	"github.com/ferry-ops/ferry/modules/internal/systemd"
)

// SystemdUnit installs a unit file or a drop-in.
func SystemdUnit() module.Info {
	return module.Info{
		Name:    "systemd_unit",
		Summary: "Installs a unit file or a drop-in of a unit, and makes systemd read it.",
		Doc: `Without "dropin" the unit is written to /etc/systemd/system/UNIT. With "dropin" the
text becomes /etc/systemd/system/UNIT.d/DROPIN.conf, which changes a packaged unit
and survives its update.

systemd reads the change at once (daemon-reload); a running service keeps its old
settings until it is restarted: notify a handler.`,
		Example: `task "systemd_unit" "nginx" {
  dropin  = "limits"
  content = <<-EOT
    [Service]
    LimitNOFILE=65536
  EOT
}
`,
		New: func() module.Step { return &systemdUnit{state: "present"} },
	}
}

type systemdUnit struct {
	unit, dropin, content, state string
}

var (
	_ module.Step      = (*systemdUnit)(nil)
	_ module.Named     = (*systemdUnit)(nil)
	_ module.Validator = (*systemdUnit)(nil)
)

var dropinName = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// SetName makes the name of the task the unit.
func (s *systemdUnit) SetName(name string) { s.unit = name }

func (s *systemdUnit) Schema(b *schema.Block) {
	b.String(&s.unit, "unit", "Unit; the name of the task if not given. Without a suffix, a service.", schema.Match(unitName, "a unit name such as nginx or backup.timer"))
	b.String(&s.dropin, "dropin", "Name of the drop-in, without .conf.", schema.Match(dropinName, "a name of letters, digits, _ . -"))
	b.String(&s.content, "content", "Text of the unit or drop-in.", schema.MaySensitive)
	b.String(&s.state, "state", "Whether it is there.", schema.OneOf("present", "absent"))
}

func (s *systemdUnit) Validate() error {
	if s.state == "present" && !strings.Contains(s.content, "[") {
		return errors.New("The argument \"content\" must be the text of a unit, with its sections in [brackets].")
	}
	return nil
}

func (s *systemdUnit) path() string {
	p := "/etc/systemd/system/" + systemd.FullName(s.unit)
	if s.dropin != "" {
		p += ".d/" + strings.TrimSuffix(s.dropin, ".conf") + ".conf"
	}
	return p
}

func (s *systemdUnit) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	have, err := r.ReadFile(ctx, s.path())
	absent := errors.Is(err, fs.ErrNotExist)
	if err != nil && !absent {
		return nil, err
	}
	var p module.Plan
	switch {
	case s.state == "absent" && !absent:
		p = append(p, module.Change{Argument: "content", From: s.path(), To: "absent", Diff: module.Diff(s.path(), have, nil)})
	case s.state == "present" && absent:
		p = append(p, module.Change{Argument: "content", From: "absent", To: s.path(), Diff: module.Diff(s.path(), nil, []byte(s.content))})
	case s.state == "present" && string(have) != s.content:
		p = append(p, module.Change{Argument: "content", From: "differs", To: s.path(), Diff: module.Diff(s.path(), have, []byte(s.content))})
	}
	// A file that is right and that systemd has not read yet is what a killed run leaves.
	argv := []string{"systemctl", "show", "--property=NeedDaemonReload", "--", loadable(systemd.FullName(s.unit))}
	res, err := r.Query(ctx, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return nil, err
	}
	if strings.Contains(string(res.Stdout), "=yes") {
		p = append(p, module.Change{Argument: "daemon-reload", From: "needed", To: "done"})
	}
	return p, nil
}

// loadable is a unit that systemctl show can load: of a template, an instance.
func loadable(unit string) string { return strings.Replace(unit, "@.", "@ferry.", 1) }

func (s *systemdUnit) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	run := func(argv ...string) error {
		res, err := h.Exec(ctx, host.Command{Argv: argv, Repeatable: true})
		_, err = host.Must(argv, res, err)
		return err
	}
	if s.state == "absent" {
		if err := run("rm", "-f", "--", s.path()); err != nil {
			return err
		}
	} else {
		dir := s.path()[:strings.LastIndexByte(s.path(), '/')]
		if err := run("mkdir", "-p", "--", dir); err != nil {
			return err
		}
		if err := h.WriteFile(ctx, s.path(), []byte(s.content), host.Attr{Mode: 0o644}); err != nil {
			return err
		}
	}
	if err := run("systemctl", "daemon-reload"); err != nil {
		return fmt.Errorf("the unit file was written, and systemd does not read it: %w", err)
	}
	return nil
}
