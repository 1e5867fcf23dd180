package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

var hostPath = regexp.MustCompile(`(["' ])/(etc|srv|opt|var/log|var/lib/app|usr/local)(/|"|')`)

// cmdHere makes snippets safe to run on hosts of this process, which share the
// machine's files: absolute paths below /etc, /srv, /opt … move into the
// host's own directory, which gets these directories. It changes files and
// touches all hosts: here FILE ….
func cmdHere(ts *testscript.TestScript, neg bool, args []string) {
	w := of(ts)
	for name := range w.hosts {
		for _, d := range []string{"etc", "srv", "opt/app", "var/log", "var/lib/app", "usr/local"} {
			ts.Check(os.MkdirAll(filepath.Join(w.host(ts, name).Dir(), "home", d), 0o750))
		}
	}
	for _, file := range args {
		text := ts.ReadFile(file)
		moved := hostPath.ReplaceAllString(text, "${1}$${host.vars.dir}/$2$3")
		if moved == text {
			ts.Fatalf("%s has no path to move; leave \"here\" out", file)
		}
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(moved), 0o600))
	}
}

// cmdFake puts stand-ins of the programs of a distribution into the PATH of all
// hosts: a systemctl that remembers what runs, an rpm that has everything.
func cmdFake(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(os.MkdirAll(ts.MkAbs("bin"), 0o750))
	for _, name := range args {
		text, ok := fakes[name]
		if !ok {
			ts.Fatalf("there is no fake %q", name)
		}
		ts.Check(os.WriteFile(ts.MkAbs(filepath.Join("bin", name)), []byte(strings.TrimLeft(text, "\n")), 0o700)) //nolint:gosec // a program
	}
}

var fakes = map[string]string{
	"systemctl": `
#!/bin/sh
dir=$FERRY_STATE/units; mkdir -p "$dir"
for last; do :; done
case $1 in
show)
  run=inactive; [ -e "$dir/$last.running" ] && run=active
  file=disabled; [ -e "$dir/$last.enabled" ] && file=enabled
  printf 'LoadState=loaded\nActiveState=%s\nSubState=running\nUnitFileState=%s\n' $run $file ;;
start|restart|reload) touch "$dir/$last.running"; echo "$1 $last" >>"$dir/log" ;;
stop) rm -f "$dir/$last.running" ;;
enable) touch "$dir/$last.enabled" ;;
disable) rm -f "$dir/$last.enabled" ;;
is-active) [ -e "$dir/$last.running" ] && echo active ;;
esac
exit 0
`,
	"rpm": `
#!/bin/sh
names=; seen=
for a; do [ -n "$seen" ] && printf '%s\t0\t1.0\t1.el8\tx86_64\tCentOS\n' "$a"; [ "$a" = -- ] && seen=1; done
exit 0
`,
	"dnf":        "#!/bin/sh\nexit 1\n", // that it is there is all that is asked
	"getenforce": "#!/bin/sh\necho Disabled\n",
}
