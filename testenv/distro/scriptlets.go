package distro

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
)

// scripts are a package's scriptlets.
type scripts struct{ pre, post, preun, postun, posttrans string }

// restarted are the services whose packages restart them in %postun of an
// upgrade, as the real packages do (%systemd_postun_with_restart). The restart
// runs in the OLD package's scriptlet, in mid-transaction: a session that came
// in through sshd must survive that.
var restarted = map[string]string{
	"openssh-server": "sshd.service",
	"cronie":         "crond.service",
	"rsyslog":        "rsyslog.service",
	"chrony":         "chronyd.service",
	"nginx":          "nginx.service",
}

// systemUsers are made by the packages that need them even if they own no file.
var systemUsers = map[string][]string{
	"openssh-server": {"sshd"},
	"dbus":           {"messagebus"},
	"systemd":        {"systemd-network", "systemd-resolve"},
	"nginx":          {"nginx"},
	"chrony":         {"_chrony"},
}

// SlowFile makes a transaction slow: a package in its middle sleeps in %post
// for as many seconds as the file says. Without the file it does not.
const SlowFile = "/etc/lab-slow"

// fixed are scriptlets of single packages.
var fixed = map[string]scripts{
	// New libraries must be found by name before anything that needs them runs.
	"glibc": {post: "/usr/sbin/ldconfig || :", posttrans: "/usr/sbin/ldconfig || :"},
	// The running manager continues as the new binary, as on the real distributions.
	"systemd": {
		post:      "if [ $1 -gt 1 ] && [ -d /run/systemd/system ]; then systemctl daemon-reexec || :; fi",
		posttrans: "if [ -d /run/systemd/system ]; then systemctl daemon-reload || :; fi",
	},
	// rpmpack cannot record file capabilities.
	"iputils": {post: "setcap cap_net_raw+ep /usr/bin/ping 2>/dev/null || chmod u+s /usr/bin/ping"},
	// Tests that interrupt a transaction need one that is still running when they do.
	"psmisc":         {post: "[ ! -e " + SlowFile + " ] || sleep $(cat " + SlowFile + ")"},
	"openssh-server": {post: `if [ ! -e /etc/ssh/ssh_host_ed25519_key ]; then ssh-keygen -A >/dev/null 2>&1 || :; fi`},
}

// addScripts gives p its scriptlets. Users and groups are those of root's
// files that the minimal system does not already have.
func addScripts(root string, ids *accounts, p *pkg) error {
	s := fixed[p.name]
	users, groups, units := map[string]bool{}, map[string]bool{}, []string{}
	for _, u := range systemUsers[p.name] {
		users[u] = true
	}
	for f := range p.files {
		info, err := os.Lstat(filepath.Join(root, f))
		if err != nil {
			return err
		}
		uid, gid := ids.of(info)
		if ids.dynamic(ids.uids, uid) {
			users[uid] = true
		}
		if ids.dynamic(ids.gids, gid) {
			groups[gid] = true
		}
		if path.Dir(f) == "/usr/lib/systemd/system" && info.Mode().IsRegular() {
			b, err := os.ReadFile(filepath.Join(root, f))
			if err != nil {
				return err
			}
			if strings.Contains(string(b), "\n[Install]") {
				units = append(units, path.Base(f))
			}
		}
	}
	var pre []string
	for _, u := range sortedKeys(users) {
		if ids.groupOf[u] != "" {
			groups[ids.groupOf[u]] = true
		}
	}
	for _, g := range sortedKeys(groups) {
		pre = append(pre, fmt.Sprintf("getent group %[1]s >/dev/null || groupadd -r %[1]s", g))
	}
	for _, u := range sortedKeys(users) {
		if g, ok := ids.groupOf[u]; ok {
			pre = append(pre, fmt.Sprintf("getent passwd %[1]s >/dev/null || useradd -r -M -g %[2]s -d %[3]s -s /usr/sbin/nologin %[1]s", u, g, ids.home[u]))
		}
	}
	if len(pre) > 0 {
		s.pre = join(strings.Join(pre, "\n")+"\nexit 0", s.pre)
		if p.name != "glibc" && p.name != "shadow-utils" && p.name != "setup" {
			p.depends = append(p.depends, "shadow-utils")
		}
	}
	if len(units) > 0 {
		sort.Strings(units)
		list := strings.Join(units, " ")
		s.post = join(s.post, fmt.Sprintf("if [ $1 -eq 1 ] && [ -x /usr/bin/systemctl ]; then systemctl --no-reload preset %s >/dev/null 2>&1 || :; fi", list))
		s.preun = join(s.preun, fmt.Sprintf("if [ $1 -eq 0 ] && [ -x /usr/bin/systemctl ]; then systemctl --no-reload disable --now %s >/dev/null 2>&1 || :; fi", list))
		s.postun = join(s.postun, "if [ -d /run/systemd/system ]; then systemctl daemon-reload >/dev/null 2>&1 || :; fi")
	}
	if unit, ok := restarted[p.name]; ok {
		s.postun = join(s.postun, fmt.Sprintf("if [ $1 -ge 1 ] && [ -d /run/systemd/system ]; then systemctl try-restart %s >/dev/null 2>&1 || :; fi", unit))
	}
	p.scripts = s
	if s.pre+s.post+s.preun+s.postun+s.posttrans != "" && p.name != "dash" && p.name != "glibc" {
		p.requires = append(p.requires, "/bin/sh")
	}
	return nil
}

func join(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, "\n")
}

func sortedKeys(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
