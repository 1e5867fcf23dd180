package moduletest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/host/hosttest"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/schema"
)

// user makes uses of the module of a fixture, each with its arguments decoded
// the way a run does it.
type user struct {
	pb   *playbook.Playbook
	task *playbook.Task
	info module.Info
}

// use is a module ready for one host.
type use struct {
	module  any // a module.Step or module.Check
	decoded schema.Decoded
}

// newUser loads a playbook of one play that holds the block, in dir.
func newUser(reg *module.Registry, dir, block, vars string, files map[string]string) (*user, error) {
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			return nil, err
		}
	}
	src := "play \"fixture\" {\n  hosts = \"all\"\n\n" + block + "}\n" + vars
	if err := os.WriteFile(filepath.Join(dir, "playbook.hcl"), []byte(src), 0o644); err != nil {
		return nil, err
	}
	pb, set := playbook.Load(filepath.Join(dir, "playbook.hcl"), reg, "")
	if set.HasErrors() {
		return nil, diagnostics(set.Diags)
	}
	u := &user{pb: pb}
	playbook.Walk(pb.Plays[0].Items, func(t *playbook.Task) { u.task = t })
	if u.task == nil {
		return nil, errors.New("the block is no task and no check")
	}
	u.info = u.task.Info
	return u, nil
}

func (f *Fixture) user(t *testing.T, reg *module.Registry, dir string) (*user, error) {
	t.Helper()
	t.Chdir(dir) // what a module writes on the controller lands here
	block, _ := f.section(secStep)
	vars, _ := f.section(secVars)
	files := map[string]string{}
	for _, s := range f.archive.Files {
		if name, ok := strings.CutPrefix(s.Name, "local/"); ok {
			files[name] = string(s.Data)
		}
	}
	return newUser(reg, dir, block, vars, files)
}

// use decodes the arguments for a host with these facts.
func (u *user) use(h *hosttest.Host) (*use, error) {
	scope, diags := u.pb.NewScope(u.pb.Plays[0], playbook.Globals{}, playbook.HostInfo{
		Name: HostName, Address: "192.0.2.1", Groups: []string{"web"}, Vars: map[string]cty.Value{},
	})
	if diags.HasErrors() {
		return nil, diagnostics(diags)
	}
	if len(u.pb.Facts) > 0 {
		facts, err := h.Facts(context.Background(), u.pb.Facts...)
		if err != nil {
			return nil, err
		}
		scope.SetFacts(facts)
	}
	b, m := playbook.Bind(u.task)
	d, diags := b.Decode(playbook.Target(u.task), scope.Context(nil), u.pb.Files)
	if diags.HasErrors() {
		return nil, diagnostics(diags)
	}
	if !d.Known() {
		return nil, fmt.Errorf("the arguments %v are not known", d.Unknown)
	}
	if v, ok := m.(module.Validator); ok {
		if err := v.Validate(); err != nil {
			return nil, err
		}
	}
	return &use{module: m, decoded: d}, nil
}

// diagnostics is one error of the problems found in a playbook.
func diagnostics(diags hcl.Diagnostics) error {
	var lines []string
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			lines = append(lines, d.Summary+": "+d.Detail)
		}
	}
	return errors.New(strings.Join(lines, "\n"))
}

// acts reports whether the module does something each time it is used.
func (u *user) acts(m any) bool {
	a, ok := m.(module.Actor)
	return u.info.Effects.Has(module.Action) || ok && a.Acts()
}

// variables are the sensitive values that the fixture's variables hold.
func (u *user) variables() []string {
	scope, diags := u.pb.NewScope(u.pb.Plays[0], playbook.Globals{}, playbook.HostInfo{Name: HostName})
	if diags.HasErrors() {
		return nil
	}
	vars := scope.Context(nil).Variables["var"]
	var out []string
	for _, v := range u.pb.Variables {
		if !v.Sensitive {
			continue
		}
		val, _ := vars.GetAttr(v.Name).Unmark()
		if val.Type() == cty.String && val.IsKnown() && !val.IsNull() {
			out = append(out, val.AsString())
		}
	}
	return out
}
