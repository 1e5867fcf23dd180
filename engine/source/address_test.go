package source

import (
	"errors"
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	for in, want := range map[string]Address{
		"./roles/web":     {Kind: Dir, Place: "roles/web"},
		"../web/./x/":     {Kind: Dir, Place: "../web/x"},
		".":               {Kind: Dir, Place: "."},
		"/srv/roles/web":  {Kind: Dir, Place: "/srv/roles/web"},
		"./x//y.tar.gz":   {Kind: Archive, Place: "x/y.tar.gz"},
		"./web.tgz/":      {Kind: Archive, Place: "web.tgz"},
		"./web.tgz":       {Kind: Archive, Place: "web.tgz"},
		"./web.zip//a/b/": {Kind: Archive, Place: "web.zip", Subdir: "a/b"},
		"../web.tar?sha256=" + strings.ToUpper(sum): {Kind: Archive, Place: "../web.tar", SHA256: sum},

		"https://example.com/x/web.zip":                               {Kind: Archive, Place: "https://example.com/x/web.zip"},
		"https://example.com/web.tgz//s?sha256=" + sum + "&token=abc": {Kind: Archive, Place: "https://example.com/web.tgz?token=abc", Subdir: "s", SHA256: sum},

		"git::https://example.com/a/b.git":             {Kind: Git, Place: "https://example.com/a/b.git"},
		"git::https://example.com/b.git//s/t?ref=v1.2": {Kind: Git, Place: "https://example.com/b.git", Subdir: "s/t", Ref: "v1.2"},
		"git::ssh://git@example.com:2222/b.git":        {Kind: Git, Place: "ssh://git@example.com:2222/b.git"},
		"git::git@example.com:team/b.git//s":           {Kind: Git, Place: "ssh://git@example.com/team/b.git", Subdir: "s"},
		"git::file:///srv/b.git//s":                    {Kind: Git, Place: "file:///srv/b.git", Subdir: "s"},

		"ferry//stacks/nginx": {Kind: Builtin, Place: "stacks/nginx"},
	} {
		if got, err := Parse(in); err != nil || got != want {
			t.Errorf("%s gives %+v (%v), want %+v", in, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"":                                      "empty",
		"roles/web":                             "Write ./roles/web",
		"github.com/x/y":                        "git::https://",
		"http://example.com/x.zip":              "use https",
		"git::http://example.com/x":             `over "http"`,
		"git::ext::sh -c id":                    "blank",
		"git::ext::sh":                          `over "ext"`,
		"git::--upload-pack=x":                  "nothing is fetched over",
		"git::ssh://-oProxyCommand=x/y":         "no host",
		"git::ssh://-x@host/y":                  "no host",
		"git::https://u:secret@host/x":          "password",
		"git::https://host/x?ref=--upload-pack": "not the name",
		"git::https://host/x?ref=a..b":          "not the name",
		"git::https://host/x?depth=1":           "parameter ref",
		"git::https://host":                     "nothing on it",
		"git::https://host/x#v1":                `behind "#"`,
		"git::https://host/x//../..":            "leaves the source",
		"git::file://host/x":                    "names a host",
		"https://host/x":                        "git::https://host/x",
		"https://host/x.zip//a/../../b":         "leaves the source",
		"./x.zip?sha256=abc":                    "not a SHA-256",
		"./x.zip?x=1":                           "sha256 and no other",
		"./x?ref=1":                             "question mark",
		"ferry//":                               "names nothing",
		"ferry//?":                              "question mark",
		"./a\nb":                                "control character",
		"./a\\b":                                "backslash",
		"./" + strings.Repeat("a", 3000):        "2048",
	} {
		_, err := Parse(in)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Detail, want) {
			t.Errorf("%q gives %v, want %q", in, err, want)
		}
		if e != nil && strings.Contains(e.Detail, "secret") {
			t.Errorf("%q: the message shows the password: %s", in, e.Detail)
		}
	}
}

// Whatever is accepted means the same when it is written again, and a directory
// inside a source cannot be left.
func holds(t interface{ Fatalf(string, ...any) }, in string) {
	a, err := Parse(in)
	if err != nil {
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("%q: %v is no *Error", in, err)
		}
		return
	}
	b, err := Parse(a.String())
	if err != nil || a != b {
		t.Fatalf("%q is %+v, written %q, which is %+v (%v)", in, a, a.String(), b, err)
	}
	if a.Subdir != "" && (path.IsAbs(a.Subdir) || path.Clean(a.Subdir) == ".." || strings.HasPrefix(path.Clean(a.Subdir), "../")) {
		t.Fatalf("%q leaves the source: %q", in, a.Subdir)
	}
	if a.Kind == Git && (strings.HasPrefix(a.Place, "-") || strings.HasPrefix(a.Ref, "-")) {
		t.Fatalf("%q would be an option of git: %+v", in, a)
	}
}

func TestParseRoundTrip(t *testing.T) {
	parts := []string{"git::", "https://", "ssh://", "file://", "/", "//", "..", ".", "./", "a", "b.git", "x.zip", "y.tar.gz", "?", "ref=", "sha256=", strings.Repeat("0", 64), "&", "@", ":", "host", "-", "ferry//", "v1.2", "#", "%2e"}
	rapid.Check(t, func(t *rapid.T) {
		holds(t, strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 9).Draw(t, "parts"), ""))
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"./roles/web", "git::https://example.com/b.git//s?ref=v1", "https://example.com/x.zip?sha256=00", "git::git@h:x", "ferry//stacks/nginx"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { holds(t, s) })
}
