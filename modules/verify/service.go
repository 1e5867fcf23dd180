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

// full adds the suffix a unit name can be written without.
func full(unit string) string {
	if i := strings.LastIndexByte(unit, '.'); i > 0 {
		switch unit[i+1:] {
		case "service", "socket", "timer", "target", "mount", "path", "slice", "device", "swap", "scope", "automount":
			return unit
		}
	}
	return unit + ".service"
}

func (c *service) Check(ctx context.Context, r host.Reader) ([]module.Finding, error) {
	var out []module.Finding
	units, err := lookUnits(ctx, r, slices.Concat(c.running, c.stopped, c.enabled))
	if err != nil {
		return nil, err
	}
	for _, u := range c.running {
		p := units[full(u)]
		if p["ActiveState"] != "active" && p["ActiveState"] != "reloading" {
			f := module.Finding{Summary: fmt.Sprintf("%s does not run: it is %s (%s)", full(u), p["ActiveState"], p["SubState"]), Cure: "To see why, run on the host:\n    journalctl -u " + full(u) + " -n 50"}
			if p["LoadState"] == "not-found" {
				f.Summary, f.Cure = fmt.Sprintf("the host has no unit %s", full(u)), "Install the package that brings it, or correct the name."
			}
			out = append(out, f)
		}
	}
	for _, u := range c.stopped {
		p := units[full(u)]
		switch p["ActiveState"] {
		case "active", "reloading", "activating":
			out = append(out, module.Finding{Summary: full(u) + " runs and should not"})
		}
	}
	for _, u := range c.enabled {
		p := units[full(u)]
		state := p["UnitFileState"]
		if p["LoadState"] == "not-found" {
			if !contains(c.running, u) {
				out = append(out, module.Finding{Summary: fmt.Sprintf("the host has no unit %s", full(u)), Cure: "Install the package that brings it, or correct the name."})
			}
			continue
		}
		if state == "" {
			if state, err = isEnabled(ctx, r, full(u)); err != nil {
				return nil, err
			}
		}
		switch state {
		case "enabled", "static", "alias", "indirect", "generated":
		default:
			out = append(out, module.Finding{Summary: fmt.Sprintf("%s does not start at boot: it is %s", full(u), state), Cure: "Enable it:\n    systemctl enable " + full(u)})
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

// isEnabled asks about a unit made from a script of /etc/init.d, of which
// "systemctl show" of systemd 219 does not tell.
func isEnabled(ctx context.Context, r host.Reader, unit string) (string, error) {
	argv := []string{"systemctl", "is-enabled", "--", unit}
	res, err := r.Query(ctx, argv...)
	if err != nil {
		return "", err
	}
	words := strings.Fields(string(res.Stdout))
	if len(words) == 0 {
		return "", &host.CommandError{Argv: argv, Result: res}
	}
	return words[len(words)-1], nil
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

// lookUnits asks systemd about all units at once.
func lookUnits(ctx context.Context, r host.Reader, names []string) (map[string]map[string]string, error) {
	var units []string
	for _, n := range names {
		if u := full(n); !contains(units, u) {
			units = append(units, u)
		}
	}
	if len(units) == 0 {
		return nil, nil
	}
	argv := append([]string{"systemctl", "show", "--property=LoadState,ActiveState,SubState,UnitFileState", "--"}, units...)
	res, err := r.Query(ctx, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return nil, err
	}
	blocks := strings.Split(strings.Trim(string(res.Stdout), "\n"), "\n\n") // in the order asked for
	all := map[string]map[string]string{}
	for i, u := range units {
		if len(blocks) == len(units) {
			all[u] = parseProperties(blocks[i])
		}
		if all[u]["ActiveState"] == "" {
			return nil, fmt.Errorf("systemctl show printed no state of %s: %q", u, host.Shorten(string(res.Stdout), 100))
		}
	}
	return all, nil
}

// parseProperties reads the output of systemctl show for one unit.
func parseProperties(out string) map[string]string {
	p := map[string]string{}
	for line := range strings.Lines(out) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			p[k] = v
		}
	}
	return p
}
