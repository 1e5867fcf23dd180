package system

import (
	"slices"
	"strings"
	"testing"
)

func TestCheckSchedule(t *testing.T) {
	for _, c := range []struct{ schedule, err string }{
		{"* * * * *", ""},
		{"*/5 0-6,22,23 1-31/2 1,7 1-5", ""},
		{"0 3 * JAN sun", ""},
		{"0 3 * * 7", ""},
		{"  30\t2 * * 1-5 ", ""},
		{"@reboot", ""},
		{"@daily", ""},
		{"@fortnightly", "not one of"},
		{"* * * *", "4 fields"},
		{"* * * * * root", "6 fields"},
		{"", "0 fields"},
		{"60 * * * *", "minute 60"},
		{"* 24 * * *", "hour 24"},
		{"* * 0 * *", "day of the month 0"},
		{"* * * 13 *", "month 13"},
		{"* * * * 8", "day of the week 8"},
		{"5-1 * * * *", "backwards"},
		{"*/0 * * * *", "step"},
		{"5/10 * * * *", "5-59/10"},
		{"* * * * mon-fri", "alone"},
		{"1,,2 * * * *", `"" is not a minute`},
		{"-1 * * * *", "is not a minute"},
		{"+1 * * * *", "is not a minute"},
		{"* *\n* * *", "line break"},
	} {
		err := checkSchedule(c.schedule)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("checkSchedule(%q) = %v, want %q", c.schedule, err, c.err)
		}
	}
}

func TestProcPath(t *testing.T) {
	for key, want := range map[string]string{
		"net.ipv4.ip_forward":              "net/ipv4/ip_forward",
		"net/ipv4/ip_forward":              "net/ipv4/ip_forward",
		"net.ipv4.conf.eth0/100.rp_filter": "net/ipv4/conf/eth0.100/rp_filter",
		"net/ipv4/conf/eth0.100/rp_filter": "net/ipv4/conf/eth0.100/rp_filter",
	} {
		if got := procPath(key); got != want {
			t.Errorf("procPath(%q) = %q, want %q", key, got, want)
		}
	}
	for _, bad := range []string{"", "somaxconn", "net..core", ".net", "net/../../etc/shadow", "a.b;c", "-w.x"} {
		if sysctlKey.MatchString(bad) {
			t.Errorf("%q is taken for a kernel setting", bad)
		}
	}
}

func TestKeys(t *testing.T) {
	const blob = "AAAAC3NzaC1lZDI1NTE5AAAAIKs2qHfS0xHLfS3BUc1S8jH7yN1jIcvGLrs1QYOVZf6B"
	for line, want := range map[string]string{
		"ssh-ed25519 " + blob: blob,
		`from="10.0.0.0/8",command="echo hi" ssh-rsa AAAAB3Nz x y`: "AAAAB3Nz",
		"sk-ssh-ed25519@openssh.com AAAAGnNr me":                   "AAAAGnNr",
		"ecdsa-sha2-nistp384 AAAAE2Vj":                             "AAAAE2Vj",
		blob:                                                       "",
		"ssh-ed25519":                                              "",
		"ssh-ed25519 comment":                                      "",
		"":                                                         "",
	} {
		if got := keyBlob(line); got != want {
			t.Errorf("keyBlob(%q) = %q, want %q", line, got, want)
		}
	}
	file := "# ssh-ed25519 AAAAcommented\n\nssh-ed25519 AAAAone me\n"
	got := missingKeys([]string{"ssh-ed25519 AAAAone other", "ssh-ed25519 AAAAtwo", "ssh-ed25519 AAAAtwo again", "ssh-ed25519 AAAAcommented"}, file)
	if want := []string{"ssh-ed25519 AAAAtwo", "ssh-ed25519 AAAAcommented"}; !slices.Equal(got, want) {
		t.Errorf("missingKeys = %q, want %q", got, want)
	}
}

func TestKernelArgsEdit(t *testing.T) {
	for _, c := range []struct{ add, remove, have, want string }{
		{"quiet", "", "ro", "ro quiet"},
		{"quiet", "", "ro quiet", "ro quiet"},
		{"crashkernel=256M", "", "ro crashkernel=auto quiet", "ro quiet crashkernel=256M"},
		{"console=tty0 console=ttyS0", "", "console=tty1 console=tty0", "console=tty0 console=ttyS0"},
		{"", "quiet rhgb", "quiet=1 ro rhgb", "ro"},
		{"", "a=1", "a=1 a=2 a", "a=2 a"},
		{"a=2", "a", "a=1 a b", "b a=2"},
		{"", "x", `dyndbg="file x +p" x`, `dyndbg="file x +p"`},
	} {
		s := kernelArgs{add: strings.Fields(c.add), remove: strings.Fields(c.remove)}
		got := s.edit(splitArgs(c.have))
		if strings.Join(got, " ") != c.want {
			t.Errorf("add %q, remove %q: %q becomes %q, want %q", c.add, c.remove, c.have, got, c.want)
		}
		if !s.complies(got) {
			t.Errorf("add %q, remove %q: %q does not comply", c.add, c.remove, got)
		}
	}
}

func TestDefaultArgs(t *testing.T) {
	for _, c := range []struct {
		text, args string
		ok         bool
		set        string // with the arguments a b
	}{
		{"", "", true, "GRUB_CMDLINE_LINUX=\"a b\"\n"},
		{"X=1", "", true, "X=1\nGRUB_CMDLINE_LINUX=\"a b\"\n"},
		{"GRUB_CMDLINE_LINUX=\"ro quiet\"\nY=2\n", "ro quiet", true, "GRUB_CMDLINE_LINUX=\"a b\"\nY=2\n"},
		{"GRUB_CMDLINE_LINUX='ro'\n", "ro", true, "GRUB_CMDLINE_LINUX='a b'\n"},
		{"GRUB_CMDLINE_LINUX=quiet\n", "quiet", true, "GRUB_CMDLINE_LINUX=\"a b\"\n"},
		{"#GRUB_CMDLINE_LINUX=\"x\"\nGRUB_CMDLINE_LINUX_DEFAULT=\"y\"\n", "", true, "#GRUB_CMDLINE_LINUX=\"x\"\nGRUB_CMDLINE_LINUX_DEFAULT=\"y\"\nGRUB_CMDLINE_LINUX=\"a b\"\n"},
		{"GRUB_CMDLINE_LINUX=\"x\"\nGRUB_CMDLINE_LINUX=\"y\" # last\n", "y", true, "GRUB_CMDLINE_LINUX=\"x\"\nGRUB_CMDLINE_LINUX=\"a b\"\n"},
		{"GRUB_CMDLINE_LINUX=\"x\nquiet\"\n", "", false, ""},
		{"GRUB_CMDLINE_LINUX=\"x\"y\n", "", false, ""},
		{"GRUB_CMDLINE_LINUX=\"x\"\nGRUB_CMDLINE_LINUX+=\" y\"\n", "", false, ""},
	} {
		args, ok := defaultArgs(c.text)
		if ok != c.ok || ok && strings.Join(args, " ") != c.args {
			t.Errorf("defaultArgs(%q) = %q, %v; want %q, %v", c.text, args, ok, c.args, c.ok)
		}
		if ok {
			if got := setDefaultArgs(c.text, []string{"a", "b"}); got != c.set {
				t.Errorf("setDefaultArgs(%q) = %q, want %q", c.text, got, c.set)
			}
		}
	}
}

func TestAccounts(t *testing.T) {
	g, err := parseGroup("wheel:x:10:a,b\n")
	if err != nil || g.gid != 10 || !slices.Equal(g.members, []string{"a", "b"}) {
		t.Errorf("parseGroup = %+v, %v", g, err)
	}
	for _, bad := range []string{"", "wheel:x:10", "wheel:x:-1:", "wheel:x:99999999999:"} {
		if _, err := parseGroup(bad); err == nil {
			t.Errorf("parseGroup(%q) gives no error", bad)
		}
	}
	p, err := parsePasswd("deploy:x:1701:1702:A, B:/home/deploy:/bin/bash\n")
	if want := (passwdEntry{1701, 1702, "/home/deploy", "/bin/bash"}); err != nil || p != want {
		t.Errorf("parsePasswd = %+v, %v", p, err)
	}
	for _, bad := range []string{"", "deploy:x:1:2:/home", "deploy:x:a:2::/home:/bin/sh"} {
		if _, err := parsePasswd(bad); err == nil {
			t.Errorf("parsePasswd(%q) gives no error", bad)
		}
	}
	for _, bad := range []string{"", "-r", "1000", "a b", "a:b", "a/b", "$x", strings.Repeat("a", 40)} {
		if accountName.MatchString(bad) {
			t.Errorf("%q is taken for the name of a user", bad)
		}
	}
	if got := parseHostname("\n# comment\n web1 \nweb2\n"); got != "web1" {
		t.Errorf("parseHostname = %q", got)
	}
}

func FuzzCheckSchedule(f *testing.F) {
	f.Add("*/5 0-6,22 1-31/2 jan 1-5")
	f.Add("@daily")
	f.Fuzz(func(t *testing.T, s string) {
		if checkSchedule(s) == nil && strings.ContainsAny(s, "\n\r") {
			t.Errorf("%q is accepted and would make two lines", s)
		}
	})
}

func FuzzDefaultGrub(f *testing.F) {
	f.Add("GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX=\"ro quiet\"\n", "console=ttyS0")
	f.Add("GRUB_CMDLINE_LINUX='a'", "b")
	f.Fuzz(func(t *testing.T, text, arg string) {
		args, ok := defaultArgs(text)
		if !ok || !kernelArg.MatchString(arg) {
			return
		}
		s := kernelArgs{add: []string{arg}}
		want := s.edit(args)
		again, ok := defaultArgs(setDefaultArgs(text, want))
		if !ok || !s.complies(again) {
			t.Errorf("%q with %q is read back as %q, %v; want %q", text, arg, again, ok, want)
		}
	})
}

func FuzzBootLoader(f *testing.F) {
	f.Add("index=0\nkernel=\"/boot/vmlinuz\"\nargs=\"ro quiet\"\nindex=1\nnon linux entry\n")
	f.Add("menuentry 'x' {\n\tlinux16 /vmlinuz root=/dev/sda1 ro quiet\n}\n")
	f.Add("cmdline ro quiet\ngrubby\nmkconfig grub2-mkconfig\ncfg /boot/grub2/grub.cfg\nentry /boot/loader/entries/x.conf\nend\n")
	f.Fuzz(func(_ *testing.T, s string) {
		parseGrubby(s)
		parseGrubCfg(s)
		_, _ = parseBoot(s)
	})
}

func FuzzAccounts(f *testing.F) {
	f.Add("root:x:0:0:root:/root:/bin/bash\n")
	f.Add("wheel:x:10:a,b\n")
	f.Add("ssh-ed25519 AAAAC3Nz me")
	f.Fuzz(func(t *testing.T, s string) {
		_, _ = parsePasswd(s)
		_, _ = parseGroup(s)
		parseHostname(s)
		if keyBlob(s) != "" && !strings.ContainsAny(s, "\n\r") {
			keyTitle(s)
			if line := missingKeys([]string{s}, ""); len(line) != 1 || len(missingKeys([]string{s}, line[0])) != 0 && !strings.HasPrefix(strings.TrimSpace(s), "#") {
				t.Errorf("the key %q is not found again in %q", s, line)
			}
		}
	})
}

func FuzzLive(f *testing.F) {
	f.Add("=128 \n=a  b \n")
	f.Add("-\n=1\n")
	f.Fuzz(func(t *testing.T, out string) {
		v, err := parseLive([]string{"a.b", "c.d"}, out)
		if err == nil && len(v) != 2 {
			t.Errorf("%q gives %d values and no error", out, len(v))
		}
	})
}
