package verify

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPrograms(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
	}{
		{`tcp   LISTEN 0 511 0.0.0.0:8080 0.0.0.0:* users:(("nginx",pid=38,fd=6),("nginx",pid=37,fd=6))`, []string{"tcp/8080 nginx"}},
		{`tcp   LISTEN 0 128 [::]:22 [::]:* users:(("sshd",pid=39,fd=4))`, []string{"tcp/22 sshd"}},
		{`tcp   LISTEN 0 128 :::22 :::* users:(("sshd",2034,4))`, []string{"tcp/22 sshd"}}, // iproute of el6
		{`udp   UNCONN 0 0 127.0.0.1%lo:323 *:* users:(("chronyd",pid=5,fd=1))`, []string{"udp/323 chronyd"}},
		{`tcp   LISTEN 0 4096 *:111 *:* users:(("systemd",pid=1,fd=3),("rpcbind",pid=2,fd=3))`, []string{"tcp/111 rpcbind"}},
		{`tcp   LISTEN 0 4096 *:111 *:* users:(("systemd",pid=1,fd=3))`, []string{"tcp/111 systemd"}},
		{`udp   UNCONN 0 0 0.0.0.0:41234 *:* users:(("dhclient",pid=5,fd=1))`, nil}, // a port by chance
		{`tcp   LISTEN 0 128 0.0.0.0:22 0.0.0.0:*`, nil},                            // ss run by a user
		{`nl UNCONN 0 0 rtnl:kernel * users:(("x",pid=1,fd=1))`, nil},
		{"", nil},
	} {
		if got := programs(c.line); !slices.Equal(got, c.want) {
			t.Errorf("programs(%q) = %q, want %q", c.line, got, c.want)
		}
	}
}

func TestParseObservedKeepsEmptyAreas(t *testing.T) {
	areas, err := parseObserved("@ports\n@failed\n@end\n")
	if err != nil {
		t.Fatal(err)
	}
	if areas["failed"] == nil || areas["programs"] != nil {
		t.Errorf("an area that was looked at must be told from one that was not: %v", areas)
	}
}

func TestParseVerify(t *testing.T) {
	for _, c := range []struct {
		out  string
		want []string
	}{
		{"Success, no errors or warnings detected\n", nil},
		{"/data\n   [W] unreachable source: x\n   [E] unreachable target: y\n\n0 parse errors, 1 error, 1 warning\n", []string{"/data: unreachable target: y"}},
		{"findmnt: /etc/fstab: parse error at line 3 -- ignored\n\n1 parse error, 0 errors, 0 warnings\n", []string{"findmnt: /etc/fstab: parse error at line 3 -- ignored"}},
		{"sh: findmnt: not found\n", nil},
		{"findmnt: unrecognized option '--verify'\n\nUsage:\n findmnt [options]\n", nil},
		{"\n[E] no mount point", []string{"no mount point"}},
	} {
		if got := parseVerify(c.out); !cmp.Equal(got, c.want) {
			t.Errorf("parseVerify(%q) = %q, want %q", c.out, got, c.want)
		}
	}
}

func TestParseFlags(t *testing.T) {
	got, err := parseFlags("----i---------e------- /usr/bin/crontab\n----i---------e------- /usr/bin/crontab\n-----a-- /var/log/with blank\nend\n")
	if want := []string{"/usr/bin/crontab", "/var/log/with blank"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("parseFlags = %q, %v, want %q", got, err, want)
	}
	for _, bad := range []string{"", "----i--- /etc/x\n", "lsattr: Permission denied\nend\n", "x\nend\n"} {
		if _, err := parseFlags(bad); err == nil {
			t.Errorf("parseFlags(%q) gives no error", bad)
		}
	}
}

func FuzzObservedAnswers(f *testing.F) {
	f.Add("--mounts--\n/dev/sda1 / xfs rw 0 0\n--fstab--\n--verify--\n/data\n   [E] x\n--end--\n")
	f.Add(`tcp LISTEN 0 511 0.0.0.0:8080 0.0.0.0:* users:(("nginx",pid=38,fd=6))`)
	f.Add("----i--- /etc/x\nend\n")
	f.Fuzz(func(t *testing.T, out string) {
		if tb, err := parseTables(out); err == nil && len(tb.now) == 0 {
			t.Error("no file system is mounted, and no error says so")
		}
		for _, p := range programs(out) {
			if proto, name, _ := strings.Cut(p, " "); name == "" || !strings.Contains(proto, "/") {
				t.Errorf("programs gives %q", p)
			}
		}
		if paths, err := parseFlags(out); err == nil {
			for _, p := range paths {
				if !strings.HasPrefix(p, "/") {
					t.Errorf("parseFlags gives %q", p)
				}
			}
		}
	})
}

func TestAskFromController(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/", http.StatusFound)
		case "/slow":
			<-r.Context().Done()
		case "/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("short"))
		default:
			w.Header().Set("X-Line", "ferry")
			_, _ = w.Write([]byte("<h1>It works</h1>\n"))
		}
	}))
	defer srv.Close()
	ok := httpCheck{from: "controller", status: []string{"200"}, timeout: time.Minute, contains: "It works", header: map[string]string{"x-line": "ferry"},
		bodySHA256: "2fe8c8fa5e0c2ad2d3b5e35ed7e0ddbbfae1e4c1a4d3f1e3a0e7d0cf2f0e6e9a"}
	for _, c := range []struct {
		path   string
		status string
		want   string // in the only finding; "" passes
		wait   time.Duration
	}{
		{"/", "200", "SHA-256", 0},
		{"/moved", "302", "", 0},
		{"/moved", "200", "status 302", 0},
		{"/cut", "200", "ends before its end", 0},
		{"/slow", "200", "gives no answer", 50 * time.Millisecond},
	} {
		check := ok
		if c.path != "/" {
			check = httpCheck{from: "controller", timeout: time.Minute}
		}
		if c.wait > 0 {
			check.timeout = c.wait
		}
		check.url, check.status = srv.URL+c.path, []string{c.status}
		fs, err := check.Check(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case c.want == "" && len(fs) > 0:
			t.Errorf("%s: %v", c.path, fs)
		case c.want != "" && (len(fs) != 1 || !strings.Contains(fs[0].Summary, c.want)):
			t.Errorf("%s: findings %v, want one with %q", c.path, fs, c.want)
		}
	}
	srv.Close()
	check := httpCheck{from: "controller", url: srv.URL, status: []string{"200"}, timeout: time.Minute}
	if fs, err := check.Check(t.Context(), nil); err != nil || len(fs) != 1 || !strings.HasPrefix(fs[0].Detail, "The controller says") {
		t.Errorf("nothing listens: %v, %v", fs, err)
	}
}
