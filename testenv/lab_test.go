//go:build lab

// Package testenv_test proves the lab against itself: real hosts are booted,
// broken, migrated by hand and taken away again. It needs root.
package testenv_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ferry-ops/ferry/testenv/distro"
	"github.com/ferry-ops/ferry/testenv/lab"
)

const labName = "self"

// up boots a lab for one test and takes it down after it.
func up(t *testing.T, o lab.Options) *lab.Lab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("the lab's tests need root; run: sudo make lab-test")
	}
	if err := lab.Down(t.Context(), o.Name); err != nil {
		t.Fatal(err)
	}
	o.Log = t.Logf
	l, err := lab.Up(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Down(context.Background(), o.Name); err != nil {
			t.Error(err)
		}
	})
	return l
}

func host(t *testing.T, l *lab.Lab, name string) *lab.Host {
	t.Helper()
	h, err := l.Host(name)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// sh runs a script as root on a host; a test that expects a code says so.
func sh(t *testing.T, h *lab.Host, want int, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	r, err := h.Exec(ctx, "/bin/sh", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	if r.Code != want {
		t.Fatalf("%s: %q ended with %d, want %d\n%s%s", h.Name, script, r.Code, want, r.Stdout, r.Stderr)
	}
	return r.Stdout + r.Stderr
}

// login runs a command through a real SSH login.
func login(t *testing.T, l *lab.Lab, host, command string) (string, error) {
	t.Helper()
	// ConnectTimeout is for the first answer; a host may also not get further.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ssh", "-F", l.SSHConfig(), "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", host, command).CombinedOutput()
	return string(out), err
}

func has(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, w := range wants {
		if !strings.Contains(text, w) {
			t.Errorf("no %q in\n%s", w, text)
		}
	}
}

const targetRepo = `cat > /etc/yum.repos.d/target.repo <<END
[target]
name=target
baseurl=%[1]s/openEuler-22.03-LTS-SP4/OS/$(uname -m)/
gpgcheck=1
gpgkey=%[1]s/openEuler-22.03-LTS-SP4/OS/$(uname -m)/RPM-GPG-KEY-openEuler
END
`

const dnf = "dnf -y --disablerepo='*' --enablerepo=target "

func TestHosts(t *testing.T) {
	l := up(t, lab.Options{Name: labName, Hosts: 2, Traps: map[string][]string{"el-2": {"all"}}})
	el1, el2 := host(t, l, "el-1"), host(t, l, "el-2")

	t.Run("look like the source", func(t *testing.T) {
		has(t, sh(t, el1, 0, "cat /etc/os-release /etc/redhat-release"), `ID="centos"`, `VERSION_ID="8"`, "CentOS Linux release 8")
		has(t, sh(t, el1, 0, "rpm -q --whatprovides system-release"), "centos-release-8.5")
		other := sh(t, el1, 0, "rpm -qa --qf '%{RELEASE}\n' | grep -v el8 | sort -u")
		if got := strings.TrimSpace(other); strings.Count(got, "\n") > 0 || len(got) != 8 {
			t.Errorf("besides .el8 packages and one gpg-pubkey there is %q", got)
		}
		var n int
		if _, err := fmt.Sscan(sh(t, el1, 0, "rpm -qa | wc -l"), &n); err != nil || n < 150 {
			t.Errorf("%d packages, %v", n, err)
		}
		if out := sh(t, el1, 0, "rpm -V glibc systemd openssh-server sudo"); out != "" {
			t.Errorf("files differ from their packages: %s", out)
		}
		has(t, sh(t, el1, 0, "ls /var/lib/rpm; rpm -E '%{_dbpath} %{_db_backend}'"), "Packages", "/var/lib/rpm bdb")
		has(t, sh(t, el1, 0, "systemctl is-active sshd crond rsyslog nginx"), "active\nactive\nactive\nactive")
		sh(t, el1, 0, "dnf check")
	})
	t.Run("log in", func(t *testing.T) {
		out, err := login(t, l, "el-1", "sudo -n id -un")
		if err != nil || strings.TrimSpace(out) != "root" {
			t.Errorf("admin: %q, %v", out, err)
		}
		if out, err = login(t, l, "ops@el-1", "sudo -n true"); err == nil {
			t.Errorf("ops needs no password: %q", out)
		}
		out, err = login(t, l, "ops@el-1", "echo "+lab.OpsPassword+" | sudo -S -p '' id -un")
		if err != nil || !strings.HasSuffix(strings.TrimSpace(out), "\nroot") { // after sudo's lecture
			t.Errorf("ops with the password: %q, %v", out, err)
		}
		if out, err = login(t, l, "root@el-2", "true"); err != nil {
			t.Errorf("root: %q, %v", out, err)
		}
	})
	t.Run("check signatures", func(t *testing.T) { signatures(t, l, el1) })
	t.Run("meet the traps", func(t *testing.T) { traps(t, l, el1, el2) })
	t.Run("reboot", func(t *testing.T) { reboot(t, l, el1) })
	t.Run("lose the network", func(t *testing.T) { network(t, l, el1) })
	t.Run("pause and crash", func(t *testing.T) { pauseAndCrash(t, el2) })
}

func signatures(t *testing.T, l *lab.Lab, h *lab.Host) {
	sh(t, h, 0, fmt.Sprintf(targetRepo, l.Mirror()))
	key := fmt.Sprintf("--setopt=bad.gpgcheck=1 --setopt=bad.gpgkey=%s/openEuler-22.03-LTS-SP4/OS/$(uname -m)/RPM-GPG-KEY-openEuler", l.Mirror())
	for path, want := range map[string]string{distro.UnsignedPath: "is not signed", distro.WrongKeyPath: "GPG check FAILED"} {
		out := sh(t, h, 1, fmt.Sprintf("dnf -y --disablerepo='*' --repofrompath=bad,%s/%s/$(uname -m) %s install hello-lab", l.Mirror(), path, key))
		has(t, out, want)
		sh(t, h, 1, "rpm -q hello-lab")
	}
	// The good ones pass, and the key comes from where the repository says.
	sh(t, h, 0, dnf+"--downloadonly swap centos-release openEuler-release")
	has(t, sh(t, h, 0, "rpm --import $(sed -n s/^gpgkey=//p /etc/yum.repos.d/target.repo); rpm -Kv $(find /var/cache/dnf -name 'openEuler-release*.rpm')"), "RSA/SHA256 Signature", ": OK")
}

func traps(t *testing.T, l *lab.Lab, plain, all *lab.Host) {
	sh(t, all, 0, fmt.Sprintf(targetRepo, l.Mirror()))
	// The conflict passes the solver and is met only by rpm's own test.
	has(t, sh(t, plain, 1, dnf+"distro-sync --assumeno"), "Dependencies resolved", "Operation aborted")
	has(t, sh(t, plain, 1, dnf+"distro-sync --setopt=tsflags=test"), "Transaction test error", "conflicts with file from package sysvinit-tools")
	sh(t, plain, 1, "rpm -q telnet >/dev/null && dnf -q repoquery --disablerepo='*' --enablerepo=target telnet | grep .")
	has(t, sh(t, all, 1, dnf+"distro-sync --assumeno"), "filtered out by exclude filtering")
	has(t, sh(t, all, 1, dnf+"--disableexcludes=all distro-sync --assumeno"), "acme-agent-1.4-2", "libcrypto.so.1.1")
	has(t, sh(t, all, 1, dnf+"--disableexcludes=all --allowerasing distro-sync --assumeno"), "Removing dependent packages", "acme-agent")
	has(t, sh(t, all, 0, "dnf -y makecache; dnf repolist; /opt/acme/bin/acme-agent"), "acme", "OpenSSL 1.1.1")
	// rpm -V ends with the number of packages that differ.
	has(t, sh(t, all, 3, "rpm -V openssh-server nginx chrony"), "c /etc/ssh/sshd_config", "c /etc/nginx/nginx.conf", "c /etc/chrony/chrony.conf")
	has(t, sh(t, all, 1, "sshd -t && mv /usr/bin/crontab /usr/bin/x"), "not permitted")
	has(t, sh(t, all, 0, "rpm -V cronie"), "")
}

func reboot(t *testing.T, l *lab.Lab, h *lab.Host) {
	before, err := h.BootID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sh(t, h, 0, "echo stays > /root/note")
	if err := h.Reboot(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := h.BootID(t.Context())
	if err != nil || after == before {
		t.Errorf("boot id before %s, after %s, %v", before, after, err)
	}
	has(t, sh(t, h, 0, "cat /root/note"), "stays")
	has(t, page(t, h), lab.SitePage)
	if err := h.PowerOff(t.Context()); err != nil || h.Running() || h.Reachable(t.Context()) {
		t.Errorf("power off: %v, running %v", err, h.Running())
	}
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.WaitReachable(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out, err := login(t, l, h.Name, "cat /proc/sys/kernel/random/boot_id"); err != nil || strings.TrimSpace(out) == after {
		t.Errorf("boot id after power off: %q, %v", out, err)
	}
}

func network(t *testing.T, l *lab.Lab, h *lab.Host) {
	if err := h.CutNetwork(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c, err := net.DialTimeout("tcp", h.Address+":22", 2*time.Second); err == nil {
		_ = c.Close()
		t.Error("a host that is cut off accepts connections")
	}
	has(t, sh(t, h, 0, "systemctl is-active sshd"), "active") // from behind it is well
	if err := h.RestoreNetwork(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	if err := h.WaitReachable(ctx); err != nil {
		t.Error(err)
	}
}

func pauseAndCrash(t *testing.T, h *lab.Host) {
	if err := h.Pause(); err != nil {
		t.Fatal(err)
	}
	if h.Reachable(t.Context()) {
		t.Error("a paused host answers")
	}
	if s := h.Status(t.Context()); s.State != "paused" {
		t.Errorf("status of a paused host is %q", s.State)
	}
	if err := h.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := h.WaitReachable(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.Crash(); err != nil {
		t.Fatal(err)
	}
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.WaitReachable(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func page(t *testing.T, h *lab.Host) string {
	t.Helper()
	var last error
	client := http.Client{Timeout: 10 * time.Second}
	for range 50 { // the site may be a moment later than sshd
		r, err := client.Get(fmt.Sprintf("http://%s:%d/", h.Address, lab.SitePort))
		if err == nil {
			b, err := io.ReadAll(r.Body)
			_ = r.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			return string(b) + r.Header.Get("X-Line")
		}
		last = err
		time.Sleep(100 * time.Millisecond)
	}
	t.Error(last)
	return ""
}
