package source

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var hash = "h1:" + strings.Repeat("A", 43) + "="

func TestLockRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l Lock
		for range rapid.IntRange(0, 5).Draw(t, "n") {
			e := Entry{Source: rapid.SampledFrom([]string{"git::https://h/a", "git::https://h/a?ref=v${1}", "./x.zip", "https://h/$${x}.zip", "git::file:///a%7B"}).Draw(t, "source"), Hash: hash}
			a, err := Parse(e.Source)
			if err != nil {
				continue
			}
			if a.Kind == Git {
				e.Commit = strings.Repeat("0a", 20)
			}
			e.Constraint = rapid.SampledFrom([]string{"", "~> 1.2", ">= 1, < 2"}).Draw(t, "constraint")
			e.Version = rapid.String().Draw(t, "version")
			l.add(e)
		}
		got, diags := ParseLock(l.Bytes(), "lock")
		if diags.HasErrors() {
			t.Fatalf("%v\n%s", diags, l.Bytes())
		}
		if len(got.Entries) != len(l.Entries) {
			t.Fatalf("%s", cmp.Diff(l, got))
		}
	})
}

func TestParseLockRefuses(t *testing.T) {
	entry := func(label, body string) string { return "source \"" + label + "\" {\n" + body + "\n}\n" }
	good := "hash = \"" + hash + "\""
	for text, want := range map[string]string{
		"x = 1":                                             "no argument",
		"sorce \"a\" {}":                                    "nothing else",
		entry("./a", good):                                  "not the address of a remote source",
		entry("git::https://h/a", good):                     "no valid commit",
		entry("./a.zip", "hash = \"x\""):                    "no valid hash",
		entry("./a.zip", "hash = 1"):                        "must be a string",
		entry("./a.zip//s", good):                           "not the address",
		entry("./a.zip", good+"\nx = \"\""):                 `no "x"`,
		entry("./a.zip", good+"\nconstraint = \"x\""):       "not a version constraint",
		entry("./a.zip", good) + entry("./a.zip", good):     "twice",
		entry("./a.zip", good+"\nversion = file(\"/etc\")"): "must be a string",
	} {
		_, diags := ParseLock([]byte(text), "lock")
		if !diags.HasErrors() || !strings.Contains(diags[0].Detail, want) {
			t.Errorf("%s\ngives %v, want %q", text, diags, want)
		}
	}
}

func FuzzParseLock(f *testing.F) {
	f.Add([]byte("source \"./a.zip\" {\n  hash = \"" + hash + "\"\n}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, diags := ParseLock(text, "lock")
		if diags.HasErrors() {
			return
		}
		again, diags := ParseLock(l.Bytes(), "lock")
		if diags.HasErrors() || !cmp.Equal(l, again) {
			t.Fatalf("%v\n%s", diags, cmp.Diff(l, again))
		}
	})
}
