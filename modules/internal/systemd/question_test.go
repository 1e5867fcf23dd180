package systemd

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ferry-ops/ferry/engine/host"
)

func TestSplitBlocks(t *testing.T) {
	const a, b = "LoadState=loaded\nActiveState=active", "LoadState=not-found\nActiveState=inactive"
	for name, c := range map[string]struct {
		items []string
		out   string
		code  int
		want  []string // none: each is asked alone
	}{
		"each one":       {[]string{"a.service", "b.service"}, a + "\n\n" + b + "\n", 0, []string{a + "\n", b + "\n"}},
		"some in both":   {[]string{"a.service\x00b.service", "b.service"}, a + "\n\n" + b + "\n", 0, []string{a + "\n\n" + b + "\n", b + "\n"}},
		"one too few":    {[]string{"a.service", "b.service"}, a + "\n", 0, nil},
		"one too many":   {[]string{"a.service", "b.service"}, a + "\n\n" + b + "\n\n" + a + "\n", 0, nil},
		"refused":        {[]string{"a.service", "b.service"}, a + "\n\n" + b + "\n", 1, nil},
		"nothing at all": {[]string{"a.service", "b.service"}, "", 0, nil},
	} {
		var got []string
		for _, r := range splitBlocks(c.items, host.Result{Stdout: []byte(c.out), Code: c.code}) {
			got = append(got, string(r.Stdout))
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want, +got):\n%s", name, d)
		}
	}
}
