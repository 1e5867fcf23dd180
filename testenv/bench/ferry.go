package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// ferryInventory is the site in ferry's own format.
func (s *site) ferryInventory() string {
	b := "group \"el\" {\n"
	for _, n := range s.nodes {
		b += fmt.Sprintf("  host %q {\n    address          = %q\n    port             = %d\n    user             = %q\n    identity_file    = %q\n    known_hosts_file = %q\n  }\n",
			n.Name, n.Address, n.Port, n.User, s.identity, s.path("known_hosts"))
	}
	return b + "}\n"
}

// ferryRun runs a playbook of r's files, with a journal of its own.
func (r run) ferryRun(name string) *exec.Cmd {
	return r.ferryCommand("run", r.file(name), "--parallel", strconv.Itoa(len(r.site.nodes)))
}

func (r run) ferryCommand(args ...string) *exec.Cmd {
	cmd := exec.Command(r.site.ferry, append(args, "--inventory", r.site.path("inventory.hcl"), "--state-dir", filepath.Join(r.scratch, "state"))...) //nolint:gosec // built by this program
	cmd.Dir = r.scratch
	return cmd
}

var hostsDone = regexp.MustCompile(`(?m)^(\d+) hosts? done`)

// ferryRecap checks that every host did all tasks; changed as in ansibleRecap.
func ferryRecap(r run, out string, tasks, changed int) error {
	m := hostsDone.FindStringSubmatch(out)
	if m == nil || m[1] != strconv.Itoa(len(r.site.nodes)) {
		return fmt.Errorf("not all of %d hosts are done", len(r.site.nodes))
	}
	hosts, columns := 0, []string(nil)
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		switch {
		case len(f) > 2 && f[0] == "host" && f[1] == "result":
			columns = f
		case columns != nil && len(f) == len(columns) && r.site.has(f[0]):
			n := map[string]int{}
			for i, c := range columns[2:] {
				n[c], _ = strconv.Atoi(f[i+2])
			}
			if n["ok"]+n["changed"] != tasks || changed >= 0 && n["changed"] != changed {
				return fmt.Errorf("%s: %v, wanted %d tasks, %d of them changed (-1: any)", f[0], n, tasks, changed)
			}
			hosts++
		}
	}
	if hosts != len(r.site.nodes) {
		return fmt.Errorf("the table names %d hosts of %d", hosts, len(r.site.nodes))
	}
	return nil
}
