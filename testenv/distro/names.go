package distro

import (
	"path"
	"regexp"
)

// renames maps Debian packages to the packages of an EL-like distribution.
// Several Debian packages become one RPM; the first that is installed gives it
// its version and summary. Patterns are those of path.Match.
var renames = []struct {
	rpm  string
	debs []string
}{
	{"audit-libs", []string{"libaudit1", "libaudit-common"}},
	{"bzip2-libs", []string{"libbz2-1.0"}},
	{"cronie", []string{"cron", "cron-daemon-common"}},
	{"cyrus-sasl-lib", []string{"libsasl2-2", "libsasl2-modules-db"}},
	{"dbus", []string{"dbus", "dbus-bin", "dbus-daemon", "dbus-session-bus-common", "dbus-system-bus-common"}},
	{"dbus-libs", []string{"libdbus-1-3"}},
	{"device-mapper", []string{"dmsetup"}},
	{"device-mapper-libs", []string{"libdevmapper1.02.1"}},
	{"e2fsprogs", []string{"e2fsprogs", "logsave"}},
	{"e2fsprogs-libs", []string{"libext2fs2", "libss2"}},
	{"elfutils-libelf", []string{"libelf1"}},
	{"elfutils-libs", []string{"libdw1"}},
	{"expat", []string{"libexpat1"}},
	{"file-libs", []string{"libmagic1", "libmagic-mgc"}},
	{"filesystem", []string{"base-files"}},
	{"glib2", []string{"libglib2.0-0"}},
	{"glibc", []string{"libc6", "libc-bin"}},
	{"gmp", []string{"libgmp10"}},
	{"gnupg2", []string{"gpg", "gpgconf", "gpgv"}},
	{"gnutls", []string{"libgnutls30"}},
	{"gpgme", []string{"libgpgme11"}},
	{"initscripts", []string{"init-system-helpers"}},
	{"iproute", []string{"iproute2"}},
	{"iptables-libs", []string{"libxtables12", "libip4tc2"}},
	{"iputils", []string{"iputils-ping"}},
	{"json-c", []string{"libjson-c5"}},
	{"keyutils-libs", []string{"libkeyutils1"}},
	{"kmod-libs", []string{"libkmod2"}},
	{"krb5-libs", []string{"libkrb5-3", "libgssapi-krb5-2", "libk5crypto3", "libkrb5support0"}},
	{"libcap", []string{"libcap2", "libcap2-bin"}},
	{"libcom_err", []string{"libcom-err2"}},
	{"libcurl", []string{"libcurl4"}},
	{"libcurl-gnutls", []string{"libcurl3-gnutls"}},
	{"libdb", []string{"libdb5.3"}},
	{"libdnf", []string{"libdnf2", "libdnf2-common"}},
	{"libgcc", []string{"libgcc-s1"}},
	{"libidn2", []string{"libidn2-0"}},
	{"libmd", []string{"libmd0"}},
	{"libmodulemd", []string{"libmodulemd2"}},
	{"libnghttp2", []string{"libnghttp2-14"}},
	{"libnsl2", []string{"libnsl2"}},
	{"libsemanage", []string{"libsemanage1", "libsemanage2", "libsemanage-common"}},
	{"libsolv", []string{"libsolv1", "libsolvext1"}},
	{"libssh2", []string{"libssh2-1"}},
	{"libstdc++", []string{"libstdc++6"}},
	{"libtasn1", []string{"libtasn1-6"}},
	{"libtirpc", []string{"libtirpc3", "libtirpc-common"}},
	{"libunistring", []string{"libunistring2"}},
	{"libxcrypt", []string{"libcrypt1"}},
	{"libxml2", []string{"libxml2"}},
	{"libyaml", []string{"libyaml-0-2"}},
	{"libzstd", []string{"libzstd1"}},
	{"lua-libs", []string{"liblua5.?-0"}},
	{"lz4-libs", []string{"liblz4-1"}},
	{"mailcap", []string{"media-types"}},
	{"ncurses", []string{"ncurses-bin"}},
	{"ncurses-libs", []string{"libtinfo6", "libncurses6", "libncursesw6"}},
	{"nettle", []string{"libnettle8", "libhogweed6"}},
	{"nginx", []string{"nginx-light", "nginx-common", "nginx"}},
	{"nginx-mod-http-echo", []string{"libnginx-mod-http-echo"}},
	{"openldap", []string{"libldap-2.*"}},
	{"openssh-clients", []string{"openssh-client"}},
	{"openssh-server", []string{"openssh-server", "openssh-sftp-server"}},
	{"openssl-libs", []string{"libssl1.1", "libssl3"}},
	{"p11-kit", []string{"libp11-kit0"}},
	{"pam", []string{"libpam-runtime", "libpam0g", "libpam-modules", "libpam-modules-bin"}},
	{"pcre", []string{"libpcre3"}},
	{"pcre2", []string{"libpcre2-8-0"}},
	{"perl", []string{"perl", "perl-modules-5.*", "libperl5.*"}},
	{"perl-libs", []string{"perl-base"}},
	{"popt", []string{"libpopt0"}},
	{"procps-ng", []string{"procps", "libprocps8", "libproc2-0"}},
	{"python3", []string{"python3", "python3.*", "python3-minimal", "python3.*-minimal", "libpython3*", "python3-distutils", "python3-lib2to3"}},
	{"readline", []string{"libreadline8", "readline-common"}},
	{"rpm", []string{"rpm", "rpm-common", "rpm2cpio"}},
	{"rpm-libs", []string{"librpm9", "librpmio9", "librpmbuild9", "librpmsign9"}},
	{"setup", []string{"base-passwd"}},
	{"shadow-utils", []string{"passwd", "login"}},
	{"sqlite", []string{"sqlite3"}},
	{"sqlite-libs", []string{"libsqlite3-0"}},
	{"systemd", []string{"systemd", "systemd-sysv"}},
	{"systemd-libs", []string{"libsystemd0", "libudev1", "libsystemd-shared"}},
	{"systemd-pam", []string{"libpam-systemd"}},
	{"sysvinit-tools", []string{"sysvinit-utils", "lsb-base"}},
	{"tcp_wrappers-libs", []string{"libwrap0"}},
	{"util-linux", []string{"util-linux", "util-linux-extra", "bsdutils", "mount"}},
	{"xz-libs", []string{"liblzma5"}},
	{"xxhash-libs", []string{"libxxhash0"}},
	{"zlib", []string{"zlib1g"}},
}

// dropped are Debian's own package tools and what only they need. An EL-like
// system has none of them.
var dropped = []string{
	"apt", "libapt-pkg*", "dpkg", "debconf", "libdebconfclient0", "debian-archive-keyring", "ucf", "adduser",
	"gcc-*-base", "usrmerge", "usr-is-merged", "runit-helper", "sensible-utils",
	"libfile-find-rule-perl", "libnumber-compare-perl", "libtext-glob-perl",
}

// softened are packages nothing may require: removing them must be possible
// without taking half the system along.
var softened = map[string]bool{"sysvinit-tools": true}

// movedInTarget says which source package's files are part of another package
// in the target. Nothing Obsoletes the old one, so both cannot be installed
// and rpm's transaction test says so: trap "conflict".
var movedInTarget = map[string]string{"sysvinit-tools": "procps-ng"}

// obsoletedBy names, for packages the target no longer has, the target package
// that replaces them. Source packages that are in neither list stay behind.
var obsoletedBy = map[string]string{
	"libbsd": "libmd", "libmpdec": "python3", "pcre": "pcre2",
}

var soname = regexp.MustCompile(`^(lib[a-z].*?)-?[0-9]+(\.[0-9]+)*(-[0-9]+)?$`)

// rpmName gives the RPM name of a Debian package, and its rank among those
// that share the name. ok is false for packages that are dropped.
func rpmName(deb string) (name string, rank int, ok bool) {
	for _, pattern := range dropped {
		if matches(pattern, deb) {
			return "", 0, false
		}
	}
	for _, r := range renames {
		for i, pattern := range r.debs {
			if matches(pattern, deb) {
				return r.rpm, i, true
			}
		}
	}
	// libffi7 and libffi8 are libffi: the real distributions do not put the soname into the name.
	if m := soname.FindStringSubmatch(deb); m != nil {
		return m[1], 0, true
	}
	return deb, 0, true
}

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}
