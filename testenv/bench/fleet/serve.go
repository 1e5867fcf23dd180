package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"

	xssh "golang.org/x/crypto/ssh"

	"github.com/ferry-ops/ferry/engine/ssh/sshtest"
)

// serve stands in for n hosts until standard input ends. It writes their part
// of the inventory and of the known hosts, and says "ready".
func serve(n, first, step int, dir string) error {
	inv, err := os.Create(filepath.Join(dir, fmt.Sprintf("hosts-%06d", first)))
	if err != nil {
		return err
	}
	known, err := os.Create(filepath.Join(dir, fmt.Sprintf("known-%06d", first)))
	if err != nil {
		return err
	}
	iw, kw := bufio.NewWriter(inv), bufio.NewWriter(known)
	state := filepath.Join(dir, fmt.Sprintf("state-%06d", first))
	if err := os.Mkdir(state, 0o700); err != nil {
		return err
	}
	key := sshtest.NewKey("ed25519") // making one for each would measure that
	backend := sshtest.Interp()
	for i := range n {
		name := fmt.Sprintf("h%06d", first+i*step)
		home := filepath.Join(state, name)
		if err := os.Mkdir(home, 0o700); err != nil {
			return err
		}
		s, err := sshtest.Start(sshtest.Options{HostKeys: []xssh.Signer{key}, Backend: backend, Dir: home})
		if err != nil {
			return err
		}
		defer s.Close()
		fmt.Fprintf(iw, "%s ansible_host=%s ansible_port=%d\n", name, s.Host(), s.Port())
		fmt.Fprint(kw, s.KnownHosts())
	}
	if err := iw.Flush(); err != nil {
		return err
	}
	if err := kw.Flush(); err != nil {
		return err
	}
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
