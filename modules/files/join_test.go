package files

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/host/hosttest"
	"github.com/ferry-ops/ferry/engine/module"
)

// What is joined leaves the host, and says of each task, what one after the other
// would. The engine's part is imitated here; its own tests are with it.
func TestJoinedEqualsOneByOne(t *testing.T) {
	joints := 0
	rapid.Check(t, func(t *rapid.T) {
		state := drawHost(t)
		steps := rapid.SliceOfN(rapid.Custom(drawStep), 1, 8).Draw(t, "steps")
		one, both := newHost(t, state), newHost(t, state)
		want := oneByOne(t, one, steps)
		got, n := joined(t, both, steps)
		joints += n
		if got != want || one.Snapshot() != both.Snapshot() {
			t.Fatalf("host:\n%s\nsteps:\n%s\none by one: %s\n%s\njoined: %s\n%s\ncalls:\n%s", state, describe(steps), want, one.Snapshot(), got, both.Snapshot(), strings.Join(both.Writes(), "\n"))
		}
	})
	if joints == 0 {
		t.Error("nothing was joined")
	}
	t.Logf("%d joint actions", joints)
}

type maker struct {
	text string
	make func() module.Step // as the engine does: a fresh one for each look
}

func describe(steps []maker) string {
	var out []string
	for _, s := range steps {
		out = append(out, s.text)
	}
	return strings.Join(out, "\n")
}

var drawnPaths = []string{"/d/a", "/d/b", "/d/e/c", "/f/a", "/f/g", "/etc/x", "/l"}

func drawHost(t *rapid.T) string {
	var s strings.Builder
	for _, p := range drawnPaths {
		switch rapid.IntRange(0, 3).Draw(t, "at "+p) {
		case 0:
			fmt.Fprintf(&s, "file %s %s app app\n|one\n|two\n", p, rapid.SampledFrom([]string{"0644", "0600"}).Draw(t, "mode"))
		case 1:
			if p == "/l" {
				s.WriteString("link /l -> /f/g\n")
			}
		}
	}
	if rapid.Bool().Draw(t, "/d") {
		s.WriteString("dir /d 0700 app app\n")
	}
	return s.String()
}

func drawStep(t *rapid.T) maker {
	attr := attributes{mode: rapid.SampledFrom([]uint32{0, 0o644, 0o644, 0o600}).Draw(t, "mode"), owner: rapid.SampledFrom([]string{"", "", "app"}).Draw(t, "owner")}
	p := rapid.SampledFrom(drawnPaths).Draw(t, "path")
	to := target{path: p, attributes: attr}
	kind := rapid.SampledFrom([]string{"file", "copy", "template", "line", "line", "absent", "block"}).Draw(t, "kind")
	word := rapid.SampledFrom([]string{"one", "two", "three"}).Draw(t, "word")
	match := rapid.SampledFrom([]string{"", "^t"}).Draw(t, "match")
	create := rapid.Bool().Draw(t, "create")
	m := maker{text: fmt.Sprint(kind, " ", p, " ", word, " ", match, " ", create, " ", attr)}
	switch kind {
	case "file":
		d := rapid.SampledFrom([]string{"/d", "/d/e", "/d/e/k", "/f", "/f/g", "/f/a"}).Draw(t, "directory")
		m.text = fmt.Sprint("directory ", d, " ", attr)
		m.make = func() module.Step { return &file{path: d, state: "directory", attributes: attr} }
	case "copy":
		m.make = func() module.Step { return &copyFile{content: word + "\n", target: to} }
	case "template":
		m.make = func() module.Step { return &template{content: word + "\nfour\n", target: to} }
	case "line":
		m.make = func() module.Step {
			return &line{state: "present", line: word, match: match, create: create, target: to}
		}
	case "absent":
		m.make = func() module.Step { return &line{state: "absent", line: word, match: match, target: to} }
	case "block":
		m.make = func() module.Step {
			return &blockInFile{state: "present", marker: word, comment: "#", block: word, create: create, target: to}
		}
	}
	return m
}

func newHost(t *rapid.T, state string) *hosttest.Host {
	s, err := hosttest.Parse(state, nil)
	if err != nil {
		t.Fatal(err)
	}
	return hosttest.New("h", s)
}

func oneByOne(t *rapid.T, h *hosttest.Host, steps []maker) string {
	var out []string
	for _, m := range steps {
		status, ok := alone(t, h, m, nil)
		if out = append(out, status); !ok {
			break
		}
	}
	return strings.Join(out, " ")
}

// alone is what the engine does for one task. join, if set, acts in its place.
func alone(t *rapid.T, h *hosttest.Host, m maker, join func(module.Step, module.Plan) error) (status string, ok bool) {
	s := m.make()
	plan, err := s.Probe(t.Context(), h)
	switch {
	case err != nil:
		return "failed", false
	case len(plan) == 0:
		return "ok", true
	}
	if join == nil {
		join = func(s module.Step, p module.Plan) error { return s.Apply(t.Context(), h, p) }
	}
	if err := join(s, plan); err != nil {
		return "failed", false
	}
	if left, err := m.make().Probe(t.Context(), h); err != nil || len(left) > 0 {
		return "not converged", false
	}
	return "changed", true
}

func joined(t *rapid.T, h *hosttest.Host, steps []maker) (string, int) {
	var out []string
	companions := map[int]bool{}
	apart, joints := false, 0
	for i, m := range steps {
		status, ok := alone(t, h, m, func(s module.Step, plan module.Plan) error {
			first := s
			var with []int
			for k := i + 1; k < len(steps) && !apart; k++ {
				next := steps[k].make()
				p, err := next.Probe(t.Context(), h)
				if err != nil {
					break
				}
				both, ok := s.(module.Joiner).Join(next)
				if !ok {
					break
				}
				s = both
				if len(p) > 0 {
					with = append(with, k)
				}
			}
			if len(with) == 0 {
				return first.Apply(t.Context(), h, plan)
			}
			joints++
			for _, k := range with {
				companions[k] = true
			}
			if err := s.Apply(t.Context(), h, plan); err != nil {
				apart = true
				return first.Apply(t.Context(), h, plan)
			}
			return nil
		})
		if status == "ok" && companions[i] {
			status = "changed"
		}
		if out = append(out, status); !ok {
			break
		}
	}
	return strings.Join(out, " "), joints
}

func TestJoin(t *testing.T) {
	absent := &seenFile{}
	at := func(p string, more ...func(*target)) target {
		to := target{path: p, real: p, probed: absent, attributes: attributes{mode: 0o644}}
		for _, f := range more {
			f(&to)
		}
		return to
	}
	dir := func(p string) *file { return &file{path: p, state: "directory"} }
	text := func(p string, more ...func(*target)) *copyFile {
		return &copyFile{content: "x\n", target: at(p, more...)}
	}
	add := func(p, l, match string, more ...func(*target)) *line {
		return &line{state: "present", line: l, match: match, create: true, target: at(p, more...)}
	}
	for name, c := range map[string]struct {
		steps []module.Step
		want  string // of the script's parts; "" if they do not join
	}{
		"a directory and what goes into it":       {[]module.Step{dir("/d"), text("/d/a"), text("/d/b")}, "/d/ /d/a /d/b"},
		"a directory that is made on the way":     {[]module.Step{dir("/d/e"), dir("/d")}, ""},
		"lines of one file":                       {[]module.Step{add("/a", "one", ""), add("/a", "two", "")}, "/a"},
		"lines that take each other's place":      {[]module.Step{add("/a", "a one", "^a"), add("/a", "a two", "^a")}, ""},
		"lines of one file, other modes":          {[]module.Step{add("/a", "one", ""), add("/a", "two", "", func(t *target) { t.mode = 0o600 })}, ""},
		"content and then a line of it":           {[]module.Step{text("/a"), add("/a", "one", "")}, ""},
		"one name in two places":                  {[]module.Step{text("/d/a"), text("/e/a")}, ""},
		"one that is kept as it was":              {[]module.Step{text("/a"), text("/b", func(t *target) { t.backup = true })}, ""},
		"one with a check of its own":             {[]module.Step{text("/a"), text("/b", func(t *target) { t.validate = []string{"%s"} })}, ""},
		"one behind a link":                       {[]module.Step{text("/a"), text("/b", func(t *target) { t.real = "/c" })}, ""},
		"one that not everybody may read":         {[]module.Step{text("/a"), text("/b", func(t *target) { t.mode = 0o600 })}, ""},
		"one that is as it must be":               {[]module.Step{text("/a"), text("/b", func(t *target) { t.probed = &seenFile{[]byte("x\n"), true, host.FileInfo{Mode: 0o644}} })}, "/a"},
		"one that only differs in its mode":       {[]module.Step{text("/a"), text("/b", func(t *target) { t.probed = &seenFile{[]byte("x\n"), true, host.FileInfo{Mode: 0o640}} })}, ""},
		"a line to take out of what is not there": {[]module.Step{text("/a"), &line{state: "absent", line: "x", target: at("/b")}}, "/a"},
		"a link": {[]module.Step{text("/a"), &file{path: "/b", state: "link"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.steps[0]
			for _, next := range c.steps[1:] {
				both, ok := s.(module.Joiner).Join(next)
				if ok != (c.want != "") {
					t.Fatalf("joins: %v", ok)
				}
				if !ok {
					return
				}
				s = both
			}
			seen := map[string]seenFile{}
			for _, e := range s.(*puts).all {
				seen[e.path] = e.seen
			}
			entries, err := s.(*puts).entries(seen)
			var got []string
			for _, e := range entries {
				if e.Dir {
					e.Path += "/"
				}
				got = append(got, e.Path)
			}
			if strings.Join(got, " ") != c.want || err != nil {
				t.Errorf("%q, want %q: %v", got, c.want, err)
			}
		})
	}
}

// Somebody else's change between looking and acting is not lost.
func TestJoinedEditKeepsOthersChanges(t *testing.T) {
	s, err := hosttest.Parse("file /etc/a 0644 root root\n|one\nfile /etc/b 0644 root root\n|x\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	h := hosttest.New("h", s)
	two := func(p, l string) module.Step { return &line{state: "present", line: l, target: target{path: p}} }
	first, next := two("/etc/a", "two"), two("/etc/b", "y")
	for _, s := range []module.Step{first, next} {
		if _, err := s.Probe(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	both, ok := first.(module.Joiner).Join(next)
	if !ok {
		t.Fatal("they do not join")
	}
	if err := h.WriteFile(t.Context(), "/etc/a", []byte("one\nof somebody else\n"), host.Attr{}); err != nil {
		t.Fatal(err)
	}
	if err := both.Apply(t.Context(), h, nil); err != nil {
		t.Fatal(err)
	}
	got, err := h.ReadFile(t.Context(), "/etc/a")
	if want := "one\nof somebody else\ntwo\n"; string(got) != want || err != nil {
		t.Errorf("%q, want %q: %v", got, want, err)
	}
	if left, err := both.Probe(t.Context(), h); err != nil || len(left) > 0 {
		t.Errorf("left to do: %v %v", left, err)
	}
	if n := slices.IndexFunc(h.Writes(), func(l string) bool { return strings.HasPrefix(l, "write all") }); n < 0 {
		t.Errorf("not in one go: %v", h.Writes())
	}
}
