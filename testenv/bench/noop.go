package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// taskCount is how many tasks plays have.
const taskCount = 50

// noop is 50 commands that do nothing, as root. They count as actions: ferry
// records each before and after. "ferry (read_only)" says that they only look.
func noop() *work {
	return &work{
		id: "noop", letter: "a", phases: []string{""},
		prepare: func(dir string) error {
			hcl := func(extra string) string {
				b := "play \"noop\" {\n  hosts  = \"all\"\n  become = true\n"
				for i := range taskCount {
					b += fmt.Sprintf("  task \"command\" \"noop%d\" {\n    argv = [\"/bin/true\"]\n%s  }\n", i, extra)
				}
				return b + "}\n"
			}
			yaml := "- hosts: el\n  become: true\n  gather_facts: false\n  tasks:\n" + strings.Repeat("  - command: /bin/true\n", taskCount)
			script, err := json.Marshal(slices.Repeat([]string{"/bin/true"}, taskCount))
			if err != nil {
				return err
			}
			return writeAll(dir, map[string]string{"noop.json": string(script), "noop.hcl": hcl(""), "look.hcl": hcl("    read_only = true\n"), "noop.yml": yaml})
		},
		command: func(r run) *exec.Cmd {
			switch r.contender {
			case floor:
				return r.floorLoop("noop.json")
			case ferry:
				return r.ferryRun("noop.hcl")
			case ferryLook:
				return r.ferryRun("look.hcl")
			case clush:
				return r.clush(taskCount, "sudo", "-n", "/bin/true")
			}
			return r.playbook("noop.yml")
		},
		check: func(r run, out string) error {
			switch r.contender {
			case floor, clush: // their exit status says it
				return nil
			case ferry:
				return ferryRecap(r, out, taskCount, taskCount)
			case ferryLook:
				return ferryRecap(r, out, taskCount, 0)
			}
			return ansibleRecap(r, out, taskCount, taskCount)
		},
	}
}

func writeAll(dir string, files map[string]string) error {
	for name, body := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil { //nolint:gosec // nothing secret
			return err
		}
		if err := os.WriteFile(p, []byte(body), 0o644); err != nil { //nolint:gosec // nothing secret
			return err
		}
	}
	return nil
}
