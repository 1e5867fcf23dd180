package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/ssh"
)

// floorMain is the bound for ferry: it connects to every host at once and runs
// shell texts, one after the other, in one shell that is root. No playbook, no
// journal, no output, and nothing is looked at a second time.
func floorMain(args []string) error {
	fs := flag.NewFlagSet("bench floor", flag.ContinueOnError)
	file := fs.String("nodes", "", "JSON file with the hosts")
	script := fs.String("script", "", "JSON file with the shell texts, in which HOST is the host's name")
	if err := fs.Parse(args); err != nil {
		return err
	}
	var n struct {
		Identity, KnownHosts string
		Nodes                []node
	}
	var texts []string
	if err := errors.Join(readJSON(*file, &n), readJSON(*script, &texts)); err != nil {
		return err
	}
	d := ssh.NewDialer(ssh.Options{})
	g, ctx := errgroup.WithContext(context.Background())
	for _, h := range n.Nodes {
		g.Go(func() error {
			return loop(ctx, d, ssh.Target{Name: h.Name, Address: h.Address, Port: h.Port, User: h.User, IdentityFiles: []string{n.Identity}, KnownHosts: []string{n.KnownHosts}, HostKeyPolicy: ssh.Strict, Become: true}, texts)
		})
	}
	return errors.Join(g.Wait(), d.Close())
}

func readJSON(file string, into any) error {
	b, err := os.ReadFile(file) //nolint:gosec // named by the benchmark
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

func loop(ctx context.Context, d *ssh.Dialer, t ssh.Target, script []string) error {
	c, err := d.Dial(ctx, t)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	for _, text := range script {
		// ReadOnly: the shell that answers questions, which is open already.
		argv := []string{"/bin/sh", "-c", strings.ReplaceAll(text, "HOST", t.Name)}
		if !strings.ContainsAny(text, " ;") {
			argv = []string{text}
		}
		r, err := c.Run(ctx, host.Command{Argv: argv, ReadOnly: true})
		if err != nil {
			return err
		}
		if r.Code != 0 {
			return fmt.Errorf("%s: %q ended with %d: %s", t.Name, text, r.Code, r.Stderr)
		}
	}
	return nil
}

// floorLoop runs floorMain in a process of its own.
func (r run) floorLoop(script string) *exec.Cmd {
	cmd := exec.Command(r.site.self, "floor", "--nodes", r.site.path("nodes.json"), "--script", r.file(script)) //nolint:gosec // this program
	cmd.Dir = r.scratch
	return cmd
}
