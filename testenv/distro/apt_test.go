package distro

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, body := range files {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

const bookworm = "ID=debian\nVERSION_CODENAME=bookworm\n"

func TestMirror(t *testing.T) {
	const deb822 = `# third party first
Types: deb
URIs: https://packages.example.com/node
Suites: nodistro
Components: main

Types: deb deb-src
URIs: http://archive.example.org/debian/
# a comment in the middle
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 xyz
`
	tests := map[string]struct {
		files map[string]string
		want  string
	}{
		"deb822": {map[string]string{"etc/apt/sources.list.d/debian.sources": deb822}, "http://archive.example.org/debian"},
		"one line": {map[string]string{
			"etc/apt/sources.list":               "# old\ndeb-src http://src.example.org/debian bookworm main\ndeb [arch=amd64 signed-by=/k] http://one.example.org/debian bookworm main non-free # ours\n",
			"etc/apt/sources.list.d/vendor.list": "deb https://vendor.example.com/apt stable main\n",
		}, "http://one.example.org/debian"},
		"security alone is not enough": {map[string]string{
			"etc/apt/sources.list.d/a.list": "deb http://sec.example.org/debian-security bookworm-security main\n",
			"etc/apt/sources.list.d/b.list": "deb http://arch.example.org/debian bookworm main\n",
		}, "http://arch.example.org/debian"},
		"disabled": {map[string]string{
			"etc/apt/sources.list.d/a.sources": "Enabled: no\nTypes: deb\nURIs: http://off.example.org/debian\nSuites: bookworm\nComponents: main\n",
			"etc/apt/sources.list.d/b.sources": "Types: deb\nURIs: http://on.example.org/debian\nSuites: bookworm\nComponents: main\n",
		}, "http://on.example.org/debian"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			tc.files["etc/os-release"] = bookworm
			got, err := Mirror(writeTree(t, tc.files))
			if err != nil || got != tc.want {
				t.Errorf("Mirror() = %q, %v; want %q", got, err, tc.want)
			}
		})
	}
}

func TestMirrorErrors(t *testing.T) {
	_, err := Mirror(writeTree(t, map[string]string{"etc/os-release": bookworm}))
	if err == nil || !strings.Contains(err.Error(), "bookworm") {
		t.Errorf("no archive: %v", err)
	}
	_, err = Mirror(writeTree(t, map[string]string{"etc/os-release": "ID=fedora\n"}))
	if err == nil || !strings.Contains(err.Error(), "needs Debian") {
		t.Errorf("not Debian: %v", err)
	}
}
