package moduletest

import (
	"context"
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/ferry-ops/ferry/engine/host/hosttest"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Run executes a fixture and compares what the module makes of the host with
// what the fixture says. With update, it rewrites the fixture instead.
func Run(t *testing.T, reg *module.Registry, f *Fixture, update bool) {
	t.Helper()
	block, _ := f.section(secStep)
	if string(hclwrite.Format([]byte(block))) != block {
		if !update {
			t.Errorf("%s: the section %q is not formatted; -update formats it", f.Path, secStep)
		}
		f.set(secStep, string(hclwrite.Format([]byte(block))))
	}
	got := f.outcome(t, reg)
	if update {
		f.rewrite(got)
		if err := f.save(); err != nil {
			t.Fatal(err)
		}
		return
	}
	f.compare(t, got)
}

// outcome is everything a fixture can say, by section.
func (f *Fixture) outcome(t *testing.T, reg *module.Registry) map[string]string {
	t.Helper()
	got := map[string]string{}
	dir := t.TempDir()
	u, err := f.user(t, reg, dir)
	if err != nil {
		got[secError] = text(dir, err)
		return got
	}
	h := f.host()
	missing := map[string]bool{}
	h.Unscripted = func(entry string) {
		if !missing[entry] {
			t.Errorf("%s: the fixture does not say what the host answers; add to the section %q (or to a stage):\n%s", f.Path, secHost, entry)
		}
		missing[entry] = true
	}
	one, err := u.use(h)
	if err != nil {
		got[secError] = text(dir, err)
		return got
	}
	if c, ok := one.module.(module.Check); ok {
		findings, err := c.Check(context.Background(), h)
		if err != nil {
			got[secError] = text(dir, err)
		} else {
			got[secFindings] = findingLines(findings)
		}
		got[secResults] = results(one.module)
		f.unused(t, h)
		return got
	}
	f.step(t, u, one, h, got)
	if !t.Failed() {
		f.unused(t, h)
	}
	return got
}

// text is an error without the place where the test keeps its files.
func text(dir string, err error) string {
	return strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), "") + "\n"
}

// step probes, applies and probes again, as the engine does.
func (f *Fixture) step(t *testing.T, u *user, one *use, h *hosttest.Host, got map[string]string) {
	t.Helper()
	ctx := context.Background()
	s, dir := one.module.(module.Step), u.pb.Dir
	plan, err := s.Probe(ctx, h)
	if w := h.Writes(); len(w) > 0 {
		t.Errorf("%s: Probe writes:\n%s", f.Path, strings.Join(w, "\n"))
	}
	defer func() { got[secResults] = results(s) }()
	if err != nil {
		got[secError] = text(dir, err)
		return
	}
	got[secPlan] = planLines(visible(one, plan))
	for _, c := range visible(one, plan) {
		got[secDiff] += c.Diff
	}
	if len(plan) == 0 {
		return
	}
	err = s.Apply(ctx, h, plan)
	got[secCommands] = strings.Join(append(h.Writes(), ""), "\n")
	if err != nil {
		got[secError] = text(dir, err)
		return
	}
	if u.acts(s) {
		return
	}
	again, err := u.use(h)
	if err != nil {
		t.Fatalf("%s: after Apply the arguments do not decode: %s", f.Path, err)
	}
	left, err := again.module.(module.Step).Probe(ctx, h)
	switch {
	case err != nil:
		t.Errorf("%s: looking again after Apply fails: %s", f.Path, err)
	case len(left) > 0:
		t.Errorf("%s: after Apply the host still differs:\n%s(a fake host shows what was done to it in sections \"after: COMMAND\")", f.Path, planLines(left))
	}
}

// unused reports answers of the host that the module never asks for.
func (f *Fixture) unused(t *testing.T, h *hosttest.Host) {
	t.Helper()
	for _, line := range h.Unused() {
		t.Errorf("%s: nothing asks for this entry, so it proves nothing; remove it:\n%s", f.Path, line)
	}
}

// always are the sections that must say what happened; the others are compared
// only where a fixture has them.
var always = []string{secPlan, secCommands, secError, secFindings}

func (f *Fixture) compare(t *testing.T, got map[string]string) {
	t.Helper()
	for _, name := range append([]string{secDiff, secResults}, always...) {
		want, has := f.section(name)
		text, is := got[name]
		optional := name == secDiff || name == secResults
		switch {
		case optional && (!has || want == text):
		case has != is && !is:
			t.Errorf("%s: the section %q says\n%s\nand nothing of the kind happened", f.Path, name, want)
		case has != is:
			t.Errorf("%s: the fixture has no section %q, and what happened is\n%s(-update writes it)", f.Path, name, text)
		case want != text:
			t.Errorf("%s: the section %q differs, -update rewrites it (-want +got):\n%s", f.Path, name, cmp.Diff(want, text))
		}
	}
}

func (f *Fixture) rewrite(got map[string]string) {
	for _, name := range always {
		if text, ok := got[name]; ok {
			f.set(name, text)
		} else {
			f.remove(name)
		}
	}
	for _, name := range []string{secDiff, secResults} {
		if _, has := f.section(name); has {
			f.set(name, got[name])
		}
	}
}

// visible is a plan as the engine shows it: without the values of arguments that
// are sensitive here.
func visible(u *use, p module.Plan) module.Plan {
	out := make(module.Plan, len(p))
	for i, c := range p {
		for _, a := range u.decoded.Sensitive {
			c.Diff = ""
			if c.Argument == a {
				c = module.Change{Argument: a, Sensitive: true}
			}
		}
		if c.Sensitive {
			c = module.Change{Argument: c.Argument, Sensitive: true}
		}
		out[i] = c
	}
	return out
}

func planLines(p module.Plan) string {
	var b strings.Builder
	for _, c := range p {
		b.WriteString(c.Line() + "\n")
	}
	return b.String()
}

func findingLines(fs []module.Finding) string {
	var b strings.Builder
	for _, f := range fs {
		b.WriteString(f.Summary + "\n")
		for _, part := range [][2]string{{"detail", f.Detail}, {"cure", f.Cure}} {
			if part[1] != "" {
				fmt.Fprintf(&b, "  %s: %s\n", part[0], strings.ReplaceAll(part[1], "\n", "\n    "))
			}
		}
		if f.Inhibitor {
			b.WriteString("  inhibitor\n")
		}
	}
	return b.String()
}

// results is what a module tells later tasks, one result a line.
func results(m any) string {
	r, ok := m.(module.Reporter)
	if !ok {
		return ""
	}
	var rs schema.Results
	r.Results(&rs)
	var lines []string
	for name, v := range rs.Value().AsValueMap() {
		lines = append(lines, fmt.Sprintf("%s = %s\n", name, hclwrite.TokensForValue(v).Bytes()))
	}
	sort.Strings(lines)
	return strings.Join(lines, "")
}
