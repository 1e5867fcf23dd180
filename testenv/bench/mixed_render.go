package main

import (
	"fmt"
	"strings"
)

func mixedHCL(tasks []task) string {
	var b strings.Builder
	b.WriteString("play \"mixed\" {\n  hosts  = \"all\"\n  become = true\n")
	for _, t := range tasks {
		module, args := t.hcl()
		fmt.Fprintf(&b, "  task %q %q {\n", module, strings.ReplaceAll(t.name, "-", "_"))
		for _, a := range args {
			fmt.Fprintf(&b, "    %s\n", a)
		}
		b.WriteString("  }\n")
	}
	return b.String() + "}\n"
}

// hcl is the task's module and arguments for ferry.
func (t task) hcl() (module string, args []string) {
	path := fmt.Sprintf("path = %q", t.path)
	const mode = `mode = "0644"`
	switch t.kind {
	case directory:
		return "file", []string{path, `state = "directory"`, `mode = "0755"`}
	case copied:
		return "copy", []string{path, fmt.Sprintf("src = %q", t.name), mode}
	case templated:
		return "template", []string{path, fmt.Sprintf("src = %q", t.name+".tmpl"), mode}
	case line:
		return "line", []string{path, fmt.Sprintf("line = %q", t.text), "create = true", mode}
	case running:
		return "service", []string{fmt.Sprintf("unit = %q", t.text), `state = "running"`}
	case stopped:
		return "service", []string{fmt.Sprintf("unit = %q", t.text), `state = "stopped"`}
	case installed:
		return "package", []string{fmt.Sprintf("names = [%q]", t.text)}
	case user:
		return "user", []string{fmt.Sprintf("name = %q", t.text), `shell = "/bin/bash"`}
	case look:
		return "command", []string{fmt.Sprintf("argv = [%s]", `"`+strings.Join(strings.Fields(t.text), `", "`)+`"`), "read_only = true"}
	}
	panic("no such kind: " + t.kind)
}

func mixedYAML(tasks []task) string {
	var b strings.Builder
	b.WriteString("- hosts: el\n  become: true\n  gather_facts: false\n  tasks:\n")
	for _, t := range tasks {
		fmt.Fprintf(&b, "  - name: %s\n    %s\n", t.name, t.yaml())
	}
	return b.String()
}

// yaml is the task's module and arguments for Ansible.
func (t task) yaml() string {
	switch t.kind {
	case directory:
		return fmt.Sprintf(`file: {path: %s, state: directory, mode: "0755"}`, t.path)
	case copied:
		return fmt.Sprintf(`copy: {src: %s, dest: %s, mode: "0644"}`, t.name, t.path)
	case templated:
		return fmt.Sprintf(`template: {src: %s.j2, dest: %s, mode: "0644"}`, t.name, t.path)
	case line:
		return fmt.Sprintf(`lineinfile: {path: %s, line: "%s", create: true, mode: "0644"}`, t.path, t.text)
	case running:
		return fmt.Sprintf(`systemd: {name: %s, state: started}`, t.text)
	case stopped:
		return fmt.Sprintf(`systemd: {name: %s, state: stopped}`, t.text)
	case installed:
		return fmt.Sprintf(`dnf: {name: %s, state: present}`, t.text)
	case user:
		return fmt.Sprintf(`user: {name: %s, shell: /bin/bash}`, t.text)
	case look:
		return fmt.Sprintf("command: %s\n    changed_when: false", t.text)
	}
	panic("no such kind: " + t.kind)
}
