package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sync/errgroup"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/ssh"
)

// floorMain is the bound for ferry: it connects to every host at once and runs
// "true" so many times, one after the other, in one shell that is root. No
// playbook, no journal, no output.
func floorMain(args []string) error {
	fs := flag.NewFlagSet("bench floor", flag.ContinueOnError)
	file := fs.String("nodes", "", "JSON file with the hosts")
	times := fs.Int("commands", 50, "commands on each host")
	if err := fs.Parse(args); err != nil {
		return err
	}
	b, err := os.ReadFile(*file)
	if err != nil {
		return err
	}
	var n struct {
		Identity, KnownHosts string
		Nodes                []node
	}
	if err := json.Unmarshal(b, &n); err != nil {
		return err
	}
	d := ssh.NewDialer(ssh.Options{})
	g, ctx := errgroup.WithContext(context.Background())
	for _, h := range n.Nodes {
		g.Go(func() error {
			return loop(ctx, d, ssh.Target{Name: h.Name, Address: h.Address, Port: h.Port, User: h.User, IdentityFiles: []string{n.Identity}, KnownHosts: []string{n.KnownHosts}, HostKeyPolicy: ssh.Strict, Become: true}, *times)
		})
	}
	return errors.Join(g.Wait(), d.Close())
}

func loop(ctx context.Context, d *ssh.Dialer, t ssh.Target, times int) error {
	c, err := d.Dial(ctx, t)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	for range times {
		// ReadOnly: the shell that answers questions, which is open already.
		r, err := c.Run(ctx, host.Command{Argv: []string{"/bin/true"}, ReadOnly: true})
		if err != nil {
			return err
		}
		if r.Code != 0 {
			return fmt.Errorf("%s: true ended with %d", t.Name, r.Code)
		}
	}
	return nil
}

// floorLoop runs floorMain in a process of its own.
func (r run) floorLoop(times int) *exec.Cmd {
	cmd := exec.Command(r.site.self, "floor", "--nodes", r.site.path("nodes.json"), "--commands", fmt.Sprint(times)) //nolint:gosec // this program
	cmd.Dir = r.scratch
	return cmd
}
