package verify

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
	"github.com/ferry-ops/ferry/modules/internal/systemd"
)

// Service checks units.
func Service() module.Info {
	return module.Info{
		Name:    "service",
		Summary: "Checks that units run, are enabled, or have not failed.",
		Doc:     `Names without a suffix are services.`,
		Example: `check "service" "essential" {
  running   = ["sshd", "crond"]
  enabled   = ["sshd"]
  no_failed = true
}
`,
		NewCheck: func() module.Check { return &service{} },
	}
}

type service struct {
	running, enabled, stopped, exceptFailed []string
	noFailed                                bool
}

var (
	_ module.Check     = (*service)(nil)
	_ module.Validator = (*service)(nil)
)

var unitName = regexp.MustCompile(`^[A-Za-z0-9:_.\\@-]+$`)

func (c *service) Schema(b *schema.Block) {
	unit := schema.Match(unitName, "a unit name such as sshd or chronyd.service")
	b.Strings(&c.running, "running", "Units that must run.", unit)
	b.Strings(&c.enabled, "enabled", "Units that must start at boot.", unit)
	b.Strings(&c.stopped, "stopped", "Units that must not run.", unit)
	b.Bool(&c.noFailed, "no_failed", "No unit of the host may have failed.")
	b.Strings(&c.exceptFailed, "except", "Units that may have failed.", unit)
}

func (c *service) Validate() error {
	if len(c.running)+len(c.enabled)+len(c.stopped) == 0 && !c.noFailed {
		return errors.New("One of the arguments \"running\", \"enabled\", \"stopped\" and \"no_failed\" is needed.")
	}
	return nil
}

func (c *service) Check(ctx context.Context, r host.Reader) ([]module.Finding, error) {
	var out []module.Finding
	var names []string
	for _, u := range slices.Concat(c.running, c.stopped, c.enabled) {
		names = append(names, systemd.FullName(u))
	}
	units, err := systemd.Look(ctx, r, names...)
	if err != nil {
		return nil, err
	}
	for _, u := range c.running {
		p := units[systemd.FullName(u)]
		if !p.Running() {
			f := module.Finding{Summary: fmt.Sprintf("%s does not run: it is %s (%s)", systemd.FullName(u), p.Active, p.Sub), Cure: "To see why, run on the host:\n    journalctl -u " + systemd.FullName(u) + " -n 50"}
			if !p.Exists() {
				f.Summary, f.Cure = fmt.Sprintf("the host has no unit %s", systemd.FullName(u)), "Install the package that brings it, or correct the name."
			}
			out = append(out, f)
		}
	}
	for _, u := range c.stopped {
		p := units[systemd.FullName(u)]
		switch p.Active {
		case "active", "reloading", "activating":
			out = append(out, module.Finding{Summary: systemd.FullName(u) + " runs and should not"})
		}
	}
	for _, u := range c.enabled {
		p := units[systemd.FullName(u)]
		state := p.File
		if !p.Exists() {
			if !contains(c.running, u) {
				out = append(out, module.Finding{Summary: fmt.Sprintf("the host has no unit %s", systemd.FullName(u)), Cure: "Install the package that brings it, or correct the name."})
			}
			continue
		}
		if state == "" {
			if state, err = systemd.IsEnabled(ctx, r, systemd.FullName(u)); err != nil {
				return nil, err
			}
		}
		switch state {
		case "enabled", "static", "alias", "indirect", "generated":
		default:
			out = append(out, module.Finding{Summary: fmt.Sprintf("%s does not start at boot: it is %s", systemd.FullName(u), state), Cure: "Enable it:\n    systemctl enable " + systemd.FullName(u)})
		}
	}
	if c.noFailed {
		failed, err := c.failed(ctx, r)
		if err != nil {
			return nil, err
		}
		out = append(out, failed...)
	}
	return out, nil
}

func (c *service) failed(ctx context.Context, r host.Reader) ([]module.Finding, error) {
	argv := []string{"systemctl", "list-units", "--state=failed", "--all", "--no-legend", "--plain", "--full"}
	res, err := r.Query(ctx, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return nil, err
	}
	var out []module.Finding
	for _, unit := range parseUnits(string(res.Stdout)) {
		if !contains(c.exceptFailed, unit) && !contains(c.exceptFailed, strings.TrimSuffix(unit, ".service")) {
			out = append(out, module.Finding{Summary: unit + " has failed", Cure: "To see why, run on the host:\n    journalctl -u " + unit + " -n 50"})
		}
	}
	return out, nil
}

// parseUnits reads the names from systemctl list-units, which marks failed units
// with a dot in front on some versions.
func parseUnits(out string) []string {
	var units []string
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) > 0 && (f[0] == "●" || f[0] == "*") {
			f = f[1:]
		}
		if len(f) > 0 {
			units = append(units, f[0])
		}
	}
	return units
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}
