package system

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ferry-ops/ferry/engine/host"
)

func TestSplitEntries(t *testing.T) {
	const root, ann = "root:x:0:0:root:/root:/bin/bash\n", "ann:x:1000:1000::/home/ann:/bin/sh\n"
	for name, c := range map[string]struct {
		out  string
		code int
		want []string // of root, ann and bob; none: each is asked alone
	}{
		"one is not there":        {root + ann, 2, []string{root, ann, ""}},
		"none is there":           {"", 2, []string{"", "", ""}},
		"an exit code of no name": {root + ann, 1, nil},
		"too few for its code":    {root + ann, 0, nil},
		"another name":            {root + "Ann" + ann[3:], 2, nil},
		"one twice":               {root + root, 2, nil},
		"cut off":                 {root + "ann:x", 2, nil},
	} {
		var got []string
		for _, r := range splitEntries([]string{"root", "ann", "bob"}, host.Result{Stdout: []byte(c.out), Code: c.code}) {
			got = append(got, string(r.Stdout))
			if r.Code != map[bool]int{true: 2}[len(r.Stdout) == 0] {
				t.Errorf("%s: %q exits with %d", name, r.Stdout, r.Code)
			}
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want, +got):\n%s", name, d)
		}
	}
}
