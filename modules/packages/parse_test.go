package packages

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ferry-ops/ferry/modules/internal/rpm"
)

// recorded returns the standard output of a recording.
func recorded(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "recorded", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "-- stdout --\n")
	out, _, _ := strings.Cut(rest, "-- stderr --\n")
	return out
}

func TestParseInstalled(t *testing.T) {
	pkgs, err := rpm.Parse(recorded(t, "rpm-qa-el8"))
	if err != nil {
		t.Fatal(err)
	}
	if len(pkgs) != 167 {
		t.Errorf("%d packages, want 167 (the signing key is none)", len(pkgs))
	}
	if dup := rpm.Duplicates(pkgs); len(dup) != 0 {
		t.Errorf("duplicates on a healthy host: %v", dup)
	}
	if pkgs, err = rpm.Parse(recorded(t, "killed-rpm-qa")); err != nil {
		t.Fatal(err)
	}
	if dup := rpm.Duplicates(pkgs); len(dup) < 140 || !contains(dup, "dnf.noarch") || contains(dup, "telnet.x86_64") {
		t.Errorf("duplicates after a killed transaction: %d, %v", len(dup), dup)
	}
	for _, bad := range []string{"bash", "a\tb\tc", "error: cannot open Packages database\n"} {
		if _, err := rpm.Parse(bad); err == nil {
			t.Errorf("rpm.Parse(%q) gives no error", bad)
		}
	}
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

func TestDuplicatesLeavesKernels(t *testing.T) {
	pkgs, err := rpm.Parse("kernel\t0\t1\t1.el8\tx86_64\tx\nkernel\t0\t2\t1.el8\tx86_64\tx\nglibc\t0\t2\t1.el8\tx86_64\tx\nglibc\t0\t2\t1.el8\ti686\tx\n")
	if err != nil {
		t.Fatal(err)
	}
	if dup := rpm.Duplicates(pkgs); len(dup) != 0 {
		t.Errorf("several kernels and architectures are no duplicates: %v", dup)
	}
}

func TestHasDist(t *testing.T) {
	for _, c := range []struct {
		release string
		want    bool
	}{
		{"4.el8", true}, {"4.el8_5.1", true}, {"4.el80", false}, {"1.el8.elrepo", true}, {"3.oe2203sp4", false}, {"", false}, {"1.el81.el8", true},
	} {
		if got := rpm.HasDist(c.release, []string{".el8"}); got != c.want {
			t.Errorf("rpm.HasDist(%q, .el8) = %v", c.release, got)
		}
	}
}

func names(items []item) []string {
	var out []string
	for _, i := range items {
		out = append(out, i.Name)
	}
	return out
}

func TestParseTransaction(t *testing.T) {
	for _, c := range []struct {
		file                              string
		install, upgrade, remove, replace int
		nothing                           bool
		problem                           string
	}{
		{file: "sync-1", install: 5, upgrade: 160, remove: 1, replace: 2},
		{file: "sync-2", install: 5, upgrade: 160, remove: 4, replace: 2},
		{file: "third-party-sync", install: 2, upgrade: 160, remove: 1, replace: 2},
		{file: "killed-sync", upgrade: 15, remove: 145},
		{file: "sync-again", nothing: true},
		{file: "remove-centos-release", remove: 3},
		{file: "sync-404", problem: "Failed to download metadata for repo 'gone'"},
		{file: "sync-norepo", problem: "Unknown repo: 'nosuch'"},
		{file: "third-party-problem", problem: "openssl-libs-1.1.1w-0.el8.x86_64 does not belong to a distupgrade repository"},
		{file: "sync-excluded", nothing: true, problem: "is filtered out by exclude filtering"},
		{file: "killed-protected", problem: "removing the following protected packages: dnf"},
		{file: "sync-no-match", install: 2, upgrade: 160, replace: 2, problem: "No match for argument: no-such-package"},
	} {
		tr, err := parseTransaction(recorded(t, c.file))
		if err != nil {
			t.Errorf("%s: %s", c.file, err)
			continue
		}
		got := [4]int{len(tr.Install), len(tr.Upgrade), len(tr.Remove), len(tr.Replace)}
		if want := [4]int{c.install, c.upgrade, c.remove, c.replace}; got != want || tr.Nothing != c.nothing {
			t.Errorf("%s: install, upgrade, remove, replace %v, want %v; nothing %v, want %v", c.file, got, want, tr.Nothing, c.nothing)
		}
		if !strings.Contains(tr.Problems, c.problem) || c.problem == "" && tr.Problems != "" {
			t.Errorf("%s: problems %q, want %q", c.file, tr.Problems, c.problem)
		}
	}
}

func TestParseTransactionRows(t *testing.T) {
	text := ` Package Arch Version Repository Size
Installing:
 a-very-long-name-of-a-package-that-needs-a-line
                     x86_64 1:2.0-1.el8            baseos    1.2 M
     replacing  old-name.noarch 1.0-1.el8
 b                   noarch 3-1                    baseos    414
Removing dependent packages:
 c                   x86_64 1-1                    @System   0

Transaction Summary
`
	tr, err := parseTransaction(text)
	if err != nil {
		t.Fatal(err)
	}
	want := []item{{Name: "a-very-long-name-of-a-package-that-needs-a-line", Arch: "x86_64", EVR: "1:2.0-1.el8"}, {Name: "b", Arch: "noarch", EVR: "3-1"}}
	if d := cmp.Diff(want, tr.Install); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]item{{Name: "old-name", Arch: "noarch", EVR: "1.0-1.el8"}}, tr.Replace); d != "" {
		t.Error(d)
	}
	if len(tr.Remove) != 1 || !tr.Remove[0].Dependent {
		t.Errorf("removed: %v", tr.Remove)
	}
	if _, err := parseTransaction("Removing:\n a x86_64\n\n"); err == nil {
		t.Error("half a row gives no error")
	}
}

// yum of el7 has headings of its own; a removal that is overlooked is the worst
// mistake this parser can make.
func TestParseTransactionYum(t *testing.T) {
	tr, err := parseTransaction("Removing:\n httpd x86_64 2.4-1 @updates 9.4 M\nRemoving for dependencies:\n mod_ssl x86_64 1:2.4-1 @updates 224 k\nUpdating:\n a x86_64 2-1 base 1 k\nUpdating for dependencies:\n b x86_64 2-1 base 1 k\nInstalling for dependencies:\n c x86_64 2-1 base 1 k\n\n")
	if err != nil {
		t.Fatal(err)
	}
	got := [][]string{names(tr.Remove), names(tr.Upgrade), names(tr.Install)}
	if d := cmp.Diff([][]string{{"httpd", "mod_ssl"}, {"a", "b"}, {"c"}}, got); d != "" {
		t.Error(d)
	}
}

func TestFileConflicts(t *testing.T) {
	if got := fileConflicts(recorded(t, "sync-conflict")); len(got) != 1 || got[0] != "sysvinit-tools-2.96-7.el8.x86_64" {
		t.Errorf("conflicts: %v", got)
	}
	if got := fileConflicts(recorded(t, "sync-test")); len(got) != 0 {
		t.Errorf("conflicts where there are none: %v", got)
	}
}

func TestParseModules(t *testing.T) {
	got := parseModules("[nodejs]\nname=nodejs\nstream=16\nprofiles=common\nstate=enabled\n\n[virt]\nname=virt\nstream=\nstate=disabled\n\n")
	want := []moduleState{{"nodejs", "16", "enabled"}, {"virt", "", "disabled"}}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(moduleState{})); d != "" {
		t.Error(d)
	}
}

func FuzzParseInstalled(f *testing.F) {
	f.Add(recorded(f, "rpm-qa-el8")[:400])
	f.Add("a\t0\t1\t2\tnoarch\t\n")
	f.Fuzz(func(t *testing.T, s string) {
		pkgs, err := rpm.Parse(s)
		if err == nil && len(pkgs) > strings.Count(s, "\n")+1 {
			t.Errorf("%d packages of %q", len(pkgs), s)
		}
		rpm.Duplicates(pkgs)
	})
}

func FuzzParseTransaction(f *testing.F) {
	for _, n := range []string{"sync-again", "remove-centos-release", "sync-404", "third-party-problem"} {
		f.Add(recorded(f, n))
	}
	f.Add("Removing:\n a x86_64 1-1 @System 1 k\n replacing b.x86_64 1-1\n")
	f.Fuzz(func(t *testing.T, s string) {
		tr, err := parseTransaction(s)
		if err != nil {
			return
		}
		for _, i := range tr.Remove {
			if i.Name == "" || strings.ContainsAny(i.Name, " \n") {
				t.Errorf("a package %q is to be removed", i.Name)
			}
		}
		fileConflicts(s)
		if strings.Count(tr.Problems, "\n") > 41 {
			t.Errorf("too many lines of problems")
		}
	})
}

func FuzzParseModules(f *testing.F) {
	f.Add("[a]\nstate=enabled\nstream=1\n")
	f.Fuzz(func(t *testing.T, s string) { parseModules(s) })
}
