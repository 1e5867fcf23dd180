package verify

import (
	"slices"
	"strings"
	"testing"

	"github.com/ferry-ops/ferry/modules/internal/rpm"
)

func TestPort(t *testing.T) {
	for line, want := range map[string]string{
		"tcp 0016 00000000:0016":                         "tcp/22",
		"tcp 1F90 0100007F:1F90":                         "tcp/8080 on loopback",
		"tcp 1F90 3500007F:1F90":                         "tcp/8080 on loopback",
		"tcp 0016 00000000000000000000000001000000:0016": "tcp/22 on loopback",
		"udp 0143 0000000000000000FFFF00000100007F:0143": "udp/323 on loopback",
		"tcp 0016 0000000000000000FFFF00000B80560A:0016": "tcp/22",
		"udp C350 00000000:C350":                         "",
		"tcp C350 00000000:C350":                         "tcp/50000",
		"tcp 0000 00000000:0000":                         "",
		"tcp 10000 00000000:10000":                       "",
		"tcp 0016":                                       "",
		"":                                               "",
	} {
		if got, ok := port(line); got != want || ok != (want != "") {
			t.Errorf("port(%q) = %q, %v; want %q", line, got, ok, want)
		}
	}
	for number, want := range map[string]bool{"1": true, "22": true, "9999": true, "65535": true, "0": false, "65536": false, "022": false, "-1": false, "http": false, "": false, "60000": true} {
		if portNumber.MatchString(number) != want {
			t.Errorf("the port %q counts as valid: %v", number, !want)
		}
	}
}

func TestParseHTTP(t *testing.T) {
	sum := strings.Repeat("0", 64)
	a, err := parseHTTP("0\n" + sum + "  -\n\nHTTP/1.1 100 Continue\r\n\r\nHTTP/2 204 \r\nServer: x:y\r\n\r\n\n@body\nbody\n@body\nmore")
	if err != nil || a.status != "204" || len(a.header) != 1 || a.header[0] != [2]string{"Server", "x:y"} || a.body != "body\n@body\nmore" {
		t.Errorf("parseHTTP = %+v, %v", a, err)
	}
	for _, bad := range []string{"", "0\n", "x\n" + sum + "\n\n\n@body\n", "0\nnosum\n\n\n@body\n", "0\n" + sum + "\n\n"} {
		if _, err := parseHTTP(bad); err == nil {
			t.Errorf("parseHTTP(%q) gives no error", bad)
		}
	}
}

func TestHasDist(t *testing.T) {
	for _, c := range []struct {
		release, tag string
		want         bool
	}{
		{"4.el8", ".el8", true}, {"4.el8_5.1", ".el8", true}, {"4.el80", ".el8", false}, {"4.el8.centos", ".el8", true},
		{"4.oe2203sp4", ".el8", false}, {"4.el80.el8", ".el8", true}, {"4", ".el8", false}, {"4.el8", "", false},
	} {
		if got := rpm.HasDist(c.release, []string{c.tag}); got != c.want {
			t.Errorf("rpm.HasDist(%q, %q) = %v", c.release, c.tag, got)
		}
	}
}

func TestParseUnits(t *testing.T) {
	got := parseUnits("● kdump.service loaded failed failed x\nnginx.service loaded failed failed y\n\n* a.mount not-found failed failed\n")
	if want := []string{"kdump.service", "nginx.service", "a.mount"}; !slices.Equal(got, want) {
		t.Errorf("parseUnits = %q, want %q", got, want)
	}
}

func TestParseTable(t *testing.T) {
	got := parseTable("# c\n/dev/sda1 /my\\040files/ xfs rw,x=1 0 0\nshort line\nswap none swap sw 0 0\n")
	if len(got) != 2 || got[0].point != "/my files" || !slices.Equal(got[0].options, []string{"rw", "x=1"}) || got[1].point != "none" {
		t.Errorf("parseTable = %+v", got)
	}
}

func FuzzListeners(f *testing.F) {
	f.Add("tcp 0016 00000000:0016\n@end\n")
	f.Fuzz(func(t *testing.T, s string) {
		open, err := parseListeners(s)
		if err == nil && !strings.Contains(s, "@end") {
			t.Errorf("%q is taken for a complete answer", s)
		}
		for name, l := range open {
			if name != l.name() || l.port < 1 || l.port > 65535 {
				t.Errorf("%q gives %+v under %q", s, l, name)
			}
		}
		_, _ = port(s)
	})
}

func FuzzHTTP(f *testing.F) {
	f.Add("0\n" + strings.Repeat("0", 64) + "  -\n\nHTTP/1.1 200 OK\nA: b\n\n@body\nx")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := parseHTTP(s)
		if err == nil {
			(&httpCheck{status: []string{"200"}, header: map[string]string{"A": "b"}}).judge(a)
			if !strings.HasSuffix(s, a.body) {
				t.Errorf("the body %q is not the end of %q", a.body, s)
			}
		}
	})
}

func FuzzObserved(f *testing.F) {
	f.Add("@ports\ntcp 0016 00000000:0016\n@users\nroot:0:0:/root:/bin/bash\n@sysctl\na = b\n@end\n")
	f.Fuzz(func(t *testing.T, s string) {
		areas, err := parseObserved(s)
		if err != nil {
			return
		}
		if fs := (&baseline{strict: true}).compare(areas, areas); len(fs) > 0 {
			t.Errorf("%q differs from itself: %+v", s, fs)
		}
		(&baseline{}).compare(areas, nil)
	})
}

func FuzzLists(f *testing.F) {
	f.Add("bash\t0\t4.4.20\t2.el8\tx86_64\tCentOS\n", ".el8")
	f.Add("/dev/sda1 / xfs rw 0 0\n", "rw")
	f.Add("LoadState=loaded\nActiveState=active\n", "x")
	f.Fuzz(func(_ *testing.T, s, tag string) {
		if all, err := rpm.Parse(s); err == nil {
			(&packages{forbidDist: []string{tag}, noDuplicates: true, vendors: []string{tag}}).judge(all)
		}
		(&mounts{fstab: true, forbid: []string{tag}, forbidReadOnly: true}).tables(parseTable(s), parseTable(s))
		_, _ = (&mounts{minFree: map[string]string{tag: "1"}}).judgeSpace([]string{tag}, strings.Split(s, "\n"))
		parseUnits(s)
		parseSum(s)
	})
}
