package files

import (
	"slices"
	"strings"
	"testing"
)

func TestSumLine(t *testing.T) {
	sum := strings.Repeat("a", 64)
	for line, want := range map[string]string{
		sum + "  ./x":          "./x",
		sum + "  ./with  two":  "./with  two",
		`\` + sum + `  ./b\\c`: `./b\c`,
	} {
		if name, got, err := sumLine(line); err != nil || name != want || got != sum {
			t.Errorf("%q gives %q %q %v", line, name, got, err)
		}
	}
	if _, _, err := sumLine("short"); err == nil {
		t.Error("a short line is taken")
	}
}

func TestWhatIsExcludedIsSpared(t *testing.T) {
	tr := &tree{exclude: []string{"*.bak", "cache/keep"}}
	for p, want := range map[string]bool{"a.bak": true, "x/a.bak": true, "a.bak/below": true, "cache/keep": true, "keep": false, "a.bakery": false} {
		if tr.excluded(p) != want {
			t.Errorf("%q is excluded: %v", p, !want)
		}
	}
	all := strings.Split("./old\x00./old/x\x00./old/y.bak\x00./old/sub\x00./old/sub/z\x00./new", "\x00")
	if got := tr.spare([]string{"old", "new"}, all); !slices.Equal(got, []string{"old/x", "old/sub", "new"}) {
		t.Errorf("removed: %q", got)
	}
}

// Whatever a host answers, it is read or refused.
func FuzzSeen(f *testing.F) {
	f.Add("absent\n")
	f.Add("here\nregular file|644|root|0|root|0|./a\n---\n" + strings.Repeat("0", 64) + "  ./a\n---\n./l\tto\n")
	f.Add("here\n|||||\n---\n---")
	f.Fuzz(func(t *testing.T, out string) {
		if s, err := parseSeen(out); err == nil && s == nil {
			t.Error("neither an answer nor an error")
		}
	})
}
