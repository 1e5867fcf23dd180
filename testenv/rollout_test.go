//go:build lab

package testenv_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-ops/ferry/testenv/lab"
)

const rolloutPlay = `play "upgrade" {
  hosts  = "all"
  become = true
  rollout {
    canary  = "el-2"
    batches = ["100%"]
    spread "pair" { key = "same for all" }
    gate "approval" { after = [1] }
  }
  task "tree" "site" {
    src   = "site"
    path  = "/srv/site"
    owner = "nobody"
    purge = true
  }
  task "copy" "unit" {
    path    = "/etc/systemd/system/site.service"
    content = "[Service]\nExecStart=/bin/sleep 1000000\n[Install]\nWantedBy=multi-user.target\n"
    notify  = [handler.service.site]
  }
  task "shell" "count" { script = "echo done >> /var/tmp/actions" }
  task "shell" "tell" {
    script      = "echo ${host.name} >> /var/tmp/told"
    delegate_to = "el-1"
  }
  task "command" "slow" { argv = ["/bin/sh", "-c", "test -e /var/tmp/quick || sleep 600"] }
  handler "service" "site" {
    unit  = "site"
    state = "restarted"
  }
}
`

// A rollout over real hosts: the canary first, an approval, one host at a time;
// ferry is killed in the middle and resumes.
func TestRolloutIsResumed(t *testing.T) {
	l := up(t, lab.Options{Name: "rollout", Hosts: 3})
	f := newFerry(t, l)
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(f.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("play.hcl", rolloutPlay)
	for i := range 200 {
		write(filepath.Join("site", string(rune('a'+i%20)), "page"+strings.Repeat("x", i/20)+".html"), "hello\n")
	}
	el1, el2, el3 := host(t, l, "el-1"), host(t, l, "el-2"), host(t, l, "el-3")
	sh(t, el2, 0, "touch /var/tmp/quick")
	has(t, f.run(6, "run", "play.hcl"), "batch 1: el-2")
	has(t, sh(t, el2, 0, "systemctl is-active site; find /srv/site -type f -user nobody | wc -l"), "active", "200")
	sh(t, el1, 1, "test -e /srv/site")
	f.runJournal(0, "approve", "--by", "the test")

	// The next host hangs in a task; ferry dies there.
	r := f.start("resume")
	slow := "pgrep -f '[s]leep 600'"
	in1, in3 := holds(t, el1, slow), holds(t, el3, slow)
	r.until("a host is in the slow task", func() bool { return in1() || in3() })
	r.kill()
	for _, h := range []*lab.Host{el1, el3} {
		sh(t, h, 0, "touch /var/tmp/quick; pkill -f '[s]leep 600' || :")
	}
	has(t, f.runJournal(0, "status"), "interrupted", "el-")
	out := f.runJournal(0, "resume")
	has(t, out, "done in run")
	for _, h := range []*lab.Host{el1, el2, el3} {
		if got := sh(t, h, 0, "cat /var/tmp/actions; systemctl is-active site"); got != "done\nactive\n" {
			t.Errorf("%s: the action and the handler left %q", h.Name, got)
		}
	}
	if got := strings.Fields(sh(t, el1, 0, "sort /var/tmp/told")); strings.Join(got, " ") != "el-1 el-2 el-3" {
		t.Errorf("delegated: %q", got)
	}
}
