package ssh_test

import (
	"context"
	"crypto/ed25519"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ferry-ops/ferry/engine/ssh"
	"github.com/ferry-ops/ferry/engine/ssh/sshtest"
	xssh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// Handshakes in progress are bounded overall, and through a jump host, whose sshd
// drops bursts.
func TestHandshakesAreBounded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opt  ssh.Options
		jump bool
		want int
	}{
		"overall":             {ssh.Options{MaxHandshakes: 3}, false, 3},
		"through a jump host": {ssh.Options{MaxPerJump: 2}, true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := ssh.NewDialer(c.opt)
			defer d.Close()
			var jumps []ssh.Target
			if c.jump {
				jumps = []ssh.Target{target(t, sshtest.New(t, sshtest.Options{Forwarding: true}))}
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var servers []*sshtest.Server
			var wg sync.WaitGroup
			for range 12 {
				s := sshtest.New(t, sshtest.Options{Hang: sshtest.InAuth})
				servers = append(servers, s)
				tg := target(t, s)
				tg.Jump, tg.ConnectTimeout = jumps, time.Minute
				wg.Go(func() {
					if _, err := d.Dial(ctx, tg); err == nil {
						t.Error("a server that hangs let somebody in")
					}
				})
			}
			reached := func() (n int) {
				for _, s := range servers {
					n += s.Connections()
				}
				return n
			}
			for end := time.Now().Add(time.Minute); reached() < c.want && time.Now().Before(end); {
				time.Sleep(5 * time.Millisecond)
			}
			time.Sleep(200 * time.Millisecond) // for those that must not come
			if n := reached(); n != c.want {
				t.Errorf("%d handshakes at once, want %d", n, c.want)
			}
			cancel()
			wg.Wait()
		})
	}
}

// Servers hang up after a few attempts, and each costs a round trip: what is not set
// is not tried, and a key that the inventory names is the only one offered.
func TestLoginAttempts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	id := filepath.Join(dir, "id")
	pub, err := sshtest.WriteKey(id)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other")
	if _, err := sshtest.WriteKey(other); err != nil {
		t.Fatal(err)
	}
	keyring := agent.NewKeyring()
	for range 9 {
		_, priv, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := keyring.Add(agent.AddedKey{PrivateKey: priv}); err != nil {
			t.Fatal(err)
		}
	}
	socket := filepath.Join(dir, "agent")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(keyring, c) }()
		}
	}()
	for name, c := range map[string]struct {
		agent string
		edit  func(*ssh.Target)
		most  int
	}{
		"a password":                             {"", func(*ssh.Target) {}, 1},
		"a named key":                            {"", func(tg *ssh.Target) { tg.IdentityFiles = []string{id} }, 1},
		"a named key, and an agent full of them": {socket, func(tg *ssh.Target) { tg.IdentityFiles = []string{id} }, 1},
		"a named key that is refused":            {socket, func(tg *ssh.Target) { tg.IdentityFiles = []string{other} }, 2},
		"an agent full of keys, then a password": {socket, func(*ssh.Target) {}, 6}, // MaxAuthTries of OpenSSH
	} {
		s := sshtest.New(t, sshtest.Options{Keys: []xssh.PublicKey{pub}})
		tg := target(t, s)
		c.edit(&tg)
		conn, err := ssh.Dial(t.Context(), tg, ssh.Options{AgentSocket: c.agent})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = conn.Close()
		if n := s.Attempts(); n < 1 || n > c.most {
			t.Errorf("%s: %d attempts, want at most %d", name, n, c.most)
		}
	}
}
