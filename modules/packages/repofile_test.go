package packages

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// repoText draws the text of a repository file as people write them.
func repoText(t *rapid.T) string {
	line := rapid.SampledFrom([]string{"", "# comment", "; other", "[a]", "[b]", "[c c]", "name=x", "name = y ", "enabled=0", "enabled=1", "baseurl=http://x\n  http://y", "gpgkey =", "junk", "  continued"})
	return strings.Join(rapid.SliceOfN(line, 0, 14).Draw(t, "lines"), "\n")
}

func TestRepoFileProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := repoText(t)
		id := rapid.SampledFrom([]string{"a", "b", "new"}).Draw(t, "id")
		key := rapid.SampledFrom([]string{"name", "enabled", "baseurl", "proxy"}).Draw(t, "key")
		value := rapid.StringMatching(`[a-z0-9:/=,.-]([a-z0-9 :/=,.-]*[a-z0-9])?`).Draw(t, "value")

		f := parseRepoFile(text)
		if again := parseRepoFile(f.String()).String(); again != f.String() {
			t.Fatalf("reading and writing is not stable: %q, %q", f.String(), again)
		}
		others := settingsOf(f, id, key)
		f.set(id, key, value)
		if got, ok := f.get(id, key); !ok || got != value {
			t.Fatalf("set %q, got %q, %v in %q", value, got, ok, f)
		}
		if !slices.Equal(others, settingsOf(f, id, key)) {
			t.Fatalf("set changed other settings of %q: %q -> %q", text, others, settingsOf(f, id, key))
		}
		once := f.String()
		f.set(id, key, value)
		if f.String() != once {
			t.Fatalf("setting twice is not setting once: %q, %q", once, f)
		}
		f.remove(id)
		if slices.Contains(f.ids(), id) {
			t.Fatalf("%q is still in %q", id, f)
		}
	})
}

// settingsOf are all lines that have nothing to do with one setting.
func settingsOf(f repoFile, id, key string) []string {
	var out []string
	for _, other := range f.ids() {
		for _, k := range []string{"name", "enabled", "baseurl", "gpgkey", "proxy"} {
			if v, ok := f.get(other, k); ok && !(other == id && k == key) {
				out = append(out, other+"."+k+"="+v)
			}
		}
	}
	for _, l := range f.lines {
		if strings.HasPrefix(l, "#") || strings.HasPrefix(l, ";") || l == "junk" {
			out = append(out, l)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestRepoFileUnset(t *testing.T) {
	f := parseRepoFile("[a]\nname=x\nbaseurl=http://x\n  http://y\nenabled=1\n")
	f.unset("a", "baseurl")
	f.unset("a", "nothing")
	f.unset("b", "name")
	if got, want := f.String(), "[a]\nname=x\nenabled=1\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestRepoFileEnabled(t *testing.T) {
	for text, want := range map[string]bool{
		"[a]\n": true, "[a]\nenabled=0\n": false, "[a]\nenabled = No\n": false, "[a]\nenabled=1\n": true, "[a]\n# enabled=0\n": true,
	} {
		if got := parseRepoFile(text).enabled("a"); got != want {
			t.Errorf("%q: enabled %v", text, got)
		}
	}
}

func FuzzRepoFile(f *testing.F) {
	f.Add("[a]\nname=x\n", "a", "name", "y")
	f.Fuzz(func(t *testing.T, text, id, key, value string) {
		if !repoID.MatchString(id) || !repoID.MatchString(key) || id == "main" || strings.ContainsAny(value, "\n\r") || strings.TrimSpace(value) != value {
			t.Skip()
		}
		r := parseRepoFile(text)
		r.set(id, key, value)
		if got, ok := r.get(id, key); !ok || got != value {
			t.Errorf("set %q %q %q in %q, got %q, %v", id, key, value, text, got, ok)
		}
		r.unset(id, key)
		r.remove(id)
	})
}
