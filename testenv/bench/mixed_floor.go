package main

import (
	"fmt"
	"strings"
)

// mixedFloor is the play as somebody writes it who knows these hosts and looks at nothing but whether
// there is something to do: one shell text per task, HOST in it standing for the host's name. It shows
// what the hosts themselves need. Packages are installed together, where the first of them stands.
func mixedFloor(tasks []task) (script []string) {
	var packages []string
	for _, t := range tasks {
		if t.kind == installed {
			packages = append(packages, t.text)
		}
	}
	for _, t := range tasks {
		switch t.kind {
		case directory:
			script = append(script, fmt.Sprintf("[ -d %[1]s ] || mkdir -m 755 %[1]s", t.path))
		case copied, templated:
			// $(…) drops newlines at the end; so does the text it is compared with.
			text := strings.TrimRight(t.text, "\n")
			script = append(script, fmt.Sprintf("[ -e %[1]s ] && [ \"$(cat %[1]s)\" = '%[2]s' ] || echo '%[2]s' >%[1]s", t.path, text))
		case line:
			script = append(script, fmt.Sprintf("[ -e %[1]s ] && grep -qxF '%[2]s' %[1]s || echo '%[2]s' >>%[1]s", t.path, t.text))
		case running:
			script = append(script, fmt.Sprintf("systemctl -q is-active %[1]s || systemctl start %[1]s", t.text))
		case stopped:
			script = append(script, fmt.Sprintf("! systemctl -q is-active %[1]s || systemctl stop %[1]s", t.text))
		case installed:
			if len(packages) > 0 {
				all := strings.Join(packages, " ")
				script = append(script, fmt.Sprintf("rpm -q --quiet %[1]s || dnf -q -y install %[1]s", all))
				packages = nil
			}
		case user:
			script = append(script, fmt.Sprintf("getent passwd %[1]s >/dev/null || useradd -s /bin/bash %[1]s", t.text))
		case look:
			script = append(script, t.text)
		default:
			panic("no such kind: " + t.kind)
		}
	}
	return script
}
