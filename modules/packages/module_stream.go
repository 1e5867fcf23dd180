package packages

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

const streamDir = "/etc/dnf/modules.d"

// ModuleStream resets, disables and enables module streams of EL8.
func ModuleStream() module.Info {
	return module.Info{
		Name:    "module_stream",
		Summary: "Resets, disables or enables dnf module streams (EL8).",
		Doc: `openEuler has no module streams, and the ones a host has enabled hide packages of the
target. Reset them before a distro-sync; note with the result "streams" what was
enabled, since the software in them (php, nodejs, postgresql …) may need care.

A host without module streams complies with "reset" and "disabled".`,
		Example: `task "module_stream" "none" {
  names = ["*"]
  state = "reset"
}
`,
		New: func() module.Step { return &moduleStream{state: "reset"} },
	}
}

type moduleStream struct {
	names         []string
	state, stream string
	streams       map[string]string
}

var (
	_ module.Step      = (*moduleStream)(nil)
	_ module.Reporter  = (*moduleStream)(nil)
	_ module.Validator = (*moduleStream)(nil)
)

func (s *moduleStream) Schema(b *schema.Block) {
	b.Strings(&s.names, "names", "Patterns of module names.", schema.Required, schema.NonEmpty)
	b.String(&s.state, "state", "What the modules must be.", schema.OneOf("reset", "disabled", "enabled"))
	b.String(&s.stream, "stream", "Stream to enable.", schema.NonEmpty)
}

func (s *moduleStream) Results(r *schema.Results) {
	r.StringMap(&s.streams, "streams", "Streams that were enabled, by module.")
}

func (s *moduleStream) Validate() error {
	if g := badGlob(s.names); g != "" {
		return fmt.Errorf("The argument \"names\" holds %q, which is not a pattern.", g)
	}
	if s.state == "enabled" && strings.ContainsAny(strings.Join(s.names, ""), "*?[") {
		return errors.New("With state = \"enabled\" the argument \"names\" takes names, not patterns: each module has streams of its own.")
	}
	if (s.state == "enabled") != (s.stream != "") {
		return errors.New("The argument \"stream\" belongs to state = \"enabled\", which needs it.")
	}
	return nil
}

// moduleState is one file of /etc/dnf/modules.d.
type moduleState struct{ name, stream, state string }

// parseModules reads the files one after the other: one section each.
func parseModules(out string) []moduleState {
	f := parseRepoFile(out)
	var states []moduleState
	for _, id := range f.ids() {
		stream, _ := f.get(id, "stream")
		state, _ := f.get(id, "state")
		states = append(states, moduleState{id, stream, state})
	}
	return states
}

func (s *moduleStream) look(ctx context.Context, r host.Reader) (map[string]moduleState, error) {
	argv := []string{"/bin/sh", "-c", `for f in "$1"/*.module; do [ -f "$f" ] && cat -- "$f" && echo; done; :`, "sh", streamDir}
	res, err := r.Query(ctx, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return nil, err
	}
	out := map[string]moduleState{}
	s.streams = map[string]string{}
	for _, m := range parseModules(string(res.Stdout)) {
		out[m.name] = m
		if m.state == "enabled" {
			s.streams[m.name] = m.stream
		}
	}
	return out, nil
}

func (s *moduleStream) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	all, err := s.look(ctx, r)
	if err != nil {
		return nil, err
	}
	var p module.Plan
	change := func(name, from, to string) {
		p = append(p, module.Change{Argument: "module " + name, From: from, To: to})
	}
	if s.state == "enabled" {
		for _, n := range s.names {
			if m := all[n]; m.state != "enabled" || m.stream != s.stream {
				change(n, describe(m), "enabled, stream "+s.stream)
			}
		}
		return p, nil
	}
	for _, n := range slices.Sorted(maps.Keys(all)) {
		m := all[n]
		if !matchAny(s.names, m.name) {
			continue
		}
		if s.state == "reset" && m.state != "" || s.state == "disabled" && m.state != "disabled" {
			change(m.name, describe(m), s.state)
		}
	}
	return p, nil
}

func describe(m moduleState) string {
	switch {
	case m.state == "":
		return "not set"
	case m.stream != "":
		return m.state + ", stream " + m.stream
	}
	return m.state
}

func (s *moduleStream) Apply(ctx context.Context, h host.Host, p module.Plan) error {
	verb := map[string]string{"reset": "reset", "disabled": "disable", "enabled": "enable"}[s.state]
	argv := []string{"dnf", "-y", "module", verb}
	for _, c := range p {
		name := strings.TrimPrefix(c.Argument, "module ")
		if s.stream != "" {
			name += ":" + s.stream
		}
		argv = append(argv, name)
	}
	res, err := h.Exec(ctx, host.Command{Argv: argv, Repeatable: true}) // the same twice is the same once
	if err != nil {
		return err
	}
	if res.Code == 0 {
		return nil
	}
	if s.state == "enabled" {
		return &host.CommandError{Argv: argv, Result: res}
	}
	return s.byHand(ctx, h, p)
}

// byHand writes the files as dnf would: it refuses to reset modules whose
// repository is gone, which is just the case during a migration.
func (s *moduleStream) byHand(ctx context.Context, h host.Host, p module.Plan) error {
	for _, c := range p {
		name := strings.TrimPrefix(c.Argument, "module ")
		path := streamDir + "/" + name + ".module"
		text, err := h.ReadFile(ctx, path)
		if err != nil {
			return err
		}
		f := parseRepoFile(string(text))
		state := ""
		if s.state == "disabled" {
			state = "disabled"
		}
		f.set(name, "state", state)
		f.set(name, "stream", "")
		f.set(name, "profiles", "")
		if err := h.WriteFile(ctx, path, []byte(f.String()), host.Attr{}); err != nil {
			return err
		}
	}
	return nil
}
