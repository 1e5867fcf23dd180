package main

import (
	"fmt"
	"os/exec"
	"strings"
)

// sshConfig lets clush's ssh keep one connection per host for the length of a
// run: so it is the bound of what the ssh client can do.
func (s *site) sshConfig() string {
	var b strings.Builder
	for _, n := range s.nodes {
		fmt.Fprintf(&b, "Host %s\n  HostName %s\n  Port %d\n  User %s\n\n", n.Name, n.Address, n.Port, n.User)
	}
	fmt.Fprintf(&b, "Host *\n  IdentityFile %s\n  IdentitiesOnly yes\n  UserKnownHostsFile %s\n  StrictHostKeyChecking yes\n  ControlMaster auto\n  ControlPersist 60\n  LogLevel ERROR\n", s.identity, s.path("known_hosts"))
	return b.String()
}

// clush runs clush on all hosts of the site; tail is what follows the nodes.
// The connections are kept in a directory of this run.
func (r run) clush(times int, tail ...string) *exec.Cmd {
	var names []string
	for _, n := range r.site.nodes {
		names = append(names, n.Name)
	}
	// clush reads it as a Python format, where a percent sign is written twice.
	ssh := fmt.Sprintf("-F %s -o ControlPath=%s/%%%%C", r.site.path("ssh_config"), r.scratch)
	argv := append([]string{"clush", "-S", "-f", fmt.Sprint(len(names)), "-o", ssh, "-w", strings.Join(names, ",")}, tail...)
	cmd := exec.Command("/bin/sh", append([]string{"-c", `n=$1; shift; while [ "$n" -gt 0 ]; do "$@" || exit; n=$((n-1)); done`, "sh", fmt.Sprint(times)}, argv...)...) //nolint:gosec // built by this program
	cmd.Dir = r.scratch
	return cmd
}
