package rpm

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ferry-ops/ferry/engine/host"
)

// What rpm printed of several questions is what it prints of each, or nothing.
func TestSplitQuery(t *testing.T) {
	const (
		bash = "bash\t0\t5.1.8\t9.el9\tx86_64\tRocky\n"
		ker1 = "kernel\t0\t5.14.0\t1.el9\tx86_64\tRocky\n"
		ker2 = "kernel\t0\t5.14.0\t2.el9\tx86_64\tRocky\n"
		vim  = "vim\t2\t8.2\t1.el9\tx86_64\tRocky\n"
		odd  = "bash-5.1.8\t0\t1\t1\tnoarch\tus\n"
		gone = "package gone is not installed\n"
	)
	type answer struct {
		out  string
		code int
	}
	for name, c := range map[string]struct {
		items []string // words with commas between them
		out   string
		code  int
		want  []answer // none: each is asked alone
	}{
		"one of each":                {[]string{"bash", "gone", "kernel"}, bash + gone + ker1 + ker2, 1, []answer{{bash, 0}, {gone, 1}, {ker1 + ker2, 0}}},
		"several names":              {[]string{"bash,gone", "gone,kernel"}, bash + gone + ker1, 1, []answer{{bash + gone, 1}, {gone + ker1, 1}}},
		"other spellings":            {[]string{"bash.x86_64", "kernel-5.14.0-2.el9", "vim-2:8.2"}, bash + ker2 + vim, 0, []answer{{bash, 0}, {ker2, 0}, {vim, 0}}},
		"in two spellings":           {[]string{"bash", "bash.x86_64"}, bash + bash, 0, []answer{{bash, 0}, {bash, 0}}},
		"a name before a spelling":   {[]string{"bash", "bash-5.1.8"}, bash + odd, 0, []answer{{bash, 0}, {odd, 0}}},
		"a package of another name":  {[]string{"bash", "vim"}, bash + ker1, 0, nil},
		"nothing of one":             {[]string{"bash", "vim"}, bash, 0, nil},
		"an exit code too high":      {[]string{"bash", "gone"}, bash + gone, 2, nil},
		"an exit code of no package": {[]string{"bash", "vim"}, bash + vim, 1, nil},
		"an error":                   {[]string{"bash", "vim"}, "error: rpmdb open failed\n", 1, nil},
		"cut off":                    {[]string{"bash", "vim"}, bash + strings.TrimSuffix(vim, "\n"), 0, nil},
	} {
		var items []string
		for _, it := range c.items {
			items = append(items, strings.ReplaceAll(it, ",", host.WordSep))
		}
		var got []answer
		for _, r := range splitQuery(items, host.Result{Stdout: []byte(c.out), Code: c.code}) {
			got = append(got, answer{string(r.Stdout), r.Code})
		}
		if d := cmp.Diff(c.want, got, cmp.AllowUnexported(answer{})); d != "" {
			t.Errorf("%s (-want, +got):\n%s", name, d)
		}
	}
}
