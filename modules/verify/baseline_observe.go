package verify

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
)

// record is the file a baseline is kept in.
type record struct {
	Version int                 `json:"version"`
	Areas   map[string][]string `json:"areas"`
}

// areaNames are what a baseline compares, in the order of findings.
var areaNames = []string{"ports", "programs", "enabled", "running", "failed", "mounts", "users", "groups", "cron", "sysctl", "routes", "addresses", "modules"}

// lately are the areas that records of earlier versions may lack.
var lately = []string{"programs", "failed", "addresses", "modules"}

// areaLost is how a loss is worded.
var areaLost = map[string]string{
	"ports":     "nothing listens on %s any more",
	"enabled":   "%s does not start at boot any more",
	"running":   "%s does not run any more",
	"mounts":    "%s is not mounted any more",
	"users":     "the user %s is gone",
	"groups":    "the group %s is gone",
	"cron":      "the cron file %s is gone",
	"sysctl":    "nothing sets the kernel setting %s any more",
	"routes":    "the route \"%s\" is gone",
	"addresses": "the host has lost the address %s",
	"modules":   "the kernel module %s is not loaded any more",
}

// areaChanged is how it is worded that a thing is another now, in the areas
// whose entries say more than a name.
var areaChanged = map[string]string{
	"users":     "the user %s is not as it was",
	"groups":    "the group %s is not as it was",
	"cron":      "the cron file %s is not as it was",
	"sysctl":    "the kernel setting %s has another value",
	"addresses": "the address %s is on another interface",
}

// areaSeparator follows the name in the entries of those areas.
var areaSeparator = map[string]string{"users": ":", "groups": ":", "cron": " ", "sysctl": " = ", "addresses": " on "}

// observeScript prints each area under a line "@NAME". What a host does not
// have (systemd, ip, ss) leaves its area out. Cron files that belong to packages
// may change with them, so only their names are kept; those that nobody packaged
// or somebody edited, and users' crontabs, must stay to the letter. Kernel
// settings are those somebody wrote down, and some that change how packets and
// memory are dealt with and whose defaults differ between systems.
const observeScript = `LC_ALL=C; export LC_ALL
echo @ports; ` + listenScript + `
if command -v ss >/dev/null 2>&1; then echo @programs; ss -lntup 2>/dev/null | awk 'NR > 1'; fi
if command -v systemctl >/dev/null 2>&1; then
  echo @enabled; systemctl list-unit-files --state=enabled --no-legend --no-pager 2>/dev/null | awk '{print $1}'
  echo @running; systemctl list-units --type=service --state=running --no-legend --no-pager --plain --full 2>/dev/null | awk '{print $1}'
  echo @failed; systemctl list-units --state=failed --all --no-legend --no-pager --plain --full 2>/dev/null
fi
echo @mounts; awk '$1 ~ "^/dev/" || $3 ~ "^(nfs|nfs4|cifs|ceph|glusterfs|overlay)$" {print $2}' /proc/self/mounts
echo @users; getent passwd | awk -F: '{print $1 ":" $3 ":" $4 ":" $6 ":" $7}'
echo @groups; getent group | awk -F: '{print $1 ":" $3}'
pristine() { command -v rpm >/dev/null 2>&1 && rpm -qf -- "$1" >/dev/null 2>&1 && ! rpm -V --nodeps --noscripts -f "$1" 2>/dev/null | grep -q " $1\$"; }
sum() { cksum <"$1" | awk -v f="$1" '{print f, $1}'; }
echo @cron
for f in /etc/crontab /etc/cron.d/*; do [ -f "$f" ] && if pristine "$f"; then echo "$f"; else sum "$f"; fi; done
for f in /etc/cron.hourly/* /etc/cron.daily/* /etc/cron.weekly/* /etc/cron.monthly/*; do [ -f "$f" ] && { pristine "$f" || sum "$f"; }; done
for f in /var/spool/cron/* /var/spool/cron/crontabs/*; do [ -f "$f" ] && sum "$f"; done
echo @sysctl; { for f in /etc/sysctl.conf /etc/sysctl.d/*.conf; do [ -f "$f" ] && sed -n 's/^[[:space:]-]*\([A-Za-z0-9_./-]*\)[[:space:]]*=.*/\1/p' "$f"; done
  printf '%s\n' net.ipv4.ip_forward net.ipv6.conf.all.forwarding net.ipv6.conf.all.disable_ipv6 net.ipv4.conf.all.rp_filter net.ipv4.conf.default.rp_filter net.bridge.bridge-nf-call-iptables vm.overcommit_memory vm.swappiness
} | sort -u | while read -r k; do v=$(sysctl -n "$k" 2>/dev/null) && echo "$k = $(echo $v)"; done
if command -v ip >/dev/null 2>&1; then
  echo @routes; ip -o route show default | awk '{$1=$1; print}' | sed 's/ proto [a-z]*//; s/ metric [0-9]*//'
  echo @addresses; ip -o addr show scope global | awk '!/ temporary / && !($3 == "inet6" && / dynamic /) {sub("@.*", "", $2); print $4, "on", $2}'
fi
echo @modules; awk '{print $1}' /proc/modules 2>/dev/null
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
			areas[area] = append([]string{}, areas[area]...) // looked at, though perhaps empty
		case line == "" || area == "":
		case area == "programs":
			areas[area] = append(areas[area], programs(line)...)
		case area == "failed":
			for _, u := range parseUnits(line) {
				if !transient(area, u) {
					areas[area] = append(areas[area], u)
				}
			}
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

var programName = regexp.MustCompile(`\("([^"]+)",`)

// programs reads a line of ss -lntup as "tcp/8080 nginx", one for each program.
// systemd, which opens ports for others, only counts where it is alone.
func programs(line string) []string {
	f := strings.Fields(line)
	if len(f) < 7 || f[0] != "tcp" && f[0] != "udp" {
		return nil // ss names no program to whom it may not
	}
	n, err := strconv.ParseUint(f[4][strings.LastIndexByte(f[4], ':')+1:], 10, 16)
	if err != nil || n == 0 || f[0] == "udp" && n >= 32768 {
		return nil
	}
	var names []string
	for _, m := range programName.FindAllStringSubmatch(line, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) > 1 {
		names = slices.DeleteFunc(names, func(s string) bool { return s == "systemd" })
	}
	for i, s := range names {
		names[i] = fmt.Sprintf("%s/%d %s", f[0], n, s)
	}
	return names
}

// transient reports what comes and goes by itself, or belongs to systemd.
func transient(area, s string) bool {
	switch area {
	case "running", "enabled", "failed":
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
