package lab

import (
	"fmt"
	"slices"
	"strings"
)

// Trap is something a migration of a host must deal with.
type Trap struct{ Name, About string }

// Traps are those that can be chosen. "conflict" and "missing" are on every
// host; the others only where asked for.
var Traps = []Trap{
	{"conflict", "sysvinit-tools is installed; the target has its files in procps-ng and does not obsolete it (on every host)"},
	{"missing", "telnet is installed; the target has no such package (on every host)"},
	{"third-party", "acme-agent (vendor Acme) is installed; it needs libcrypto.so.1.1, which the target does not have"},
	{"third-party-repo", "/etc/yum.repos.d/acme.repo is enabled"},
	{"config", "sshd_config, chrony.conf and nginx.conf (all %config) were edited on the host"},
	{"sshd-config", "sshd_config has lines the source's sshd accepts and the target's dies of: whoever is not logged in then stays out"},
	{"exclude", "/etc/dnf/dnf.conf says exclude=openssl* systemd*"},
	{"slow", "a transaction waits for 20 seconds in a scriptlet, half-way (not part of \"all\")"},
	{"immutable", "/usr/bin/crontab cannot be replaced (chattr +i): the package it belongs to fails in mid-transaction"},
}

var onEveryHost = []string{"conflict", "missing"}

// ParseTraps reads the --traps flag: "third-party,exclude" for every host, or
// "el-2=third-party+exclude,el-3=config". "all" stands for all traps.
func ParseTraps(s string) (map[string][]string, error) {
	out := map[string][]string{}
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		host, names, ok := strings.Cut(part, "=")
		if !ok {
			host, names = "*", part
		}
		out[host] = append(out[host], strings.Split(names, "+")...)
	}
	return out, checkTraps(out, 0)
}

func checkTraps(traps map[string][]string, hosts int) error {
	var known []string
	for _, t := range Traps {
		known = append(known, t.Name)
	}
	for host, names := range traps {
		var n int
		if _, err := fmt.Sscanf(host, "el-%d", &n); host != "*" && (err != nil || n < 1 || hosts > 0 && n > hosts) {
			return fmt.Errorf("traps for %q: the lab has no such host; hosts are el-1, el-2 …", host)
		}
		for _, name := range names {
			if name != "all" && !slices.Contains(known, name) {
				return fmt.Errorf("no trap is called %q; there are %s, and all", name, strings.Join(known, ", "))
			}
		}
	}
	return nil
}

// trapsOf lists the traps of one host in the order of Traps.
func trapsOf(traps map[string][]string, host string) []string {
	asked := append(append(slices.Clone(onEveryHost), traps["*"]...), traps[host]...)
	var out []string
	for _, t := range Traps {
		if slices.Contains(asked, t.Name) || slices.Contains(asked, "all") && t.Name != "slow" {
			out = append(out, t.Name)
		}
	}
	return out
}
