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
		KnownHosts: []string{known}, ConnectTimeout: time.Minute, KeepAlive: -1}
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

// await waits until something has come about.
func await(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited a minute in vain for %s", what)
		}
	}
}

func awaitFile(t testing.TB, path string) {
	t.Helper()
	await(t, path, func() bool { return exists(path) })
}

// once does something as soon as a condition holds, in the background; if the test
// ends before, never.
func once(t testing.TB, holds func() bool, do func()) {
	go func() {
		for !holds() {
			select {
			case <-t.Context().Done():
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
		do()
	}()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// started is a command that says that it runs, with a file, and then runs until it
// is told to end, with another. If nobody does, it ends after two minutes.
func started(t testing.TB, after string) (c host.Command, file string, end func()) {
	t.Helper()
	dir := t.TempDir()
	file, release := filepath.Join(dir, "started"), filepath.Join(dir, "release")
	end = func() { _ = os.WriteFile(release, nil, 0o600) }
	t.Cleanup(end)
	return sh("touch " + file + "; i=0; while [ ! -e " + release + " ] && [ $i -lt 2400 ]; do sleep 0.05; i=$((i+1)); done; " + after), file, end
}

func sh(script string) host.Command {
	return host.Command{Argv: []string{"/bin/sh", "-c", script}}
}

func run(t testing.TB, c host.Transport, cmd host.Command) host.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	res, err := c.Run(ctx, cmd)
	if err != nil {
		t.Fatalf("Run(%q): %v", cmd.Argv, err)
	}
	return res
}
