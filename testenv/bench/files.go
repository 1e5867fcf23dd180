package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os/exec"
)

const (
	bigSize  = 10 << 20
	treeSize = 1000 // files, in ten directories
)

// noise is content nothing can compress, the same in every run.
func noise(seed byte, size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b) // never fails
	return b
}

func sum(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }

// Where the copies go. clush copies as the user it logs in with, not as root.
const (
	place      = "/opt/bench-files"
	clushPlace = "/home/admin/bench-files"
)

const resetFiles = "rm -rf " + place + " " + clushPlace + "; mkdir " + place + " && install -d -o admin -g admin " + clushPlace

// bigFile is one file of 10 MB.
func bigFile() *work {
	content := noise(1, bigSize)
	return &work{
		id: "file", letter: "d", phases: []string{""},
		prepare: func(dir string) error {
			return writeAll(dir, map[string]string{
				"big":      string(content),
				"file.hcl": "play \"file\" {\n  hosts  = \"all\"\n  become = true\n  task \"copy\" \"big\" {\n    src  = \"big\"\n    path = \"" + place + "/big\"\n    mode = \"0644\"\n  }\n}\n",
				"file.yml": "- hosts: el\n  become: true\n  gather_facts: false\n  tasks:\n  - copy: {src: big, dest: " + place + "/big, mode: \"0644\"}\n",
			})
		},
		command: func(r run) *exec.Cmd { return r.sending("file", "big") },
		check:   func(r run, out string) error { return sent(r, out, 1) },
		reset:   resetFiles,
		verify:  fmt.Sprintf("sha256sum %s/big %s/big 2>/dev/null | grep -q ^%s || { echo 'the file is not there or differs'; exit 1; }", place, clushPlace, sum(content)),
	}
}

// tree is 1,000 files of one KiB each.
func tree() *work {
	name := func(i int) string { return fmt.Sprintf("d%d/f%02d", i/100, i%100) }
	all := noise(2, treeSize*1024)
	files := map[string]string{}
	for i := range treeSize {
		files["tree/"+name(i)] = string(all[i*1024 : (i+1)*1024])
	}
	return &work{
		id: "tree", letter: "d", phases: []string{""},
		prepare: func(dir string) error {
			files["tree.hcl"] = "play \"tree\" {\n  hosts  = \"all\"\n  become = true\n" +
				"  task \"tree\" \"files\" {\n    src  = \"tree\"\n    path = \"" + place + "/tree\"\n    mode = \"0644\"\n  }\n}\n"
			files["tree.yml"] = "- hosts: el\n  become: true\n  gather_facts: false\n  tasks:\n  - copy: {src: tree, dest: " + place + "/, mode: \"0644\", directory_mode: \"0755\"}\n"
			return writeAll(dir, files)
		},
		command: func(r run) *exec.Cmd { return r.sending("tree", "tree") },
		check:   func(r run, out string) error { return sent(r, out, 1) },
		reset:   resetFiles,
		verify: fmt.Sprintf("for d in %s %s; do [ \"$(cd $d/tree 2>/dev/null && find . -type f | LC_ALL=C sort | xargs cat | sha256sum)\" = '%s  -' ] && exit 0; done; echo 'the files are not all there, or differ'; exit 1",
			place, clushPlace, sum(all)),
	}
}

// sending runs the playbook of that name, or copies what.
func (r run) sending(playbook, what string) *exec.Cmd {
	switch r.contender {
	case ferry:
		return r.ferryRun(playbook + ".hcl")
	case clush:
		return r.clush(1, "--copy", r.file(what), "--dest", clushPlace+"/")
	case ansible, mitogen:
		return r.playbook(playbook + ".yml")
	}
	return nil
}

func sent(r run, out string, ferryTasks int) error {
	switch r.contender {
	case ferry:
		return ferryRecap(r, out, ferryTasks, ferryTasks)
	case clush:
		return nil // the hosts are looked at
	}
	return ansibleRecap(r, out, 1, 1)
}
