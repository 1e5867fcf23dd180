package moduletest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/ferry-ops/ferry/engine/host/hosttest"
)

// HostName is the name of the host in every fixture.
const HostName = "web1"

// Fixture is one case of one module.
type Fixture struct {
	Path   string
	Module string // the directory's name; a check's is "check_NAME" where a task has the name too
	Name   string

	archive *txtar.Archive
	state   *hosttest.State
	stages  []hosttest.Stage
}

// sections of a fixture, besides "after: …" and "local/…".
const (
	secStep     = "step.hcl"
	secVars     = "vars.hcl"
	secHost     = "host"
	secPlan     = "plan"
	secDiff     = "diff"
	secCommands = "commands"
	secError    = "error"
	secFindings = "findings"
	secResults  = "results"
)

// Load reads a fixture.
func Load(path string) (*Fixture, error) {
	ar, err := txtar.ParseFile(path)
	if err != nil {
		return nil, err
	}
	f := &Fixture{Path: path, Module: filepath.Base(filepath.Dir(path)), Name: strings.TrimSuffix(filepath.Base(path), ".txtar"), archive: ar}
	read := func(name string) ([]byte, error) {
		return os.ReadFile(filepath.Join(filepath.Dir(path), "..", "recorded", name))
	}
	for _, sec := range ar.Files {
		after, stage := strings.CutPrefix(sec.Name, "after: ")
		switch {
		case sec.Name == secHost, stage:
			st, err := hosttest.Parse(string(sec.Data), read)
			if err != nil {
				return nil, fmt.Errorf("%s: section %q: %w", path, sec.Name, err)
			}
			if stage {
				f.stages = append(f.stages, hosttest.Stage{After: strings.TrimPrefix(after, "$ "), State: st})
			} else {
				f.state = st
			}
		case strings.HasPrefix(sec.Name, "local/"):
		default:
			if !known(sec.Name) {
				return nil, fmt.Errorf("%s: a fixture has no section %q", path, sec.Name)
			}
		}
	}
	if f.state == nil {
		f.state, _ = hosttest.Parse("", nil)
	}
	if _, ok := f.section(secStep); !ok {
		return nil, fmt.Errorf("%s: the section %q is missing: the task or check as a user writes it", path, secStep)
	}
	return f, nil
}

func known(name string) bool {
	switch name {
	case secStep, secVars, secHost, secPlan, secDiff, secCommands, secError, secFindings, secResults:
		return true
	}
	return false
}

func (f *Fixture) section(name string) (string, bool) {
	for _, s := range f.archive.Files {
		if s.Name == name {
			return string(s.Data), true
		}
	}
	return "", false
}

// set replaces or adds a section; remove takes one out.
func (f *Fixture) set(name, text string) {
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	for i := range f.archive.Files {
		if f.archive.Files[i].Name == name {
			f.archive.Files[i].Data = []byte(text)
			return
		}
	}
	f.archive.Files = append(f.archive.Files, txtar.File{Name: name, Data: []byte(text)})
}

func (f *Fixture) remove(name string) {
	for i, s := range f.archive.Files {
		if s.Name == name {
			f.archive.Files = append(f.archive.Files[:i], f.archive.Files[i+1:]...)
			return
		}
	}
}

func (f *Fixture) save() error {
	return os.WriteFile(f.Path, txtar.Format(f.archive), 0o644)
}

// host is a fresh host of the fixture.
func (f *Fixture) host() *hosttest.Host { return hosttest.New(HostName, f.state, f.stages...) }

// Expects says what a fixture shows of its module.
func (f *Fixture) Expects() (plan, converged, failure, findings, passes bool) {
	p, hasPlan := f.section(secPlan)
	_, failure = f.section(secError)
	fs, hasFindings := f.section(secFindings)
	plan = hasPlan && strings.TrimSpace(p) != ""
	converged = hasPlan && strings.TrimSpace(p) == "" && !failure
	findings = hasFindings && strings.TrimSpace(fs) != ""
	passes = hasFindings && strings.TrimSpace(fs) == ""
	return
}

// Kind is the module the fixture's block uses, as "task NAME" or "check NAME".
func (f *Fixture) Kind() string {
	block, _ := f.section(secStep)
	for line := range strings.Lines(block) {
		w := strings.Fields(line)
		if len(w) > 2 && (w[0] == "task" || w[0] == "check") {
			return w[0] + " " + strings.Trim(w[1], `"`)
		}
	}
	return f.Module
}
