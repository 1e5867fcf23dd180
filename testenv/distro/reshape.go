package distro

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// unitNames gives Debian's units the names people of EL-like systems type.
var unitNames = map[string]string{
	"ssh.service":    "sshd.service",
	"ssh.socket":     "sshd.socket",
	"ssh@.service":   "sshd@.service",
	"cron.service":   "crond.service",
	"chrony.service": "chronyd.service",
}

// Trees of Debian's own package tools, and of System V scripts: systemd would
// turn /etc/init.d/ssh into a second ssh.service beside sshd.service.
var discarded = []string{
	"etc/apt", "etc/init.d", "etc/rc?.d", "etc/debian_version", "etc/dpkg", "etc/os-release", "usr/lib/os-release",
	"etc/issue", "etc/issue.net", "etc/ssh/ssh_host_*", "etc/nginx/sites-enabled/default", "etc/machine-id",
	"etc/runit", "etc/ucf.conf", "etc/systemd/system/sshd.service", "etc/systemd/system/chronyd.service",
	"etc/systemd/system/timers.target.wants/apt-*", "etc/systemd/system/timers.target.wants/dpkg-*",
	"var/lib/apt", "var/cache/apt", "var/cache/debconf", "var/lib/ucf", "var/lib/systemd/deb-systemd-helper-*",
	// Links in one release, directories in the other: rpm cannot replace one by the other.
	"usr/share/zoneinfo/posix", "usr/share/zoneinfo/right",
	"lib32", "libx32", "usr/lib32", "usr/libx32", "root/.rpmdb", "usr/lib/rpm/macros.d/macros.debian",
}

// reshape turns the Debian tree at root into what an EL-like distribution
// looks like: unit names, rpm database path, dnf's defaults, an nginx user.
// It runs before packaging, so packages and tree agree.
func reshape(root string) error {
	for _, pattern := range discarded {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return err
		}
		for _, f := range found {
			if err := os.RemoveAll(f); err != nil {
				return err
			}
		}
	}
	if err := renameUnits(root); err != nil {
		return err
	}
	edits := []struct{ file, pattern, with string }{
		// Debian keeps a database per user, so that nobody mistakes rpm for the system's package manager.
		{"usr/lib/rpm/macros", `(?m)^%_dbpath\s.*$`, "%_dbpath\t\t%{_var}/lib/rpm"},
		{"etc/nginx/nginx.conf", `(?m)^user www-data;`, "user nginx;"},
		{"etc/nginx/nginx.conf", `(?m)^\s*include /etc/nginx/sites-enabled/\*;\n`, ""},
		{"etc/dnf/dnf.conf", `(?s).*`, "[main]\ngpgcheck=1\ninstallonly_limit=3\nclean_requirements_on_remove=True\nbest=True\nskip_if_unavailable=False\n"},
	}
	for _, e := range edits {
		if err := edit(root, e.file, e.pattern, e.with); err != nil {
			return err
		}
	}
	return addUser(root, "nginx", 991, "/var/lib/nginx")
}

func renameUnits(root string) error {
	units := filepath.Join(root, "usr/lib/systemd/system")
	wants := filepath.Join(root, "etc/systemd/system/multi-user.target.wants")
	for old, name := range unitNames {
		body, err := os.ReadFile(filepath.Join(units, old))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return err
		}
		text := strings.ReplaceAll(string(body), "Alias="+name+"\n", "")
		for from, to := range unitNames {
			text = regexp.MustCompile(`(^|[ =])`+regexp.QuoteMeta(from)).ReplaceAllString(text, "${1}"+to)
		}
		if err := os.WriteFile(filepath.Join(units, name), []byte(text), 0o644); err != nil {
			return err
		}
		if err := os.Remove(filepath.Join(units, old)); err != nil {
			return err
		}
		if err := os.Remove(filepath.Join(wants, old)); err != nil {
			continue // was not enabled
		}
		if err := os.Symlink("/usr/lib/systemd/system/"+name, filepath.Join(wants, name)); err != nil {
			return err
		}
	}
	// Which hosts run nginx is the lab's decision, not the package's.
	if err := os.RemoveAll(filepath.Join(wants, "nginx.service")); err != nil {
		return err
	}
	return nil
}

// reshapedPath is where reshape put a file of the dpkg database.
func reshapedPath(p string) string {
	dir, base := path.Split(p)
	if name, ok := unitNames[base]; ok && dir == "/usr/lib/systemd/system/" {
		return dir + name
	}
	return p
}

func edit(root, file, pattern, with string) error {
	name := filepath.Join(root, file)
	b, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("cannot adapt /%s: %w", file, err)
	}
	re := regexp.MustCompile(pattern)
	if !re.Match(b) {
		return fmt.Errorf("cannot adapt /%s: it has nothing that matches %q; the Debian package changed, so the factory must too", file, pattern)
	}
	first := true
	out := re.ReplaceAllFunc(b, func([]byte) []byte {
		if !first {
			return nil
		}
		first = false
		return []byte(with)
	})
	return os.WriteFile(name, out, 0o644)
}

// addUser adds a system user and its group to the tree's own files.
func addUser(root, name string, id int, home string) error {
	for file, line := range map[string]string{
		"etc/passwd":  fmt.Sprintf("%s:x:%d:%d::%s:/usr/sbin/nologin\n", name, id, id, home),
		"etc/group":   fmt.Sprintf("%s:x:%d:\n", name, id),
		"etc/shadow":  name + ":!:19000::::::\n",
		"etc/gshadow": name + ":!::\n",
	} {
		f, err := os.OpenFile(filepath.Join(root, file), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString(line)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return err
		}
	}
	return nil
}
