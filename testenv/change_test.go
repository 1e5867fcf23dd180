//go:build lab

package testenv_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-ops/ferry/testenv/lab"
)

// What a change costs a real host, and what it leaves when it cannot be made.
func TestChanges(t *testing.T) {
	l := up(t, lab.Options{Name: "change", Hosts: 1, NoWeb: true})
	f := newFerry(t, l)
	h := host(t, l, "el-1")
	play := func(name, text string) string {
		t.Helper()
		if err := os.WriteFile(filepath.Join(f.dir, name), []byte("play \"p\" {\n  hosts  = \"all\"\n  become = true\n"+text+"}\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	packages := func(names ...string) (b string) {
		for _, n := range names {
			b += fmt.Sprintf("  task \"package\" %q {}\n", n)
		}
		return b
	}
	transactions := func() string {
		return strings.TrimSpace(sh(t, h, 0, "ls -d /var/lib/ferry/jobs/package-*~* 2>/dev/null | wc -l"))
	}

	t.Run("packages of several tasks come in one transaction", func(t *testing.T) {
		sh(t, h, 0, "rpm -e telnet psmisc lsof 2>/dev/null; ! rpm -q telnet psmisc lsof >/dev/null")
		p := play("packages.hcl", packages("telnet", "tar", "psmisc", "lsof"))
		has(t, f.run(0, "run", p), "3 changes in", "together with task.package.telnet")
		sh(t, h, 0, "rpm -q telnet psmisc lsof")
		if n := transactions(); n != "1" {
			t.Errorf("%s transactions", n)
		}
		has(t, f.run(0, "run", p), "0 changes in")
	})
	t.Run("each has its own failure", func(t *testing.T) {
		sh(t, h, 0, "rpm -e telnet psmisc lsof 2>/dev/null; ! rpm -q telnet psmisc lsof >/dev/null")
		out := f.run(3, "run", play("missing.hcl", packages("telnet", "no-such-package", "psmisc")))
		has(t, out, "task.package.no-such-package", "o match for argument: no-such-package")
		sh(t, h, 0, "rpm -q telnet")
		sh(t, h, 1, "rpm -q psmisc")
	})
	t.Run("a full file system keeps the old file", func(t *testing.T) {
		sh(t, h, 0, "mkdir -p /mnt/small && mount -t tmpfs -o size=64k tmpfs /mnt/small && echo old >/mnt/small/file")
		defer sh(t, h, 0, "umount /mnt/small")
		for _, size := range []int{100 << 10, 1 << 20} { // in a frame, and streamed
			text := strings.Repeat("0123456789abcdef", size/16)
			if err := os.WriteFile(filepath.Join(f.dir, "large"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			out := f.run(3, "run", play("full.hcl", "  task \"copy\" \"file\" {\n    path = \"/mnt/small/file\"\n    src  = \"large\"\n  }\n"))
			has(t, out, "full")
			if got := sh(t, h, 0, "cat /mnt/small/file; ls -A /mnt/small"); got != "old\nfile\n" {
				t.Errorf("%d bytes: left %q", size, got)
			}
		}
	})
}
