package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ferry-ops/ferry/testenv/distro"
)

// The users of every host besides root, who may log in by key.
const (
	AdminUser   = "admin" // sudo without a password
	OpsUser     = "ops"   // sudo with OpsPassword
	OpsPassword = "lab-ops"
)

// opsHash is OpsPassword for /etc/shadow.
const opsHash = "$6$ferrylab$rOJsZ3WJEFnlSXfqcWcth0Fihv0HF/cSVFbavQhUnDPfM9PJy5QAShDYwMSeLGERmItUgANr6PtOPQf4EHkYb."

// SitePort is where a web host's own site listens, and SitePage what it says.
const (
	SitePort = 8080
	SitePage = "<h1>Ferry line timetable</h1>\n"
)

// prepare makes the files under root, the host's mounted file system, those of
// this host. It runs once, before the first boot.
func (h *Host) prepare(ctx context.Context, root string) error {
	key, err := os.ReadFile(h.lab.path("id_ed25519.pub"))
	if err != nil {
		return err
	}
	id, err := os.ReadFile("/proc/sys/kernel/random/uuid")
	if err != nil {
		return err
	}
	files := []struct {
		path, body string
		mode       os.FileMode
	}{
		// A host without a machine id takes its boot for the first one and enables every service.
		{"etc/machine-id", strings.ReplaceAll(string(id), "-", ""), 0o444},
		{"etc/hostname", h.Name + "\n", 0o644},
		{"etc/hosts", h.lab.etcHosts(), 0o644},
		{"etc/resolv.conf", "# The lab has no name server.\n", 0o644},
		{"etc/fstab", "# The lab's file systems need no entry.\n", 0o644},
		{"etc/dnf/vars/" + distro.VarMirror, h.lab.gateway() + fmt.Sprintf(":%d\n", Port), 0o644},
		{"etc/sudoers.d/lab", AdminUser + " ALL=(ALL) NOPASSWD: ALL\n" + OpsUser + " ALL=(ALL) ALL\n", 0o440},
		{"root/.ssh/authorized_keys", string(key), 0o600},
		{"home/" + AdminUser + "/.ssh/authorized_keys", string(key), 0o600},
		{"home/" + OpsUser + "/.ssh/authorized_keys", string(key), 0o600},
	}
	for _, f := range files {
		if err := put(root, f.path, f.body, f.mode); err != nil {
			return err
		}
	}
	for _, u := range []struct {
		name, hash string
		id         int
	}{{AdminUser, "*", 1000}, {OpsUser, opsHash, 1001}} {
		if err := addLogin(root, u.name, u.hash, u.id); err != nil {
			return err
		}
	}
	if out, err := exec.CommandContext(ctx, "ssh-keygen", "-A", "-f", root).CombinedOutput(); err != nil {
		return fmt.Errorf("cannot make SSH host keys: %w: %s", err, out)
	}
	if err := h.recordHostKeys(root); err != nil {
		return err
	}
	if h.Web {
		if err := makeSite(root); err != nil {
			return err
		}
	}
	return h.layTraps(ctx, root)
}

func put(root, path, body string, mode os.FileMode) error {
	name := filepath.Join(root, path)
	dirMode := os.FileMode(0o755)
	if strings.HasSuffix(filepath.Dir(path), ".ssh") {
		dirMode = 0o700
	}
	if err := os.MkdirAll(filepath.Dir(name), dirMode); err != nil {
		return err
	}
	if err := os.RemoveAll(name); err != nil { // may be a link
		return err
	}
	if err := os.WriteFile(name, []byte(body), mode); err != nil {
		return err
	}
	return os.Chmod(name, mode) // whatever the umask
}

func addLogin(root, name, hash string, id int) error {
	home := filepath.Join(root, "home", name)
	err := filepath.WalkDir(home, func(p string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, id, id)
	})
	if err != nil {
		return err
	}
	for file, line := range map[string]string{
		"etc/passwd": fmt.Sprintf("%s:x:%d:%d::/home/%s:/bin/bash\n", name, id, id, name),
		"etc/group":  fmt.Sprintf("%s:x:%d:\n", name, id),
		"etc/shadow": fmt.Sprintf("%s:%s:19000:0:99999:7:::\n", name, hash),
	} {
		if err := appendTo(filepath.Join(root, file), line); err != nil {
			return err
		}
	}
	return nil
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// makeSite gives a host an nginx with a configuration and content of its own,
// which a migration must neither lose nor reset.
func makeSite(root string) error {
	site := fmt.Sprintf("server {\n    listen %d;\n    root /srv/timetable;\n    add_header X-Line \"ferry\";\n}\n", SitePort)
	if err := put(root, "etc/nginx/conf.d/timetable.conf", site, 0o644); err != nil {
		return err
	}
	if err := put(root, "srv/timetable/index.html", SitePage, 0o644); err != nil {
		return err
	}
	if err := replace(root, "etc/nginx/nginx.conf", "worker_connections 768;", "worker_connections 2048; # the line's own"); err != nil {
		return err
	}
	return os.Symlink("/usr/lib/systemd/system/nginx.service", filepath.Join(root, "etc/systemd/system/multi-user.target.wants/nginx.service"))
}

// layTraps sets what the host's options ask for.
func (h *Host) layTraps(ctx context.Context, root string) error {
	for _, t := range h.Traps {
		var err error
		switch t {
		case "third-party":
			err = installRPM(ctx, root, h.lab.state.Acme)
		case "third-party-repo":
			base := h.lab.Mirror() + "/" + distro.AcmePath
			err = put(root, "etc/yum.repos.d/acme.repo", fmt.Sprintf("[acme]\nname=Acme\nbaseurl=%s/$basearch/\nenabled=1\ngpgcheck=1\ngpgkey=%s/RPM-GPG-KEY-acme\n", base, base), 0o644)
		case "config":
			err = editConfigs(root)
		case "sshd-config":
			err = appendTo(filepath.Join(root, "etc/ssh/sshd_config"),
				"\nKexAlgorithms curve25519-sha256,sntrup4591761x25519-sha512@tinyssh.org\nDenyUsers\n")
		case "exclude":
			err = appendTo(filepath.Join(root, "etc/dnf/dnf.conf"), "exclude=openssl* systemd*\n")
		case "slow":
			err = put(root, distro.SlowFile, "20\n", 0o644)
		case "immutable":
			err = makeImmutable(ctx, filepath.Join(root, "usr/bin/crontab"))
		}
		if err != nil {
			return fmt.Errorf("trap %s: %w", t, err)
		}
	}
	return nil
}

// editConfigs changes files the packages mark %config(noreplace), as an
// administrator would have over the years.
func editConfigs(root string) error {
	if err := replace(root, "etc/ssh/sshd_config", "X11Forwarding yes", "X11Forwarding no\nMaxSessions 20\nClientAliveInterval 300"); err != nil {
		return err
	}
	if err := appendTo(filepath.Join(root, "etc/chrony/chrony.conf"), "\n# house clock\nmaxdistance 4.0\n"); err != nil {
		return err
	}
	return replace(root, "etc/nginx/nginx.conf", "gzip on;", "gzip off;")
}

func replace(root, path, old, text string) error {
	name := filepath.Join(root, path)
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if !slices.Contains(strings.Fields(string(b)), strings.Fields(old)[0]) || !strings.Contains(string(b), old) {
		return fmt.Errorf("/%s has no %q to change", path, old)
	}
	return os.WriteFile(name, []byte(strings.Replace(string(b), old, text, 1)), 0o644)
}

func makeImmutable(ctx context.Context, path string) error {
	// The attribute belongs to the file in the host's own layer; touching the file brings it there.
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, "chattr", "+i", path).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// installRPM installs a package into a host that is not running.
func installRPM(ctx context.Context, root, file string) error {
	const inside = "var/tmp/third-party.rpm"
	if err := copyFile(file, filepath.Join(root, inside)); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "chroot", root, "/bin/sh", "-c", "rpm -i --force-debian --nosignature /"+inside+"; rc=$?; rm -f /"+inside+" /var/lib/rpm/__db.*; exit $rc")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
