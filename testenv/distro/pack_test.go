package distro

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// tree is a tiny Debian root file system.
func tree(t *testing.T) string {
	return writeTree(t, map[string]string{
		"etc/passwd": "root:x:0:0::/root:/bin/sh\nsshd:x:105:65534::/run/sshd:/usr/sbin/nologin\n",
		"etc/group":  "root:x:0:\nnogroup:x:65534:\n",
		"var/lib/dpkg/status": `Package: openssh-server
Status: install ok installed
Architecture: amd64
Version: 1:8.4p1-5+deb11u3
Depends: libc6 (>= 2.26), lsb-base (>= 4.1), debconf (>= 0.5) | debconf-2.0, nobody-has-this
Conffiles:
 /etc/pam.d/sshd 8b4c7a12b031424b2a9946881da59812
Description: secure shell server
 More words.

Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.31-13
Description: C library

Package: lsb-base
Status: install ok installed
Architecture: all
Version: 11.1.0
Description: init functions

Package: debconf
Status: install ok installed
Architecture: all
Version: 1.5
Description: questions
`,
		"var/lib/dpkg/info/openssh-server.list": "/.\n/lib\n/lib/systemd\n/lib/systemd/system\n/lib/systemd/system/ssh.service\n/etc/pam.d/sshd\n/usr/share/doc/gone\n",
		"var/lib/dpkg/info/libc6:amd64.list":    "/.\n/lib/libc.so.6\n",
		"var/lib/dpkg/info/lsb-base.list":       "/.\n/lib/lsb/init-functions\n",
		"var/lib/dpkg/info/debconf.list":        "/.\n",
		"usr/lib/systemd/system/sshd.service":   "[Service]\nExecStart=/usr/sbin/sshd\n\n[Install]\nWantedBy=multi-user.target\n",
		"etc/pam.d/sshd":                        "auth\n",
		"usr/lib/libc.so.6":                     "not ELF",
		"usr/lib/lsb/init-functions":            "x",
		"usr/bin/env":                           "x",
		"usr/sbin/nologin":                      "x",
	})
}

func TestPlan(t *testing.T) {
	root := tree(t)
	debs, err := readDpkg(root)
	if err != nil {
		t.Fatal(err)
	}
	pkgs, err := plan(root, DefaultRecipe().Source, "x86_64", debs, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := pkgs["openssh-server"]
	if p == nil || pkgs["glibc"] == nil || pkgs["sysvinit-tools"] == nil || pkgs["debconf"] != nil {
		t.Fatalf("packages are %v", pkgs)
	}
	if conf, ok := p.files["/etc/pam.d/sshd"]; !ok || !conf {
		t.Error("/etc/pam.d/sshd is not a configuration file of openssh-server")
	}
	if _, ok := p.files["/usr/lib/systemd/system/sshd.service"]; !ok {
		t.Errorf("the renamed unit is missing: %v", p.files)
	}
	if _, ok := p.files["/usr/share/doc/gone"]; ok {
		t.Error("a file that is not in the tree is packaged")
	}
	if !slices.Equal(p.depends, []string{"glibc"}) {
		t.Errorf("openssh-server depends on %v; nothing may require sysvinit-tools", p.depends)
	}
	ids, err := readAccounts(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := addScripts(root, ids, p); err != nil {
		t.Fatal(err)
	}
	for what, got := range map[string]string{
		"useradd -r -M -g nogroup": p.scripts.pre, "preset sshd.service": p.scripts.post, "try-restart sshd.service": p.scripts.postun,
	} {
		if !strings.Contains(got, what) {
			t.Errorf("no %q in scriptlet %q", what, got)
		}
	}
}

func TestPlanMovesFiles(t *testing.T) {
	root := tree(t)
	debs, err := readDpkg(root)
	if err != nil {
		t.Fatal(err)
	}
	pkgs, err := plan(root, DefaultRecipe().Target, "x86_64", debs, movedInTarget)
	if err != nil {
		t.Fatal(err)
	}
	if pkgs["sysvinit-tools"] != nil {
		t.Error("sysvinit-tools exists in the target")
	}
	if _, ok := pkgs["procps-ng"].files["/usr/lib/lsb/init-functions"]; !ok {
		t.Error("its files did not move to procps-ng")
	}
}

func TestSigner(t *testing.T) {
	s, err := newSigner("openEuler (ferry lab) <target@lab.invalid>")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(s.public, "-----BEGIN PGP PUBLIC KEY BLOCK-----") {
		t.Errorf("public key is %.40q", s.public)
	}
	sig, err := s.sign([]byte("data"))
	if err != nil || len(sig) < 100 {
		t.Errorf("signature of %d bytes, %v", len(sig), err)
	}
}

func TestWriteRPM(t *testing.T) {
	root := tree(t)
	ids, err := readAccounts(root)
	if err != nil {
		t.Fatal(err)
	}
	p := acme("x86_64", "helper", []string{"libcrypto.so.1.1()(64bit)"})
	out, err := p.write(root, t.TempDir(), ids, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(out)
	if err != nil || !strings.HasPrefix(string(b), "\xed\xab\xee\xdb") {
		t.Errorf("%s is not an RPM: %v", out, err)
	}
}
