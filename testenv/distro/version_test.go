package distro

import "testing"

func TestFromDebian(t *testing.T) {
	for in, want := range map[string]string{
		"1:8.4p1-5+deb11u3": "8.4p1-5.el8",
		"2.31-13+deb11u11":  "2.31-13.el8",
		"11.1.0":            "11.1.0-1.el8",
		"252.39-1~deb12u2":  "252.39-1.el8",
		"2021-1-2":          "2021_1-2.el8",
		"4.18.0+dfsg-1+b1":  "4.18.0+dfsg-1.el8",
		"2:1.02.175-2.1":    "1.02.175-2.1.el8",
	} {
		if got := fromDebian(in, ".el8").String(); got != want {
			t.Errorf("fromDebian(%q) = %q, want %q", in, got, want)
		}
	}
}

// The expectations are those of rpm's own test suite.
func TestRPMVerCmp(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{
		{"1.0", "1.0", 0}, {"1.0", "2.0", -1}, {"2.0.1", "2.0.1a", -1}, {"5.5p1", "5.5p10", -1}, {"10xyz", "10.1xyz", -1},
		{"xyz10", "xyz10.1", -1}, {"xyz.4", "8", -1}, {"5.5p2", "5.6p1", -1}, {"6.0.rc1", "6.0", 1}, {"10b2", "10a1", 1},
		{"1.0a", "1.0aa", -1}, {"10.0001", "10.1", 0}, {"4.999.9", "5.0", -1}, {"20101121", "20101122", -1}, {"2_0", "2.0", 0},
		{"1.0~rc1", "1.0", -1}, {"1.0~rc1", "1.0~rc2", -1}, {"1.0~rc1~git123", "1.0~rc1", -1}, {"1.0^", "1.0", 1},
		{"1.0^git1", "1.0^git2", -1}, {"1.0^git1", "1.01", -1}, {"1.0^20160101", "1.0.1", -1},
	} {
		if got := rpmvercmp(tc.a, tc.b); got != tc.want {
			t.Errorf("rpmvercmp(%q, %q) = %d, want %d", tc.a, tc.b, got, tc.want)
		}
		if got := rpmvercmp(tc.b, tc.a); got != -tc.want {
			t.Errorf("rpmvercmp(%q, %q) = %d, want %d", tc.b, tc.a, got, -tc.want)
		}
	}
}

func TestNewerThan(t *testing.T) {
	old := evr{version: "2.0", release: "1.el8"}
	if got := (evr{version: "1.0", release: "1.oe2203sp4"}).newerThan(old); got.epoch != 1 {
		t.Errorf("an older version got %s, want an epoch", got)
	}
	if got := (evr{version: "3.0", release: "1.oe2203sp4"}).newerThan(old); got.epoch != 0 {
		t.Errorf("a newer version got %s, want no epoch", got)
	}
}
