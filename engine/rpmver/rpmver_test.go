package rpmver_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/ferry-ops/ferry/engine/rpmver"
)

// The rows are facts about rpm's own comparison.
func TestSegments(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"1.0", "1.0", 0}, {"1.0", "2.0", -1}, {"2.0.1", "2.0", 1}, {"2.0.1a", "2.0.1", 1},
		{"5.5p1", "5.5p2", -1}, {"5.5p10", "5.5p1", 1}, {"10xyz", "10.1xyz", -1}, {"xyz10", "xyz10.1", -1},
		{"xyz.4", "8", -1}, {"8", "xyz.4", 1}, {"5.5p2", "5.6p1", -1}, {"6.0.rc1", "6.0", 1}, {"10b2", "10a1", 1},
		{"1.0aa", "1.0a", 1}, {"10.0001", "10.1", 0}, {"10.0001", "10.0039", -1}, {"4.999.9", "5.0", -1},
		{"20101121", "20101122", -1}, {"2_0", "2.0", 0}, {"a", "a", 0}, {"a+", "a_", 0}, {"+", "_", 0},
		{"1.0~rc1", "1.0", -1}, {"1.0~rc1", "1.0~rc2", -1}, {"1.0~rc1~git123", "1.0~rc1", -1},
		{"1.0^", "1.0", 1}, {"1.0^git1", "1.0", 1}, {"1.0^git1", "1.0^git2", -1}, {"1.0^git1", "1.01", -1},
		{"1.0^20160101", "1.0.1", -1}, {"1.0^20160101^git1", "1.0^20160102", -1}, {"1.0~rc1^git1", "1.0~rc1", 1},
		{"1.0^git1~pre", "1.0^git1", -1}, {"", "", 0}, {"1", "", 1},
	} {
		if got := rpmver.Segments(c.a, c.b); got != c.want {
			t.Errorf("Segments(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
		if got := rpmver.Segments(c.b, c.a); got != -c.want {
			t.Errorf("Segments(%q, %q) = %d, want %d", c.b, c.a, got, -c.want)
		}
	}
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"1:1.0-1", "2.0-1", 1}, {"0:1.0-1", "1.0-1", 0}, {"1.0", "1.0-5.el7", 0}, {"1.0-2.el7", "1.0-10.el7", -1},
		{"2.34-101.oe2203", "2.28-251.el8", 1}, {"1.0.2k-26.el7", "1:1.1.1m-1.oe2203", -1},
	} {
		if got := rpmver.Compare(c.a, c.b); got != c.want {
			t.Errorf("Compare(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestOrderLaws(t *testing.T) {
	version := rapid.StringMatching(`([0-9a-z.~^_-]|[0-9]){0,8}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := version.Draw(t, "a"), version.Draw(t, "b"), version.Draw(t, "c")
		if rpmver.Segments(a, a) != 0 {
			t.Fatalf("%q differs from itself", a)
		}
		if rpmver.Segments(a, b) != -rpmver.Segments(b, a) {
			t.Fatalf("%q and %q: not antisymmetric", a, b)
		}
		if rpmver.Segments(a, b) <= 0 && rpmver.Segments(b, c) <= 0 && rpmver.Segments(a, c) > 0 {
			t.Fatalf("%q <= %q <= %q, but not the first and the last", a, b, c)
		}
	})
}
