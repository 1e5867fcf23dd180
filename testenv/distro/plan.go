package distro

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// pkg is an RPM to be built: what it is called and which files of the tree it
// takes.
type pkg struct {
	name      string
	evr       evr
	arch      string
	vendor    string
	summary   string
	files     map[string]bool // path -> is a configuration file
	content   []file          // files that are not in the tree
	depends   []string        // RPM names
	requires  []string        // sonames, paths, from the files themselves
	provides  []string
	obsoletes []string
	scripts   scripts
	rank      int
}

// file is one made-up file of a package.
type file struct {
	path string
	body string
	mode uint
	conf bool
	link bool // body is the target of a symbolic link
}

// adopted are files no Debian package owns, because its scripts make them.
var adopted = map[string]struct {
	rpm  string
	conf bool
}{
	"/etc/ssh/sshd_config":                             {"openssh-server", true},
	"/etc/chrony/chrony.conf":                          {"chrony", true},
	"/etc/nginx/modules-enabled/50-mod-http-echo.conf": {"nginx-mod-http-echo", false},
	"/etc/nsswitch.conf":                               {"setup", true},
	"/etc/profile":                                     {"setup", true},
	"/etc/shells":                                      {"setup", true},
	"/etc/pam.d/common-account":                        {"pam", true},
	"/etc/pam.d/common-auth":                           {"pam", true},
	"/etc/pam.d/common-password":                       {"pam", true},
	"/etc/pam.d/common-session":                        {"pam", true},
	"/etc/pam.d/common-session-noninteractive":         {"pam", true},
}

// plan groups the Debian packages of the tree at root into RPMs.
func plan(root string, r Release, arch string, debs []debian, moved map[string]string) (map[string]*pkg, error) {
	pkgs := map[string]*pkg{}
	owner := map[string]string{} // path of a file -> RPM
	depends := map[string][]string{}
	for _, d := range debs {
		name, rank, ok := rpmName(d.name)
		if !ok {
			continue
		}
		if to, ok := moved[name]; ok {
			name, rank = to, rank+100
		}
		p := pkgs[name]
		if p == nil {
			p = &pkg{name: name, arch: "noarch", vendor: r.Vendor, files: map[string]bool{}, rank: 1 << 20}
			pkgs[name] = p
		}
		if rank < p.rank {
			p.rank, p.evr, p.summary = rank, fromDebian(d.version, r.Dist), d.summary
		}
		if d.arch != "all" {
			p.arch = arch
		}
		for _, f := range d.files {
			f = reshapedPath(f)
			p.files[f] = p.files[f] || d.conffiles[f]
			owner[f] = name
		}
		depends[name] = append(depends[name], d.depends...)
	}
	for name, deps := range depends {
		for _, dep := range deps {
			to, _, ok := rpmName(dep)
			if m, isMoved := moved[to]; isMoved {
				to = m
			}
			if ok && to != name && !softened[to] && pkgs[to] != nil && !slices.Contains(pkgs[name].depends, to) {
				pkgs[name].depends = append(pkgs[name].depends, to)
			}
		}
		sort.Strings(pkgs[name].depends)
	}
	for f, a := range adopted {
		if p := pkgs[a.rpm]; p != nil {
			p.files[f] = a.conf
		}
	}
	if err := adoptGenerated(root, pkgs, owner, r, arch); err != nil {
		return nil, err
	}
	dropMissing(root, pkgs)
	return pkgs, nil
}

// adoptGenerated gives compiled Python files to the owner of their source, and
// the links of Debian's alternatives to a package of that name.
func adoptGenerated(root string, pkgs map[string]*pkg, owner map[string]string, r Release, arch string) error {
	alternatives := &pkg{
		name: "alternatives", evr: evr{version: "1.19", release: "1" + r.Dist}, arch: "noarch", vendor: r.Vendor,
		summary: "Links that select one of several commands", files: map[string]bool{},
	}
	links, err := filepath.Glob(filepath.Join(root, "etc/alternatives/*"))
	if err != nil {
		return err
	}
	for _, l := range links {
		alternatives.files["/etc/alternatives/"+filepath.Base(l)] = false
	}
	for _, dir := range []string{"usr/bin", "usr/sbin"} {
		entries, err := os.ReadDir(filepath.Join(root, dir))
		if err != nil {
			return err
		}
		for _, e := range entries {
			to, err := os.Readlink(filepath.Join(root, dir, e.Name()))
			if err == nil && strings.HasPrefix(to, "/etc/alternatives/") {
				alternatives.files["/"+dir+"/"+e.Name()] = false
			}
		}
	}
	pkgs[alternatives.name] = alternatives
	for f, name := range owner {
		if !strings.HasSuffix(f, ".py") {
			continue
		}
		base := strings.TrimSuffix(path.Base(f), ".py")
		cached, err := filepath.Glob(filepath.Join(root, path.Dir(f), "__pycache__", base+".cpython-*.pyc"))
		if err != nil {
			return err
		}
		for _, c := range cached {
			pkgs[name].files[path.Join(path.Dir(f), "__pycache__", filepath.Base(c))] = false
			pkgs[name].files[path.Join(path.Dir(f), "__pycache__")] = false
		}
	}
	return nil
}

// kernelDirs are mount points of every host: a package that set their mode
// would fail on a read-only one.
var kernelDirs = []string{"/dev", "/proc", "/sys", "/run", "/tmp", "/var/tmp", "/"}

// dropMissing removes what is in a file list but not in the tree
// (documentation, translations, what reshape discarded), and directories that
// the filesystem package owns for all.
func dropMissing(root string, pkgs map[string]*pkg) {
	shared := map[string]bool{}
	if fs := pkgs["filesystem"]; fs != nil {
		for f := range fs.files {
			if info, err := os.Lstat(filepath.Join(root, f)); err == nil && info.IsDir() {
				shared[f] = true
			}
		}
	}
	for name, p := range pkgs {
		for f := range p.files {
			_, err := os.Lstat(filepath.Join(root, f))
			if err != nil || slices.Contains(kernelDirs, f) || strings.HasPrefix(f, "/run/") ||
				name != "filesystem" && (shared[f] || f == "/usr/bin" || f == "/usr/sbin" || f == "/usr/lib" || f == "/usr/lib64") {
				delete(p.files, f)
			}
		}
	}
}
