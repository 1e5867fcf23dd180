package distro

import (
	"fmt"
	"strings"
)

// VarMirror is the dnf variable the shipped repo files use for the address of
// the lab's repository server: it differs from lab to lab, the packages do not.
const VarMirror = "labmirror"

// Paths of the repositories below the server's root.
const (
	SourcePath   = "centos/8/BaseOS"
	TargetPath   = "openEuler-22.03-LTS-SP4"
	AcmePath     = "acme/el8"
	UnsignedPath = "broken/unsigned"
	WrongKeyPath = "broken/wrong-key"
)

func osRelease(r Release) string {
	return fmt.Sprintf("NAME=%q\nVERSION=%q\nID=%q\nVERSION_ID=%q\nPRETTY_NAME=%q\nANSI_COLOR=\"0;31\"\nCPE_NAME=%q\n",
		r.Name, r.Version, r.ID, r.VerID, r.Name+" "+r.Version, r.CPE)
}

// presets decide which services of a newly installed package are enabled: the
// ones named, nothing else, as in both real distributions.
func presets() []file {
	const dir = "/usr/lib/systemd/system-preset/"
	return []file{
		{path: dir + "85-default.preset", body: "enable sshd.service\nenable crond.service\nenable rsyslog.service\nenable chronyd.service\nenable dbus.socket\nenable getty@.service\nenable logrotate.timer\n", mode: 0o644},
		{path: dir + "99-default-disable.preset", body: "disable *\n", mode: 0o644},
	}
}

func repoFile(id, name, base, key string, enabled bool) string {
	on := 0
	if enabled {
		on = 1
	}
	return fmt.Sprintf("[%s]\nname=%s\nbaseurl=%s\nenabled=%d\ngpgcheck=1\ngpgkey=%s\n", id, name, base, on, key)
}

// sourceRelease are the source's release packages.
func sourceRelease(r Release, key string) []*pkg {
	const keyFile = "/etc/pki/rpm-gpg/RPM-GPG-KEY-centosofficial"
	release := evr{version: "8.5", release: "1.2111" + r.Dist}
	repo := repoFile("baseos", "CentOS Linux $releasever - BaseOS",
		"http://$"+VarMirror+"/centos/$releasever/BaseOS/$basearch/os/", "file://"+keyFile, true)
	return []*pkg{
		{
			name: "centos-release", evr: release, arch: "noarch", vendor: r.Vendor, summary: "CentOS Linux release files",
			provides: []string{"system-release = 8.5", "system-release(releasever) = 8", "redhat-release = 8.5"},
			requires: []string{"centos-repos"},
			content: append(presets(), releaseFiles(r, "/etc/centos-release", "CentOS Linux release 8.5.2111\n",
				file{path: "/etc/redhat-release", body: "centos-release", link: true})...),
		},
		{
			name: "centos-repos", evr: release, arch: "noarch", vendor: r.Vendor, summary: "CentOS Linux package repositories",
			provides: []string{"system-repos = 8.5"}, requires: []string{"system-release", "centos-gpg-keys"},
			content: []file{{path: "/etc/yum.repos.d/CentOS-Linux-BaseOS.repo", body: repo, mode: 0o644, conf: true}},
		},
		{
			name: "centos-gpg-keys", evr: release, arch: "noarch", vendor: r.Vendor, summary: "CentOS Linux package signing keys",
			content: []file{{path: keyFile, body: key, mode: 0o644}},
		},
	}
}

// targetRelease are the target's release packages.
func targetRelease(r Release, key string) []*pkg {
	const keyFile = "/etc/pki/rpm-gpg/RPM-GPG-KEY-openEuler"
	release := evr{version: "22.03LTS_SP4", release: "60" + r.Dist}
	var repos strings.Builder
	for _, s := range []struct {
		dir string
		on  bool
	}{{"OS", true}, {"everything", true}, {"update", true}} {
		repos.WriteString(repoFile(s.dir, s.dir, "http://$"+VarMirror+"/"+TargetPath+"/"+s.dir+"/$basearch/", "file://"+keyFile, s.on) + "\n")
	}
	return []*pkg{
		{
			name: "openEuler-release", evr: release, arch: "noarch", vendor: r.Vendor, summary: "openEuler release files",
			provides: []string{"system-release = 22.03", "system-release(releasever) = 22.03LTS_SP4", "openeuler-release = 22.03"},
			requires: []string{"openEuler-repos"},
			content:  append(presets(), releaseFiles(r, "/etc/openEuler-release", "openEuler release 22.03 (LTS-SP4)\n")...),
		},
		{
			name: "openEuler-repos", evr: evr{version: "1.0", release: "5" + r.Dist}, arch: "noarch", vendor: r.Vendor, summary: "openEuler package repositories",
			provides: []string{"system-repos = 22.03"}, requires: []string{"system-release", "openEuler-gpg-keys"},
			content: []file{{path: "/etc/yum.repos.d/openEuler.repo", body: repos.String(), mode: 0o644, conf: true}},
		},
		{
			name: "openEuler-gpg-keys", evr: evr{version: "1.0", release: "5" + r.Dist}, arch: "noarch", vendor: r.Vendor, summary: "openEuler package signing keys",
			content: []file{{path: keyFile, body: key, mode: 0o644}},
		},
	}
}

func releaseFiles(r Release, path, text string, more ...file) []file {
	return append([]file{
		{path: "/usr/lib/os-release", body: osRelease(r), mode: 0o644},
		{path: "/etc/os-release", body: "../usr/lib/os-release", link: true},
		{path: path, body: text, mode: 0o644},
		{path: "/etc/system-release", body: path[len("/etc/"):], link: true},
		{path: "/etc/issue", body: "\\S\nKernel \\r on an \\m\n\n", mode: 0o644, conf: true},
		{path: "/etc/rpm/macros.dist", body: "%dist " + r.Dist + "\n", mode: 0o644},
	}, more...)
}

// acme is the third-party vendor's agent. Its helper is a copy of the source's
// openssl command, so it really needs the old library: trap "third-party".
func acme(arch, helper string, needs []string) *pkg {
	return &pkg{
		name: "acme-agent", evr: evr{version: "1.4", release: "2"}, arch: arch, vendor: "Acme", summary: "Acme monitoring agent",
		requires: needs,
		content: []file{
			{path: "/opt/acme/libexec/acme-crypt", body: helper, mode: 0o755},
			{path: "/opt/acme/bin/acme-agent", body: "#!/bin/sh\n# Answers whether the agent's library still loads.\nexec /opt/acme/libexec/acme-crypt version\n", mode: 0o755},
			{path: "/etc/opt/acme/agent.conf", body: "interval = 60\n", mode: 0o644, conf: true},
		},
	}
}
