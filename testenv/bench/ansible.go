package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// mitogenPlugins is where Debian's ansible-mitogen has its strategies.
const mitogenPlugins = "/usr/lib/python3/dist-packages/ansible_mitogen/plugins/strategy"

// ansibleConfig is a configuration for the site: a fork per host, no discovery
// of the interpreter (which would cost Ansible a round trip), and what else is given.
func (s *site) ansibleConfig(more string) string {
	return fmt.Sprintf("[defaults]\nforks = %d\ngathering = explicit\ninterpreter_python = /usr/bin/python3\nretry_files_enabled = False\nhost_key_checking = True\nnocows = True\n", len(s.nodes)) + more
}

// ansibleInventory is the site in Ansible's INI format.
func (s *site) ansibleInventory() string {
	b := "[el]\n"
	for _, n := range s.nodes {
		b += fmt.Sprintf("%s ansible_host=%s ansible_port=%d ansible_user=%s\n", n.Name, n.Address, n.Port, n.User)
	}
	return b + fmt.Sprintf("\n[el:vars]\nansible_ssh_private_key_file=%s\nansible_ssh_common_args=-o UserKnownHostsFile=%s\n", s.identity, s.path("known_hosts"))
}

// playbook runs a playbook of r's files with Ansible, with or without Mitogen.
// Connections are not kept from one run to the next: connecting is part of the
// work of everyone.
func (r run) playbook(name string) *exec.Cmd {
	cmd := exec.Command("ansible-playbook", "-i", r.site.path("inventory.ini"), r.file(name))
	cmd.Dir = r.scratch
	cmd.Env = append(os.Environ(), "ANSIBLE_CONFIG="+r.site.path(r.contender+".cfg"), "ANSIBLE_HOME="+filepath.Join(r.scratch, "home"),
		"ANSIBLE_SSH_CONTROL_PATH_DIR="+filepath.Join(r.scratch, "cp"), "ANSIBLE_NOCOLOR=1", "PYTHONWARNINGS=ignore", "LC_ALL=C.UTF-8")
	return cmd
}

var recapLine = regexp.MustCompile(`(?m)^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)`)

// ansibleRecap checks that every host did all tasks. changed is how many tasks
// must have changed something, -1 any number.
func ansibleRecap(r run, out string, tasks, changed int) error {
	lines := recapLine.FindAllStringSubmatch(out, -1)
	if len(lines) != len(r.site.nodes) {
		return fmt.Errorf("the recap names %d hosts of %d", len(lines), len(r.site.nodes))
	}
	for _, l := range lines {
		ok, _ := strconv.Atoi(l[2])
		ch, _ := strconv.Atoi(l[3])
		if l[4] != "0" || l[5] != "0" || ok != tasks || changed >= 0 && ch != changed {
			return fmt.Errorf("%s, wanted ok=%d, changed=%d (-1: any)", l[0], tasks, changed)
		}
	}
	return nil
}
