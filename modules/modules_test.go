package modules_test

import (
	"flag"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-ops/ferry/engine/module/moduletest"
	"github.com/ferry-ops/ferry/modules"
)

var update = flag.Bool("update", false, "rewrite what fixtures expect, and README.md")

// fixtures are those of all modules.
func fixtures(t *testing.T) []*moduletest.Fixture {
	t.Helper()
	paths, err := filepath.Glob("*/testdata/*/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var out []*moduletest.Fixture
	for _, p := range paths {
		abs, err := filepath.Abs(p)
		if err != nil {
			t.Fatal(err)
		}
		f, err := moduletest.Load(abs)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

func area(f *moduletest.Fixture) string {
	dir := filepath.Dir(filepath.Dir(filepath.Dir(f.Path)))
	return filepath.Base(dir)
}

// TestFixtures runs every fixture: -run TestFixtures/AREA/MODULE/CASE picks some.
func TestFixtures(t *testing.T) {
	reg := modules.All()
	for _, f := range fixtures(t) {
		t.Run(strings.Join([]string{area(f), f.Module, f.Name}, "/"), func(t *testing.T) {
			moduletest.Run(t, reg, f, *update)
		})
	}
}

// tolerated are calls whose exit code 1 a module passes over, each with the
// reason it should not.
var tolerated = map[string][]string{
	// "dnf check" that fails and prints nothing on standard output proves nothing.
}

// TestConformance lets every call of every fixture fail.
func TestConformance(t *testing.T) {
	reg := modules.All()
	for _, f := range fixtures(t) {
		t.Run(strings.Join([]string{area(f), f.Module, f.Name}, "/"), func(t *testing.T) {
			moduletest.Conformance(t, reg, f, tolerated[f.Kind()]...)
		})
	}
}

// TestInfo checks what every module says of itself.
func TestInfo(t *testing.T) {
	reg := modules.All()
	for _, i := range reg.All() {
		t.Run(i.Kind()+"/"+i.Name, func(t *testing.T) { moduletest.Info(t, reg, i) })
	}
}

// TestCoverage wants a fixture in which a module finds something to do, and one
// in which there is nothing to do.
func TestCoverage(t *testing.T) {
	type seen struct{ finds, nothing bool }
	have := map[string]*seen{}
	for _, f := range fixtures(t) {
		kind := f.Kind()
		if have[kind] == nil {
			have[kind] = &seen{}
		}
		plan, converged, failure, findings, passes := f.Expects()
		s := have[kind]
		s.finds = s.finds || plan || findings
		s.nothing = s.nothing || converged || passes
		if looksOnly[kind] {
			s.finds = s.finds || failure || converged
		}
	}
	for _, i := range modules.All().All() {
		name := i.Kind() + " " + i.Name
		s := have[name]
		switch {
		case s == nil:
			t.Errorf("%s has no fixture", name)
		case !s.finds:
			t.Errorf("%s has no fixture in which something must change (or, for a check, is found)", name)
		case !s.nothing && name != "task fail":
			t.Errorf("%s has no fixture in which nothing must change (or, for a check, is found)", name)
		}
	}
}

// looksOnly are tasks that never have anything to change.
var looksOnly = map[string]bool{"task assert": true, "task fail": true, "task print": true, "task stat": true}
