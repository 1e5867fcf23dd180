package main

import (
	"fmt"
	"strings"
)

// resetMixed undoes the play on a host.
func resetMixed(tasks []task) string {
	var b strings.Builder
	b.WriteString("rm -rf /opt/bench /etc/sysctl.d/90-bench.conf; mkdir -p /opt/bench; chmod 755 /opt/bench\n")
	var packages []string
	for _, t := range tasks {
		switch {
		case t.kind == user:
			fmt.Fprintf(&b, "if getent passwd %[1]s >/dev/null; then userdel -r %[1]s 2>/dev/null; fi; rm -rf /home/%[1]s\n", t.text)
		case t.kind == running && t.changes:
			fmt.Fprintf(&b, "systemctl stop %s\n", t.text)
		case t.kind == stopped:
			fmt.Fprintf(&b, "if [ ! -e /etc/systemd/system/%[1]s.service ]; then printf '[Service]\\nExecStart=/bin/sleep infinity\\n' >/etc/systemd/system/%[1]s.service; systemctl daemon-reload; fi; systemctl start %[1]s\n", t.text)
		case t.kind == installed && t.changes:
			packages = append(packages, t.text)
		}
	}
	fmt.Fprintf(&b, "for p in %s; do if rpm -q $p >/dev/null 2>&1; then rpm -e $p 2>/dev/null; fi; if rpm -q $p >/dev/null 2>&1; then echo \"$p is still there\"; exit 1; fi; done\n", strings.Join(packages, " "))
	// Everyone finds the same metadata: fresh enough, and without dnf having to ask.
	b.WriteString("test -e /var/tmp/bench-metadata || { dnf -q -y makecache >/dev/null 2>&1 && touch /var/tmp/bench-metadata; }\n")
	return b.String()
}

// verifyMixed looks at everything the play brings about.
func verifyMixed(tasks []task) string {
	var b strings.Builder
	b.WriteString("bad() { echo \"$1\"; exit 1; }\n")
	for _, t := range tasks {
		switch t.kind {
		case directory:
			fmt.Fprintf(&b, "[ \"$(stat -c %%a %[1]s)\" = 755 ] && [ -d %[1]s ] || bad 'directory %[1]s'\n", t.path)
		case copied:
			fmt.Fprintf(&b, "[ \"$(sha256sum <%[1]s)\" = '%[2]s  -' ] || bad 'file %[1]s'\n", t.path, sum([]byte(t.text)))
		case templated:
			fmt.Fprintf(&b, "printf '%[2]s' | sed \"s/HOST/$(hostname)/g\" | cmp -s - %[1]s || bad 'template %[1]s'\n", t.path, strings.ReplaceAll(t.text, "\n", `\n`))
		case line:
			fmt.Fprintf(&b, "[ \"$(grep -cxF '%[2]s' %[1]s)\" = 1 ] || bad 'line of %[1]s'\n", t.path, t.text)
		case running:
			fmt.Fprintf(&b, "systemctl -q is-active %[1]s || bad '%[1]s does not run'\n", t.text)
		case stopped:
			fmt.Fprintf(&b, "! systemctl -q is-active %[1]s || bad '%[1]s runs'\n", t.text)
		case installed:
			fmt.Fprintf(&b, "rpm -q %[1]s >/dev/null 2>&1 || bad 'package %[1]s'\n", t.text)
		case user:
			fmt.Fprintf(&b, "[ \"$(getent passwd %[1]s | cut -d: -f7)\" = /bin/bash ] || bad 'user %[1]s'\n", t.text)
		}
	}
	return b.String()
}
