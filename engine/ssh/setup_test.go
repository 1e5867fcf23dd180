package ssh_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/ssh"
	"github.com/ferry-ops/ferry/engine/ssh/sshtest"
)

// target is how to reach s with the password every sshtest host takes.
func target(t testing.TB, s *sshtest.Server) ssh.Target {
	t.Helper()
	known := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(known, []byte(s.KnownHosts()), 0o600); err != nil {
		t.Fatal(err)
	}
	return ssh.Target{Name: "web1", Address: s.Host(), Port: s.Port(), User: "op", Password: "secret",
		KnownHosts: []string{known}, ConnectTimeout: 5 * time.Second, KeepAlive: -1}
}

func root(t testing.TB, s *sshtest.Server) ssh.Target {
	tg := target(t, s)
	tg.Become = true
	return tg
}

func dial(t testing.TB, tg ssh.Target) *ssh.Conn {
	t.Helper()
	c, err := ssh.Dial(t.Context(), tg, ssh.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func sh(script string) host.Command {
	return host.Command{Argv: []string{"/bin/sh", "-c", script}}
}

func run(t testing.TB, c host.Transport, cmd host.Command) host.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	res, err := c.Run(ctx, cmd)
	if err != nil {
		t.Fatalf("Run(%q): %v", cmd.Argv, err)
	}
	return res
}
