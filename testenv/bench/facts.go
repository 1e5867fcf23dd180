package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
)

// facts gathers what each contender knows to gather, and nothing else.
func facts() *work {
	return &work{
		id: "facts", letter: "c", phases: []string{""},
		prepare: func(dir string) error {
			return writeAll(dir, map[string]string{"facts.yml": "- hosts: el\n  gather_facts: true\n  tasks: []\n"})
		},
		command: func(r run) *exec.Cmd {
			switch r.contender {
			case ferry:
				return r.ferryCommand("facts", "all", "--json", "--parallel", fmt.Sprint(len(r.site.nodes)))
			case ansible, mitogen:
				return r.playbook("facts.yml")
			}
			return nil
		},
		check: func(r run, out string) error {
			if r.contender != ferry {
				return ansibleRecap(r, out, 1, 0)
			}
			seen := 0
			for line := range strings.Lines(out) {
				var f struct {
					Host  string
					Facts map[string]any
				}
				if err := json.Unmarshal([]byte(line), &f); err != nil {
					return err
				}
				if f.Facts["hostname"] == f.Host && len(f.Facts) >= 20 {
					seen++
				}
			}
			if seen != len(r.site.nodes) {
				return fmt.Errorf("facts of %d hosts of %d", seen, len(r.site.nodes))
			}
			return nil
		},
	}
}
