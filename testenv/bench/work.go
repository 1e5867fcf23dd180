package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// work is something to be done on hosts, the same for every contender.
type work struct {
	id     string
	letter string   // in --only
	phases []string // run one after the other on the same hosts; {""} if there is one
	given  []string // phases that the first of these needs and nobody wants measured: ferry does them, once for all
	// prepare writes playbooks and files to send below dir, once.
	prepare func(dir string) error
	// command is what a contender runs, or nil if it takes no part.
	command func(r run) *exec.Cmd
	// check reads what the contender printed: did it do all of it, on all hosts?
	check func(r run, output string) error
	// reset and verify are shell texts that run on each host, as root: undo the work; fail and say why if
	// it is not there. "" where there is nothing to see.
	reset, verify string
}

// run is one measured run.
type run struct {
	work      *work
	phase     string
	contender string
	site      *site
	files     string // what prepare wrote
	scratch   string // an empty directory
}

// file is a path below what prepare wrote.
func (r run) file(name string) string { return filepath.Join(r.files, name) }

// The contenders.
const (
	floor     = "floor"
	ferry     = "ferry"
	ferryLook = "ferry (read_only)"
	clush     = "clush"
	mitogen   = "mitogen"
	ansible   = "ansible"
)

func works() []*work { return []*work{noop(), mixed(), facts(), bigFile(), tree()} }

func find(id string) *work {
	for _, w := range works() {
		if w.id == id {
			return w
		}
	}
	panic(fmt.Sprintf("no work %q", id))
}
