package playbook

import (
	"testing"

	"pgregory.net/rapid"
)

func TestParseSize(t *testing.T) {
	for in, want := range map[string]Size{"5": {N: 5}, "10%": {N: 10, Percent: true}, "0": {}, "100%": {N: 100, Percent: true}} {
		if got, err := ParseSize(in); err != nil || got != want {
			t.Errorf("%q: %+v, %v", in, got, err)
		}
	}
	for _, bad := range []string{"", "%", "-1", "101%", "1.5", "ten", " 5", "5 %"} {
		if got, err := ParseSize(bad); err == nil {
			t.Errorf("%q is taken for %+v", bad, got)
		}
	}
}

func drawSize(t *rapid.T) Size {
	if rapid.Bool().Draw(t, "percent") {
		return Size{N: rapid.IntRange(0, 100).Draw(t, "share"), Percent: true}
	}
	return Size{N: rapid.IntRange(0, 2000).Draw(t, "n")}
}

func TestSizeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSize(t)
		if again, err := ParseSize(s.String()); err != nil || again != s {
			t.Fatalf("%v is written as %s and read as %v, %v", s, s, again, err)
		}
		total := rapid.IntRange(0, 5000).Draw(t, "total")
		if n := s.Of(total); s.Percent && (n < 0 || n > total) {
			t.Fatalf("%s of %d is %d", s, total, n)
		}
	})
}

// Batches hold every host once, none is empty, and they never shrink below what
// was asked for except at the end.
func TestWavesProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r Rollout
		for range rapid.IntRange(0, 5).Draw(t, "batches") {
			r.Batches = append(r.Batches, drawSize(t))
		}
		total := rapid.IntRange(0, 3000).Draw(t, "total")
		waves := r.Waves(total, total, 0)
		sum := 0
		for i, n := range waves {
			if n < 1 {
				t.Fatalf("batch %d of %v has %d hosts", i+1, waves, n)
			}
			if len(r.Batches) > 0 && i < len(waves)-1 {
				if want := max(1, r.Batches[min(i, len(r.Batches)-1)].Of(total)); n != want {
					t.Fatalf("batch %d of %v has %d hosts, and %d were asked for", i+1, waves, n, want)
				}
			}
			sum += n
		}
		if sum != total {
			t.Fatalf("%v are %d hosts, not %d", waves, sum, total)
		}
	})
}
