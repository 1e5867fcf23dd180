package files

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func drawText(t *rapid.T) string {
	l := rapid.SampledFrom([]string{"", "Port 22", "#Port 22", "Port 2222", "Match all", "  indented", "# BEGIN ferry x", "# END ferry x", "end"})
	s := strings.Join(rapid.SliceOfN(l, 0, 10).Draw(t, "lines"), "\n")
	if rapid.Bool().Draw(t, "newline") && s != "" {
		s += "\n"
	}
	return s
}

// An edit that is made twice is made once, or a task would never converge.
func TestLineProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		re := rapid.SampledFrom([]string{"", "^#?Port", "^#Port", "^Match", "22$", "nothing"})
		l := &line{
			line: rapid.SampledFrom([]string{"Port 22", "Port 2222", "#Port 22", "new"}).Draw(t, "line"), match: re.Draw(t, "match"),
			after: re.Draw(t, "after"), state: rapid.SampledFrom([]string{"present", "absent"}).Draw(t, "state"),
		}
		if l.after == "" {
			l.before = re.Draw(t, "before")
		}
		text := drawText(t)
		once := l.edit(text)
		if twice := l.edit(once); twice != once {
			t.Fatalf("edit of %q: %q, then %q", text, once, twice)
		}
		lines := splitLines(once)
		switch {
		case l.state == "present" && !slices.Contains(lines, l.line):
			t.Fatalf("the line is not in %q", once)
		case l.state == "absent" && l.match == "" && slices.Contains(lines, l.line):
			t.Fatalf("the line is still in %q", once)
		}
		for _, s := range splitLines(text) { // nothing else is lost
			touched := s == l.line || l.match != "" && regexp.MustCompile(l.match).MatchString(s)
			if !touched && !slices.Contains(lines, s) {
				t.Fatalf("the line %q of %q is lost in %q", s, text, once)
			}
		}
	})
}

func TestBlockProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &blockInFile{marker: "x", comment: "#", state: "present", block: rapid.SampledFrom([]string{"a", "a\nb\n", "\n\na\n"}).Draw(t, "block")}
		text := drawText(t)
		once, err := b.edit(text)
		if err != nil {
			return
		}
		if twice, err := b.edit(once); err != nil || twice != once {
			t.Fatalf("edit of %q: %q, then %q, %v", text, once, twice, err)
		}
		if !strings.Contains(once, "# BEGIN ferry x\n"+joinLines(splitLines(b.block))+"# END ferry x\n") {
			t.Fatalf("the block is not in %q", once)
		}
		b.state = "absent"
		if gone, err := b.edit(once); err != nil || strings.Count(gone, "# BEGIN ferry x") >= strings.Count(once, "# BEGIN ferry x") {
			t.Fatalf("the block is still in %q, %v", gone, err)
		}
	})
}

func FuzzLine(f *testing.F) {
	f.Add("a\nb\n", "b", "^a")
	f.Fuzz(func(t *testing.T, text, want, match string) {
		l := &line{line: want, match: match, state: "present"}
		l.path = "/x"
		if l.Validate() != nil {
			t.Skip()
		}
		once := l.edit(text)
		if twice := l.edit(once); twice != once {
			t.Errorf("edit of %q: %q, then %q", text, once, twice)
		}
	})
}

func FuzzBlockInFile(f *testing.F) {
	f.Add("a\n# BEGIN ferry x\n# END ferry x\n", "b")
	f.Fuzz(func(t *testing.T, text, block string) {
		b := &blockInFile{marker: "x", comment: "#", state: "present", block: block}
		if b.Validate() != nil {
			t.Skip()
		}
		once, err := b.edit(text)
		if err != nil {
			return
		}
		if twice, err := b.edit(once); err != nil || twice != once {
			t.Errorf("edit of %q: %q, then %q, %v", text, once, twice, err)
		}
	})
}
