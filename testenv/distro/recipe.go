package distro

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"runtime"
)

// FactoryVersion is part of every recipe's hash. Raise it with any change to
// this package that changes what a build produces.
const FactoryVersion = 3

// Release describes one distribution: what it is made from and what it claims
// to be.
type Release struct {
	Suite   string   // Debian release it is made from
	ID      string   // os-release ID
	Name    string   // os-release NAME
	Version string   // os-release VERSION
	VerID   string   // os-release VERSION_ID
	CPE     string   // os-release CPE_NAME
	Dist    string   // dist tag, with its dot
	Vendor  string   // VENDOR of its packages
	KeyName string   // user id of its signing key
	Include []string // Debian packages on top of mmdebstrap's minimal variant
}

// Recipe holds everything that determines what Build produces, apart from the
// Debian archive's own point releases.
type Recipe struct {
	Factory int
	Arch    string // RPM architecture
	Source  Release
	Target  Release
}

// The packages of both distributions.
var common = []string{
	"systemd", "systemd-sysv", "libpam-systemd", "dbus", "openssh-server", "openssh-client", "sudo",
	"rpm", "dnf", "cron", "rsyslog", "chrony", "nginx-light", "iproute2", "iputils-ping", "procps",
	"curl", "ca-certificates", "gpg", "e2fsprogs", "findutils", "util-linux", "less", "logrotate",
	"kmod", "lsb-base", "python3", "passwd", "psmisc", "lsof", "hostname", "tar", "gzip", "netbase",
}

// DefaultRecipe is the lab's: a CentOS 8 look-alike and an openEuler
// 22.03-LTS-SP4 look-alike for this machine's architecture.
func DefaultRecipe() Recipe {
	return Recipe{
		Factory: FactoryVersion,
		Arch:    rpmArch(runtime.GOARCH),
		Source: Release{
			Suite: "bullseye", ID: "centos", Name: "CentOS Linux", Version: "8", VerID: "8",
			CPE: "cpe:/o:centos:centos:8", Dist: ".el8", Vendor: "CentOS",
			KeyName: "CentOS (ferry lab) <source@lab.invalid>",
			Include: append([]string{"telnet"}, common...),
		},
		Target: Release{
			Suite: "bookworm", ID: "openEuler", Name: "openEuler", Version: "22.03 (LTS-SP4)", VerID: "22.03",
			CPE: "cpe:/o:openeuler:openeuler:22.03", Dist: ".oe2203sp4", Vendor: "http://openeuler.org",
			KeyName: "openEuler (ferry lab) <target@lab.invalid>",
			Include: append([]string{}, common...),
		},
	}
}

// Hash names the recipe's result. Equal recipes have equal hashes.
func (r Recipe) Hash() string {
	b, err := json.Marshal(r)
	if err != nil {
		panic("distro: a recipe is plain data and always encodes: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])[:16]
}

// rpmArch gives RPM's name for a Go architecture.
func rpmArch(goarch string) string {
	switch goarch {
	case "amd64":
		return "x86_64"
	case "arm64":
		return "aarch64"
	default:
		return goarch
	}
}
