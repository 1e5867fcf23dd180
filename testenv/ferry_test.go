//go:build lab

package testenv_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ferry-ops/ferry/testenv/lab"
)

// The tests below drive the ferry binary as a user does, against real hosts.

// migrated proves that a host runs the target: the files that are there, the
// programs that run, a login, the database.
func migrated(t *testing.T, l *lab.Lab, h *lab.Host) {
	t.Helper()
	has(t, sh(t, h, 0, "cat /etc/os-release"), `ID="openEuler"`, "22.03")
	has(t, sh(t, h, 0, "rpm -q glibc openssh-server systemd rpm"), "oe2203sp4")
	if out := sh(t, h, 0, "rpm -qa | grep -c '\\.el8' || :"); strings.TrimSpace(out) != "0" {
		t.Errorf("%s still has %s packages of the old distribution", h.Name, strings.TrimSpace(out))
	}
	has(t, sh(t, h, 0, "ls /var/lib/rpm"), "rpmdb.sqlite")
	has(t, sh(t, h, 0, "ldd --version | head -1"), "2.36")
	has(t, sh(t, h, 0, "readlink /proc/1/exe; systemctl --version | head -1"), "252")
	// Every sshd that runs is the one on disk.
	sh(t, h, 0, `for p in $(pgrep -x sshd); do case $(readlink /proc/$p/exe) in *deleted*) exit 1;; esac; done`)
	if out, err := login(t, l, h.Name, "true"); err != nil {
		t.Errorf("%s: no login: %v %s", h.Name, err, out)
	}
	sh(t, h, 0, "dnf -q -C check")
}

func TestFerryMigrates(t *testing.T) {
	l := up(t, lab.Options{Name: "ferry", Hosts: 3, Traps: map[string][]string{
		"el-2": {"sshd-config", "config"}, "el-3": {"exclude", "third-party-repo"},
	}})
	f := newFerry(t, l)
	web, el3 := host(t, l, "el-1"), host(t, l, "el-3")
	boots := map[string]string{}
	for _, n := range []string{"el-1", "el-2", "el-3"} {
		boots[n] = sh(t, host(t, l, n), 0, "cat /proc/sys/kernel/random/boot_id")
	}
	before := page(t, web)

	// A plan writes nothing but what looking costs: logs, dnf's cache, and the
	// shared memory of a Berkeley database (__db.*) that any rpm query by root makes.
	find := `find /etc /usr /var/lib -xdev -newer /tmp/mark -not -path '/var/lib/dnf/*' -not -path '/var/lib/systemd/*' -not -path '/var/lib/chrony*' -not -name '__db.*' -type f`
	sh(t, web, 0, "touch /tmp/mark; sleep 1.1")
	has(t, f.run(0, append([]string{"plan", playbook, "--limit", "el-1"}, decided...)...), "upgrade: 160 packages")
	if out := sh(t, web, 0, find); out != "" {
		t.Errorf("the plan wrote on the host:\n%s", out)
	}

	// An exclude= line would hold packages back: refused, with the line.
	out := f.run(3, migrateArgs("--limit", "el-3")...)
	has(t, out, "exclude=openssl* systemd*", "ignore_excludes")
	has(t, sh(t, el3, 0, "cat /etc/os-release"), "CentOS")

	out = f.run(0, migrateArgs("--var", "ignore_excludes=true")...)
	has(t, out, "rpm database  bdb -> sqlite", "CentOS Linux 8 -> openEuler 22.03 (LTS-SP4)")
	for n, old := range boots {
		h := host(t, l, n)
		migrated(t, l, h)
		if sh(t, h, 0, "cat /proc/sys/kernel/random/boot_id") == old {
			t.Errorf("%s was not restarted", n)
		}
	}
	if after := page(t, web); after != before {
		t.Errorf("the site changed:\n%s\n%s", before, after)
	}

	out = f.run(0, migrateArgs("--var", "ignore_excludes=true")...)
	has(t, out, "3 hosts done, 0 changes")
}

func TestFerryRefusesLosses(t *testing.T) {
	l := up(t, lab.Options{Name: "loss", Hosts: 2, Traps: map[string][]string{"el-1": {"third-party"}, "el-2": {"immutable"}}})
	f := newFerry(t, l)
	// A third-party package needs a library the target does not have.
	out := f.run(3, migrateArgs("--limit", "el-1", "--var", `accept_third_party=["acme-*"]`)...)
	has(t, out, "acme-agent")
	// An immutable file would end the transaction in its middle: found before.
	out = f.run(3, migrateArgs("--limit", "el-2")...)
	has(t, out, "immutable", "/usr/bin/crontab")
	for _, n := range []string{"el-1", "el-2"} {
		has(t, sh(t, host(t, l, n), 0, "cat /etc/os-release"), "CentOS")
		has(t, sh(t, host(t, l, n), 0, "rpm -q glibc"), ".el8")
	}
	// With the owner's word it may go.
	f.run(0, "run", playbook, "--limit", "el-1", "--var", `accept_third_party=["acme-*"]`,
		"--var", `allow_removal=["centos-*","sysvinit-tools","telnet","acme-agent"]`)
	migrated(t, l, host(t, l, "el-1"))
}

// syncs counts the synchronisations that ended on the host: each leaves its
// record.
func syncs(t *testing.T, h *lab.Host) string {
	t.Helper()
	return strings.TrimSpace(sh(t, h, 0, `ls -d /var/lib/ferry/jobs/distro-sync-oe2203sp4~* 2>/dev/null | wc -l`))
}

func TestNetworkCutInMidSync(t *testing.T) {
	l := up(t, lab.Options{Name: "cut", Hosts: 1, Traps: map[string][]string{"el-1": {"slow"}}})
	f, h := newFerry(t, l), host(t, l, "el-1")
	r := f.start(migrateArgs()...)
	awaitStep(t, h, 0.2, r)
	if err := h.CutNetwork(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(60 * time.Second) // the outage the issue asks for
	if err := h.RestoreNetwork(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.wait(); err != nil {
		t.Fatalf("ferry did not survive the outage: %v", err)
	}
	has(t, r.text(), "out of reach", "answers again", "1 host done")
	migrated(t, l, h)
	if n := syncs(t, h); n != "1" {
		t.Errorf("the transaction ran %s times", n)
	}
}

func TestFerryKilledInMidSync(t *testing.T) {
	l := up(t, lab.Options{Name: "kill", Hosts: 1, Traps: map[string][]string{"el-1": {"slow"}}})
	f, h := newFerry(t, l), host(t, l, "el-1")
	r := f.start(migrateArgs()...)
	awaitStep(t, h, 0.2, r)
	r.kill()
	// The next run finds the transaction under way and concludes it.
	out := f.run(0, migrateArgs()...)
	has(t, out, "one that was started earlier is to be concluded")
	migrated(t, l, h)
	if n := syncs(t, h); n != "1" {
		t.Errorf("the transaction ran %s times", n)
	}
	has(t, f.run(0, migrateArgs()...), "0 changes")
}

func TestEventsAsJSON(t *testing.T) {
	l := up(t, lab.Options{Name: "json", Hosts: 1})
	f := newFerry(t, l)
	out := f.run(5, append([]string{"plan", playbook, "--json", "--detailed-exitcode"}, decided...)...)
	kinds := map[string]bool{}
	for line := range strings.Lines(out) {
		var e struct {
			SchemaVersion int    `json:"schema_version"`
			Kind          string `json:"kind"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.SchemaVersion != 1 {
			t.Fatalf("not an event: %s (%v)", line, err)
		}
		kinds[e.Kind] = true
	}
	for _, k := range []string{"run_started", "play_started", "task_finished", "host_finished", "run_finished"} {
		if !kinds[k] {
			t.Errorf("no event %s", k)
		}
	}
}
