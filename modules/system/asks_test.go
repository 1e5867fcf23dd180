package system

import (
	"strings"
	"testing"

	"github.com/ferry-ops/ferry/engine/host/hosttest"
	"github.com/ferry-ops/ferry/engine/module"
)

// What Probe saw is not asked for again by Apply, but by an Apply that follows
// another: something was done since.
func TestApplyAsksOnce(t *testing.T) {
	for name, c := range map[string]struct {
		step         module.Step
		host         string
		first, again int // questions
	}{
		"new user":   {&user{name: "a", state: "present"}, "$ getent passwd -- a\n[exit 2]\n$ useradd -m -U -- a\n", 0, 1},
		"shell":      {&user{name: "a", state: "present", shell: "/bin/sh"}, "$ getent passwd -- a\na:x:7:7::/:/bin/bash\n$ usermod -s /bin/sh -- a\n", 0, 1},
		"no user":    {&user{name: "a", state: "absent"}, "$ getent passwd -- a\na:x:7:7::/:/bin/bash\n$ userdel -- a\n", 0, 1},
		"name taken": {&user{name: "a", state: "present"}, "$ getent passwd -- a\n[exit 2]\n$ useradd -m -U -- a\n[exit 9]\n$ getent group -- a\na:x:7:\n$ useradd -m -g a -- a\n", 1, 2},
		"new group":  {&group{name: "a", state: "present"}, "$ getent group -- a\n[exit 2]\n$ groupadd -- a\n", 0, 1},
		"no group":   {&group{name: "a", state: "absent"}, "$ getent group -- a\na:x:7:\n$ groupdel -- a\n", 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := hosttest.Parse(c.host, nil)
			if err != nil {
				t.Fatal(err)
			}
			h := hosttest.New("web1", s)
			plan, err := c.step.Probe(t.Context(), h)
			if err != nil || len(plan) == 0 {
				t.Fatalf("%v, %v", plan, err)
			}
			for _, want := range []int{c.first, c.again} {
				before, asked := len(h.Calls()), 0
				if err := c.step.Apply(t.Context(), h, plan); err != nil {
					t.Fatal(err)
				}
				for _, call := range h.Calls()[before:] {
					if strings.HasPrefix(call.Line, "$ getent") {
						asked++
					}
				}
				if asked != want {
					t.Errorf("Apply asked %d times, want %d", asked, want)
				}
			}
		})
	}
}
