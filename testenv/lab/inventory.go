package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Files a user of the lab needs.

// Inventory is the path of ferry's inventory of the lab.
func (l *Lab) Inventory() string { return l.path("inventory.hcl") }

// AnsibleInventory is the path of the same inventory in Ansible's INI format.
func (l *Lab) AnsibleInventory() string { return l.path("inventory.ini") }

// IdentityFile is the private key all users of all hosts accept.
func (l *Lab) IdentityFile() string { return l.path("id_ed25519") }

// KnownHosts is the path of the known_hosts file with the hosts' keys.
func (l *Lab) KnownHosts() string { return l.path("known_hosts") }

// SSHConfig is the path of an ssh_config with an entry for each host.
func (l *Lab) SSHConfig() string { return l.path("ssh_config") }

func (l *Lab) makeKeys(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ferry-lab", "-f", l.IdentityFile()).CombinedOutput()
	if err != nil {
		return fmt.Errorf("cannot make the lab's SSH key: %w: %s", err, out)
	}
	return nil
}

// recordHostKeys keeps the host's public keys where writeInventories finds
// them. All types are recorded: the new sshd may offer another one first.
func (h *Host) recordHostKeys(root string) error {
	keys, err := filepath.Glob(filepath.Join(root, "etc/ssh/ssh_host_*_key.pub"))
	if err != nil {
		return err
	}
	var lines strings.Builder
	for _, k := range keys {
		b, err := os.ReadFile(k)
		if err != nil {
			return err
		}
		if f := strings.Fields(string(b)); len(f) >= 2 {
			fmt.Fprintf(&lines, "%s %s %s\n", h.Address, f[0], f[1])
		}
	}
	return os.WriteFile(h.path("known_hosts"), []byte(lines.String()), 0o644)
}

func (l *Lab) etcHosts() string {
	var b strings.Builder
	b.WriteString("127.0.0.1 localhost\n::1 localhost\n")
	for _, h := range l.state.Hosts {
		fmt.Fprintf(&b, "%s %s\n", h.Address, h.Name)
	}
	return b.String()
}

func (l *Lab) writeInventories() error {
	var known strings.Builder
	for _, h := range l.state.Hosts {
		b, err := os.ReadFile(h.path("known_hosts"))
		if err != nil {
			return err
		}
		known.Write(b)
	}
	return errors.Join(
		os.WriteFile(l.KnownHosts(), []byte(known.String()), 0o644),
		os.WriteFile(l.Inventory(), []byte(l.renderHCL()), 0o644),
		os.WriteFile(l.AnsibleInventory(), []byte(l.renderINI()), 0o644),
		os.WriteFile(l.SSHConfig(), []byte(l.renderSSHConfig()), 0o644),
	)
}

func (l *Lab) renderHCL() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Lab %q. Written by lab up; lab down removes it.\n", l.state.Name)
	fmt.Fprintf(&b, "group \"el\" {\n  vars = {\n    mirror = %q\n  }\n", l.Mirror())
	for _, h := range l.state.Hosts {
		fmt.Fprintf(&b, "\n  host %q {\n    address          = %q\n    port             = 22\n    user             = %q\n    identity_file    = %q\n    known_hosts_file = %q\n  }\n",
			h.Name, h.Address, AdminUser, l.IdentityFile(), l.KnownHosts())
	}
	b.WriteString("}\n")
	for _, h := range l.state.Hosts {
		if h.Web {
			fmt.Fprintf(&b, "\ngroup \"web\" {\n  hosts = [%q]\n  vars = {\n    pages = [\"http://127.0.0.1:%d/\"]\n  }\n}\n", h.Name, SitePort)
		}
	}
	return b.String()
}

func (l *Lab) renderINI() string {
	var b, web strings.Builder
	fmt.Fprintf(&b, "# Lab %q. Written by lab up; lab down removes it.\n[el]\n", l.state.Name)
	for _, h := range l.state.Hosts {
		fmt.Fprintf(&b, "%s ansible_host=%s ansible_port=22 ansible_user=%s\n", h.Name, h.Address, AdminUser)
		if h.Web {
			web.WriteString(h.Name + "\n")
		}
	}
	fmt.Fprintf(&b, "\n[el:vars]\nmirror=%s\nansible_ssh_private_key_file=%s\nansible_ssh_common_args=-o UserKnownHostsFile=%s\n", l.Mirror(), l.IdentityFile(), l.KnownHosts())
	if web.Len() > 0 {
		b.WriteString("\n[web]\n" + web.String())
	}
	return b.String()
}

func (l *Lab) renderSSHConfig() string {
	var b strings.Builder
	for _, h := range l.state.Hosts {
		fmt.Fprintf(&b, "Host %s %s\n  HostName %s\n  User %s\n  IdentityFile %s\n  IdentitiesOnly yes\n  UserKnownHostsFile %s\n  StrictHostKeyChecking yes\n\n",
			h.Name, h.Address, h.Address, AdminUser, l.IdentityFile(), l.KnownHosts())
	}
	return b.String()
}
