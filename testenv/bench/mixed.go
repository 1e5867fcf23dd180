package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
)

// mixed is a play of 50 tasks such as people write, generated for ferry and
// for Ansible from one list. First run: all but a few change something.
// Converged: the same again, nothing changes.
func mixed() *work {
	tasks := mixedTasks()
	changing := 0
	for _, t := range tasks {
		if t.changes {
			changing++
		}
	}
	want := func(phase string) int {
		if phase == "first" {
			return changing
		}
		return 0
	}
	return &work{
		id: "mixed", letter: "b", phases: []string{"first", "converged"},
		prepare: func(dir string) error {
			script, err := json.Marshal(mixedFloor(tasks))
			if err != nil {
				return err
			}
			files := map[string]string{"mixed.json": string(script), "mixed.hcl": mixedHCL(tasks), "mixed.yml": mixedYAML(tasks)}
			for i := range tasks {
				t := &tasks[i]
				switch t.kind {
				case copied:
					files[t.name] = t.text
				case templated:
					files[t.name+".tmpl"] = strings.ReplaceAll(t.text, "HOST", "${host.name}")
					files[t.name+".j2"] = strings.ReplaceAll(t.text, "HOST", "{{ inventory_hostname }}")
				}
			}
			return writeAll(dir, files)
		},
		command: func(r run) *exec.Cmd {
			switch r.contender {
			case floor:
				return r.floorLoop("mixed.json")
			case ferry:
				return r.ferryRun("mixed.hcl")
			case ansible, mitogen:
				return r.playbook("mixed.yml")
			}
			return nil
		},
		check: func(r run, out string) error {
			switch r.contender {
			case floor: // its exit status says it
				return nil
			case ferry:
				return ferryRecap(r, out, len(tasks), want(r.phase))
			}
			return ansibleRecap(r, out, len(tasks), want(r.phase))
		},
		reset:  resetMixed(tasks),
		verify: verifyMixed(tasks),
	}
}

// The kinds of tasks.
const (
	directory = "directory"
	copied    = "copy"
	templated = "template"
	line      = "line"
	running   = "running" // and enabled
	stopped   = "stopped"
	installed = "package"
	user      = "user"
	look      = "look" // a command that only looks
)

// task is one task, before it is written as HCL or YAML.
type task struct {
	kind, name string
	path       string
	text       string // content, line, or command
	changes    bool   // in the first run
}

// mixedTasks are 50: 7 directories, 10 files, 6 templates, 8 lines, 5 services,
// 5 packages, 4 users, 3 kernel settings (as lines: /proc/sys of a lab host is
// read-only, and ansible-core has no module sysctl), 2 commands that look.
func mixedTasks() (all []task) {
	add := func(kind, name, path, text string, changes bool) {
		all = append(all, task{kind, name, path, text, changes})
	}
	for i := range 7 {
		add(directory, fmt.Sprintf("dir%d", i), fmt.Sprintf("/opt/bench/dir%d", i), "", true)
	}
	for i := range 10 {
		add(copied, fmt.Sprintf("copy%d", i), fmt.Sprintf("/opt/bench/dir%d/copy%d.conf", i%7, i), strings.Repeat(fmt.Sprintf("setting.%d = a value of some length that stands in a file of settings\n", i), 30), true)
	}
	for i := range 6 {
		add(templated, fmt.Sprintf("template%d", i), fmt.Sprintf("/opt/bench/dir%d/template%d.conf", i, i), fmt.Sprintf("# File %d of HOST\nserver_name = HOST\nlog = /var/log/HOST-%d.log\n", i, i), true)
	}
	for i := range 8 {
		add(line, fmt.Sprintf("line%d", i), fmt.Sprintf("/opt/bench/lines%d.conf", i%2), fmt.Sprintf("option%d = yes", i), true)
	}
	for i, s := range []string{"net.core.somaxconn", "vm.swappiness", "fs.file-max"} {
		add(line, fmt.Sprintf("sysctl%d", i), "/etc/sysctl.d/90-bench.conf", s+" = 100000", true)
	}
	for _, u := range []string{"sshd", "systemd-logind", "systemd-journald"} {
		add(running, u, "", u, false)
	}
	add(running, "crond", "", "crond", true)
	add(stopped, "bench-idle", "", "bench-idle", true) // resetMixed makes it
	for i, p := range []string{"telnet", "psmisc", "lsof", "sudo", "tar"} {
		add(installed, p, "", p, i < 3)
	}
	for i := range 4 {
		add(user, fmt.Sprintf("bench%d", i), "", fmt.Sprintf("bench%d", i), true)
	}
	add(look, "look0", "", "test -d /opt/bench/dir0", false)
	add(look, "look1", "", "grep -q bench0 /etc/passwd", false)
	return all
}
