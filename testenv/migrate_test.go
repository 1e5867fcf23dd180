//go:build lab

package testenv_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ferry-ops/ferry/testenv/lab"
)

// TestMigrateByHand does to a host what README.md says a migration takes, with
// nothing of ferry in between.
func TestMigrateByHand(t *testing.T) {
	l := up(t, lab.Options{Name: labName, Hosts: 1, Traps: map[string][]string{"*": {"config", "exclude"}}})
	h := host(t, l, "el-1")
	sh(t, h, 0, fmt.Sprintf(targetRepo, l.Mirror()))
	packages := strings.TrimSpace(sh(t, h, 0, "rpm -qa | wc -l"))

	sh(t, h, 0, "rpm -e --nodeps sysvinit-tools")
	sh(t, h, 0, dnf+"swap centos-release openEuler-release && rpm -e --nodeps centos-repos centos-gpg-keys")
	started := time.Now()
	syncDetached(t, h)
	waitSync(t, h)
	t.Logf("distro-sync took %s", time.Since(started).Round(time.Second))

	has(t, sh(t, h, 0, "rpm -qa 2>&1 | head -3"), "bdb_ro") // the new rpm can only read the old database
	has(t, sh(t, h, 1, dnf+"remove telnet"), "Could not run transaction")
	sh(t, h, 0, "cp -a /var/lib/rpm /var/lib/rpm.before && rpmdb --rebuilddb && test -s /var/lib/rpm/rpmdb.sqlite && test ! -e /var/lib/rpm/Packages")
	// Less three of the source's release and the conflict; more by three of the target's release, two new ones and its key.
	t.Logf("%s packages before, %s after", packages, strings.TrimSpace(sh(t, h, 0, "rpm -qa | wc -l")))
	sh(t, h, 0, "sshd -t")
	if err := h.Reboot(t.Context()); err != nil {
		t.Fatal(err)
	}

	out, err := login(t, l, "el-1", "cat /etc/os-release; sudo sshd -V 2>&1; ldd --version; systemctl --version; rpm --version; sudo dnf check && echo no problems")
	if err != nil {
		t.Fatalf("login after the reboot: %v\n%s", err, out)
	}
	has(t, out, `ID="openEuler"`, "OpenSSH_9.2", "2.36", "systemd 252", "RPM version 4.18", "no problems")
	has(t, sh(t, h, 0, "readlink /proc/1/exe; systemctl is-system-running; rpm -qa | grep el8"), "running", "telnet-")
	if left := strings.Fields(sh(t, h, 0, "rpm -qa | grep el8")); len(left) != 1 {
		t.Errorf("packages of the source left: %v", left)
	}
	has(t, sh(t, h, 0, "systemctl is-active sshd crond rsyslog nginx"), "active\nactive\nactive\nactive")
	has(t, page(t, h), lab.SitePage, "ferry")
	has(t, sh(t, h, 0, "cat /etc/ssh/sshd_config"), "MaxSessions 20")
	has(t, sh(t, h, 0, "find /etc -name '*.rpmnew'"), "/etc/ssh/sshd_config.rpmnew", "/etc/nginx/nginx.conf.rpmnew")
	has(t, sh(t, h, 0, dnf+"--disableexcludes=all distro-sync"), "Nothing to do")
}

// TestHealInterrupted kills dnf in mid-transaction and repairs the host.
func TestHealInterrupted(t *testing.T) {
	l := up(t, lab.Options{Name: labName, Hosts: 1, Traps: map[string][]string{"*": {"slow"}}})
	h := host(t, l, "el-1")
	sh(t, h, 0, fmt.Sprintf(targetRepo, l.Mirror())+"rpm -e --nodeps sysvinit-tools")
	syncDetached(t, h)
	sh(t, h, 0, `i=0; until grep -q 'Running scriptlet: psmisc' /var/log/sync.log 2>/dev/null; do i=$((i+1)); [ $i -lt 600 ] || exit 9; sleep 0.2; done; rm /etc/lab-slow
systemctl kill --signal=KILL sync; sleep 1`)
	has(t, sh(t, h, 1, "dnf check"), "is a duplicate with")
	if out, err := login(t, l, "el-1", "true"); err != nil {
		t.Errorf("login to a half-migrated host: %v %s", err, out)
	}
	sh(t, h, 0, "rpmdb --rebuilddb")
	has(t, sh(t, h, 1, dnf+"distro-sync"), "protected packages: dnf")
	has(t, sh(t, h, 0, dnf+"--setopt=protected_packages= distro-sync"), "Complete!")
	sh(t, h, 0, "dnf check")
}

// TestSSHDTrap shows what the trap of that name does to whoever falls in.
func TestSSHDTrap(t *testing.T) {
	l := up(t, lab.Options{Name: labName, Hosts: 1, Traps: map[string][]string{"*": {"sshd-config"}}})
	h := host(t, l, "el-1")
	sh(t, h, 0, "sshd -t")
	sh(t, h, 0, fmt.Sprintf(targetRepo, l.Mirror())+"rpm -e --nodeps sysvinit-tools")
	syncDetached(t, h)
	waitSync(t, h)
	has(t, sh(t, h, 255, "sshd -t"), "sntrup4591761x25519")
	if h.Reachable(t.Context()) {
		t.Error("sshd came back in spite of its configuration")
	}
}

func syncDetached(t *testing.T, h *lab.Host) {
	t.Helper()
	sh(t, h, 0, `systemd-run --unit=sync --collect sh -c "`+strings.ReplaceAll(dnf, "'*'", "*")+`--disableexcludes=all distro-sync > /var/log/sync.log 2>&1; echo \$? > /var/log/sync.rc"`)
}

func waitSync(t *testing.T, h *lab.Host) {
	t.Helper()
	sh(t, h, 0, `i=0; until [ -s /var/log/sync.rc ]; do i=$((i+1)); [ $i -lt 600 ] || exit 9; sleep 0.2; done; grep -qx 0 /var/log/sync.rc || { tail -20 /var/log/sync.log; exit 1; }`)
}
