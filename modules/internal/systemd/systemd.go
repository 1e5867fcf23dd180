// Package systemd reads what systemd says of units, for the modules that change
// services and the checks that judge them.
package systemd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
)

// Unit is the state of a unit, in systemctl's words.
type Unit struct {
	Load   string // "loaded", "not-found", "masked" …
	Active string // "active", "inactive", "failed", "activating" …
	Sub    string // "running", "dead" …
	File   string // "enabled", "disabled", "static" …; empty where systemd does not tell
}

// Exists reports whether the host has the unit.
func (u Unit) Exists() bool { return u.Load != "not-found" }

// Running reports whether the unit is up.
func (u Unit) Running() bool { return u.Active == "active" || u.Active == "reloading" }

// FullName adds the suffix a unit's name can be written without.
func FullName(unit string) string {
	if i := strings.LastIndexByte(unit, '.'); i > 0 {
		switch unit[i+1:] {
		case "service", "socket", "timer", "target", "mount", "path", "slice", "device", "swap", "scope", "automount":
			return unit
		}
	}
	return unit + ".service"
}

// Look asks about units by their full names, all in one question.
func Look(ctx context.Context, r host.Reader, names ...string) (map[string]Unit, error) {
	var units []string
	for _, n := range names {
		if !slices.Contains(units, n) {
			units = append(units, n)
		}
	}
	if len(units) == 0 {
		return nil, nil
	}
	res, err := r.AskShared(ctx, question(units))
	if res, err = host.Must(showArgv(units), res, err); err != nil {
		return nil, err
	}
	blocks := blocksOf(res) // in the order asked for
	if len(blocks) != len(units) {
		return nil, fmt.Errorf("systemctl show told of %d of %d units: %q", len(blocks), len(units), host.Shorten(string(res.Stdout), 100))
	}
	all := map[string]Unit{}
	for i, name := range units {
		u, err := Parse(blocks[i])
		if err != nil {
			return nil, err
		}
		all[name] = u
	}
	return all, nil
}

func showArgv(units []string) []string {
	return append([]string{"systemctl", "show", "--property=LoadState,ActiveState,SubState,UnitFileState", "--"}, units...)
}

// blocksOf are the units that "systemctl show" told of.
func blocksOf(res host.Result) []string {
	return strings.Split(strings.Trim(string(res.Stdout), "\n"), "\n\n")
}

// Parse reads the output of systemctl show for one unit.
func Parse(out string) (Unit, error) {
	p := map[string]string{}
	for line := range strings.Lines(out) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			p[k] = v
		}
	}
	u := Unit{Load: p["LoadState"], Active: p["ActiveState"], Sub: p["SubState"], File: p["UnitFileState"]}
	if u.Load == "" || u.Active == "" {
		return u, fmt.Errorf("systemctl show printed no state of the unit: %q", host.Shorten(out, 100))
	}
	return u, nil
}

// IsEnabled asks about a unit made from a script of /etc/init.d, of which
// "systemctl show" of systemd 219 does not tell.
func IsEnabled(ctx context.Context, r host.Reader, unit string) (string, error) {
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
