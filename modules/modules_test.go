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

// TestConformance lets every call of every fixture fail.
func TestConformance(t *testing.T) {
	reg := modules.All()
	for _, f := range fixtures(t) {
		t.Run(strings.Join([]string{area(f), f.Module, f.Name}, "/"), func(t *testing.T) {
			moduletest.Conformance(t, reg, f)
		})
	}
}
