package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
)

// record is the file a baseline is kept in.
type record struct {
	Version int                 `json:"version"`
	Areas   map[string][]string `json:"areas"`
}

// areaNames are what a baseline compares, in the order of findings.
var areaNames = []string{"ports", "enabled", "running", "mounts", "users", "groups", "cron", "sysctl", "routes"}

// areaLost is how a loss is worded.
var areaLost = map[string]string{
	"ports":   "nothing listens on %s any more",
	"enabled": "%s does not start at boot any more",
	"running": "%s does not run any more",
	"mounts":  "%s is not mounted any more",
	"users":   "the user %s is gone",
	"groups":  "the group %s is gone",
	"cron":    "the cron file %s is gone",
	"sysctl":  "nothing sets the kernel setting %s any more",
	"routes":  "the route \"%s\" is gone",
}

// areaChanged is how it is worded that a thing is another now, in the areas
// whose entries say more than a name.
var areaChanged = map[string]string{
	"users":  "the user %s is not as it was",
	"groups": "the group %s is not as it was",
	"cron":   "the cron file %s is not as it was",
	"sysctl": "the kernel setting %s has another value",
}

// areaSeparator follows the name in the entries of those areas.
var areaSeparator = map[string]string{"users": ":", "groups": ":", "cron": " ", "sysctl": " = "}

// observeScript prints each area under a line "@NAME". What a host does not
// have (systemd, ip) leaves its area empty. The system's cron files belong to
// packages, which may change them; users' crontabs must stay to the letter.
const observeScript = `LC_ALL=C; export LC_ALL
echo @ports; ` + listenScript + `
if command -v systemctl >/dev/null 2>&1; then
  echo @enabled; systemctl list-unit-files --state=enabled --no-legend --no-pager 2>/dev/null | awk '{print $1}'
  echo @running; systemctl list-units --type=service --state=running --no-legend --no-pager --plain --full 2>/dev/null | awk '{print $1}'
fi
echo @mounts; awk '$1 ~ "^/dev/" || $3 ~ "^(nfs|nfs4|cifs|ceph|glusterfs|overlay)$" {print $2}' /proc/self/mounts
echo @users; getent passwd | awk -F: '{print $1 ":" $3 ":" $4 ":" $6 ":" $7}'
echo @groups; getent group | awk -F: '{print $1 ":" $3}'
echo @cron; for f in /etc/crontab /etc/cron.d/*; do [ -f "$f" ] && echo "$f"; done; for f in /var/spool/cron/* /var/spool/cron/crontabs/*; do [ -f "$f" ] && cksum <"$f" | awk -v f="$f" '{print f, $1}'; done
echo @sysctl; for f in /etc/sysctl.conf /etc/sysctl.d/*.conf; do [ -f "$f" ] && sed -n 's/^[[:space:]-]*\([A-Za-z0-9_./-]*\)[[:space:]]*=.*/\1/p' "$f"; done | sort -u | while read -r k; do v=$(sysctl -n "$k" 2>/dev/null) && echo "$k = $(echo $v)"; done
echo @routes; if command -v ip >/dev/null 2>&1; then ip -o route show default | awk '{$1=$1; print}' | sed 's/ proto [a-z]*//; s/ metric [0-9]*//'; fi
echo @end`

// observe looks at the host in one round trip.
func observe(ctx context.Context, r host.Reader) (map[string][]string, error) {
	argv := []string{"/bin/sh", "-c", observeScript}
	res, err := r.Query(ctx, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return nil, err
	}
	return parseObserved(string(res.Stdout))
}

// parseObserved reads the output of observeScript.
func parseObserved(out string) (map[string][]string, error) {
	areas := map[string][]string{}
	area, complete := "", false
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		switch {
		case line == "@end":
			complete = true
		case strings.HasPrefix(line, "@"):
			area = line[1:]
		case line == "" || area == "":
		case area == "ports":
			if p, ok := port(line); ok {
				areas[area] = append(areas[area], p)
			}
		case !transient(area, line):
			areas[area] = append(areas[area], line)
		}
	}
	if !complete {
		return nil, fmt.Errorf("the host's answer is not complete; it ends with %q", host.Shorten(lastLine(out), 100))
	}
	for a, list := range areas {
		slices.Sort(list)
		areas[a] = slices.Compact(list)
	}
	return areas, nil
}

// port reads a line of listenScript as "tcp/8080 on loopback". Ports the kernel
// hands out by chance are left out.
func port(line string) (string, bool) {
	l, ok := parseListener(line)
	if !ok || l.proto == "udp" && l.port >= 32768 {
		return "", false
	}
	s := l.name()
	if l.loopback {
		s += " on loopback"
	}
	return s, true
}

// transient reports what comes and goes by itself, or belongs to systemd.
func transient(area, s string) bool {
	switch area {
	case "running", "enabled":
		for _, prefix := range []string{"systemd-", "user@", "user-runtime-dir@", "session-", "getty@", "serial-getty@", "console-getty", "ferry-job-", "dbus", "polkit", "packagekit", "dracut", "initrd-"} {
			if strings.HasPrefix(s, prefix) {
				return true
			}
		}
	}
	return false
}

func lastLine(s string) string {
	s = strings.TrimRight(s, "\n")
	return s[strings.LastIndexByte(s, '\n')+1:]
}
