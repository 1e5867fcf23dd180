package packages

import (
	"strings"
	"testing"
	"time"

	"github.com/ferry-ops/ferry/engine/host/hosttest"
	"github.com/ferry-ops/ferry/engine/module"
)

// Packages that are missing are installed in one transaction; anything else
// keeps its own.
func TestPackagesJoin(t *testing.T) {
	step := func(names string, more ...func(*packageStep)) *packageStep {
		s := &packageStep{state: "present", names: strings.Fields(names), absent: strings.Fields(names), settled: true, timeout: time.Hour}
		for _, f := range more {
			f(s)
		}
		return s
	}
	state := func(v string) func(*packageStep) { return func(s *packageStep) { s.state = v } }
	repos := func(v ...string) func(*packageStep) { return func(s *packageStep) { s.repos = v } }
	for name, c := range map[string]struct {
		a, b *packageStep
		want string // names; "" if they do not join
	}{
		"two":                       {step("a b"), step("c"), "a b c"},
		"the same twice":            {step("a b"), step("b c"), "a b c"},
		"one that is there":         {step("a"), step("b", func(s *packageStep) { s.absent = nil }), "a"},
		"same repositories":         {step("a", repos("x")), step("b", repos("x")), "a b"},
		"other repositories":        {step("a", repos("x")), step("b"), ""},
		"repositories come before":  {step("epel-release"), step("b"), ""},
		"repositories come last":    {step("a"), step("remi-release"), "a remi-release"},
		"dnf's plugins":             {step("dnf-plugins-core"), step("b"), ""},
		"removed":                   {step("a", state("absent")), step("b", state("absent")), ""},
		"latest":                    {step("a"), step("b", state("latest")), ""},
		"a transaction to conclude": {step("a"), step("b", func(s *packageStep) { s.settled = false }), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := c.a.Join(c.b)
			if !ok {
				if c.want != "" {
					t.Fatal("they do not join")
				}
				return
			}
			both := got.(*packageStep)
			if s := strings.Join(both.names, " "); s != c.want {
				t.Errorf("it would install %q, want %q", s, c.want)
			}
			if len(c.a.repos) > 0 && len(both.repos) == 0 {
				t.Error("it forgets the repositories")
			}
			if name == "repositories come last" {
				return // and nothing joins after them
			}
			if third, ok := got.(module.Joiner).Join(step("z", func(s *packageStep) { s.repos = c.a.repos })); !ok || !strings.HasSuffix(strings.Join(third.(*packageStep).names, " "), " z") {
				t.Error("a third does not join")
			}
		})
	}
}

// What Probe saw is missing is not asked for again, but for whom something may
// have been installed since: after an action, and after one with others.
func TestPackageAsksOnce(t *testing.T) {
	const query = "rpm -q --qf '%{NAME}\\t%{EPOCHNUM}\\t%{VERSION}\\t%{RELEASE}\\t%{ARCH}\\t%{VENDOR}\\n' -- "
	host := func() *hosttest.Host {
		s, err := hosttest.Parse("fact package_manager dnf\n$ "+query+"a\npackage a is not installed\n[exit 1]\n$ "+query+"b\npackage b is not installed\n[exit 1]\n"+
			"$ "+query+"a b\npackage a is not installed\npackage b is not installed\n[exit 2]\njob …\n", nil)
		if err != nil {
			t.Fatal(err)
		}
		return hosttest.New("web1", s)
	}
	step := func(h *hosttest.Host, name string) *packageStep {
		s := &packageStep{state: "present", names: []string{name}, timeout: time.Hour}
		if _, err := s.Probe(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		return s
	}
	apply := func(h *hosttest.Host, s *packageStep) (asked int) {
		before := len(h.Calls())
		if err := s.Apply(t.Context(), h, nil); err != nil {
			t.Fatal(err)
		}
		for _, c := range h.Calls()[before:] {
			if strings.HasPrefix(c.Line, "$ rpm") {
				asked++
			}
		}
		return asked
	}
	h := host()
	s := step(h, "a")
	if first, second := apply(h, s), apply(h, s); first != 0 || second != 1 {
		t.Errorf("Apply asked %d times, and called again %d times", first, second)
	}
	a, b := step(h, "a"), step(h, "b")
	both, ok := a.Join(b)
	if !ok {
		t.Fatal("they do not join")
	}
	if joint, alone := apply(h, both.(*packageStep)), apply(h, a); joint != 0 || alone != 1 {
		t.Errorf("Apply asked %d times for both, and for one after that %d times", joint, alone)
	}
}
