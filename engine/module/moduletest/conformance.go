package moduletest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ferry-ops/ferry/engine/host/hosttest"
	"github.com/ferry-ops/ferry/engine/module"
)

// maxCalls bounds the calls of one Probe or Apply that are made to fail.
const maxCalls = 400

// Conformance puts a fixture through what the engine relies on. Calls in
// tolerated may exit with 1 in Apply without being noticed.
func Conformance(t *testing.T, reg *module.Registry, f *Fixture, tolerated ...string) {
	t.Helper()
	u, err := f.user(t, reg, t.TempDir())
	if err != nil {
		return // the fixture is about arguments that do not decode
	}
	if _, err := u.use(f.host()); err != nil {
		return
	}
	c := conformance{t: t, f: f, u: u, tolerated: tolerated}
	if u.info.Effects.Has(module.Local) {
		c.local()
		return
	}
	c.cancelled()
	for _, fault := range []hosttest.Fault{hosttest.Unreachable, hosttest.Lost, hosttest.Cancelled, hosttest.ExitOne} {
		c.look(fault)
	}
	_, isStep := c.use(f.host()).module.(module.Step)
	if plan, _, failure, _, _ := f.Expects(); isStep && plan && !failure {
		c.twice()
		for _, fault := range []hosttest.Fault{hosttest.Unreachable, hosttest.Lost, hosttest.ExitOne} {
			c.killed(fault)
		}
	}
}

type conformance struct {
	t *testing.T
	f *Fixture
	u *user

	tolerated []string
}

func (c conformance) use(h *hosttest.Host) *use {
	c.t.Helper()
	one, err := c.u.use(h)
	if err != nil {
		c.t.Fatalf("%s: the arguments do not decode a second time: %s", c.f.Path, err)
	}
	return one
}

// probe looks once, as a step or a check; n is how much it found.
func (c conformance) probe(ctx context.Context, one *use, h *hosttest.Host) (plan module.Plan, n int, err error) {
	switch m := one.module.(type) {
	case module.Check:
		fs, err := m.Check(ctx, h)
		c.secrets(one, h, nil, fs, err)
		return nil, len(fs), err
	case module.Step:
		plan, err := m.Probe(ctx, h)
		c.secrets(one, h, plan, nil, err)
		return plan, len(plan), err
	}
	return nil, 0, fmt.Errorf("%T is neither a step nor a check", one.module)
}

// local proves that a module which promised not to need the host does not.
func (c conformance) local() {
	h := c.f.host()
	_, _, _ = c.probe(context.Background(), c.use(h), h)
	before := len(c.u.pb.Facts)
	if calls := h.Calls(); len(calls) > min(1, before) {
		c.t.Errorf("%s: the module is declared Local and asks the host: %s", c.f.Path, calls[len(calls)-1].Line)
	}
}

// cancelled proves that a cancelled context ends everything at once.
func (c conformance) cancelled() {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	h := c.f.host()
	one := c.use(h)
	asked := c.f.host()
	_, _, _ = c.probe(context.Background(), c.use(asked), asked)
	start := time.Now()
	if _, _, err := c.probe(ctx, one, h); err == nil && len(asked.Calls()) > len(h.Calls()) {
		c.t.Errorf("%s: with a cancelled context, looking gives no error", c.f.Path)
	}
	if _, ok := one.module.(module.Step); ok {
		h := c.f.host()
		one := c.use(h)
		if plan, _, err := c.probe(context.Background(), one, h); err == nil && len(plan) > 0 {
			s := one.module.(module.Step)
			if err := s.Apply(ctx, h, plan); err == nil {
				c.t.Errorf("%s: with a cancelled context, Apply gives no error", c.f.Path)
			}
		}
	}
	if d := time.Since(start); d > 2*time.Second {
		c.t.Errorf("%s: with a cancelled context it took %s to give up", c.f.Path, d)
	}
}

// look lets every call of looking fail, one after the other.
func (c conformance) look(fault hosttest.Fault) {
	c.t.Helper()
	for n := 1; n <= maxCalls; n++ {
		h := c.f.host()
		one := c.use(h)
		skip := len(h.Calls())
		h.Break(n, fault)
		_, found, err := c.probe(context.Background(), one, h)
		if !h.Struck() {
			return
		}
		call := firstLine(h.Calls()[skip+n-1].Line)
		switch {
		case fault == hosttest.ExitOne && err == nil && found == 0:
			c.t.Errorf("%s: call %d of looking (%s) exits with 1, and the result is that nothing has to change", c.f.Path, n, call)
		case fault != hosttest.ExitOne && err == nil:
			c.t.Errorf("%s: call %d of looking (%s) fails (%s), and looking succeeds", c.f.Path, n, call, fault)
		case fault != hosttest.ExitOne && !fault.Is(err):
			c.t.Errorf("%s: call %d of looking (%s) fails (%s), and the error does not wrap that: %s", c.f.Path, n, call, fault, err)
		}
	}
}

// twice proves that Apply can be called again on a host that complies.
func (c conformance) twice() {
	c.t.Helper()
	h := c.f.host()
	one := c.use(h)
	plan, _, err := c.probe(context.Background(), one, h)
	if err != nil {
		return // Run reports it
	}
	s := one.module.(module.Step)
	if c.u.acts(s) {
		return
	}
	if err := s.Apply(context.Background(), h, plan); err != nil {
		return
	}
	first := h.Snapshot()
	one = c.use(h)
	if err := one.module.(module.Step).Apply(context.Background(), h, plan); err != nil {
		c.t.Errorf("%s: Apply on a host that complies already fails: %s", c.f.Path, err)
	}
	if d := cmp.Diff(first, h.Snapshot()); d != "" {
		c.t.Errorf("%s: a second Apply makes other files than the first (-first +second):\n%s", c.f.Path, d)
	}
}

// killed stops Apply at every call and runs again.
func (c conformance) killed(fault hosttest.Fault) {
	c.t.Helper()
	ctx := context.Background()
	for n := 1; n <= maxCalls; n++ {
		h := c.f.host()
		one := c.use(h)
		plan, _, err := c.probe(ctx, one, h)
		if err != nil {
			return
		}
		s := one.module.(module.Step)
		acts := c.u.acts(s)
		skip := len(h.Calls())
		h.Kill(n, fault)
		err = s.Apply(ctx, h, plan)
		c.secrets(one, h, plan, nil, err)
		if !h.Struck() {
			return
		}
		line := firstLine(h.Calls()[skip+n-1].Line)
		at := fmt.Sprintf("%s: call %d of Apply (%s) fails (%s)", c.f.Path, n, line, fault)
		switch {
		case err == nil && fault == hosttest.ExitOne && slices.Contains(c.tolerated, line):
		case err == nil:
			c.t.Errorf("%s, and Apply succeeds", at)
		case fault != hosttest.ExitOne && !fault.Is(err):
			c.t.Errorf("%s, and the error does not wrap that: %s", at, err)
		}
		h.Mend()
		if acts {
			continue
		}
		c.again(h, at)
	}
}

// again runs the module on a host that an earlier run was killed on.
func (c conformance) again(h *hosttest.Host, at string) {
	c.t.Helper()
	ctx := context.Background()
	one := c.use(h)
	plan, _, err := c.probe(ctx, one, h)
	if err != nil {
		c.t.Errorf("%s; looking again fails: %s", at, err)
		return
	}
	if len(plan) == 0 {
		return
	}
	if err := one.module.(module.Step).Apply(ctx, h, plan); err != nil {
		c.t.Errorf("%s; running again fails: %s", at, err)
		return
	}
	left, _, err := c.probe(ctx, c.use(h), h)
	switch {
	case err != nil:
		c.t.Errorf("%s; after running again, looking fails: %s", at, err)
	case len(left) > 0:
		c.t.Errorf("%s; after running again the host still differs:\n%s", at, planLines(left))
	}
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
