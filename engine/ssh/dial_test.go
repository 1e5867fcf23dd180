package ssh_test

import (
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/ssh"
	"github.com/ferry-ops/ferry/engine/ssh/sshtest"
	xssh "golang.org/x/crypto/ssh"
)

// identity writes a private key file, encrypted if phrase is set.
func identity(t *testing.T, phrase string) (file string, pub xssh.PublicKey) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	var block *pem.Block
	if phrase == "" {
		block, err = xssh.MarshalPrivateKey(key, "")
	} else {
		block, err = xssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(phrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "id")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	signer, err := xssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return file, signer.PublicKey()
}

// TestDialErrors: every way a connection fails says what is wrong, with the
// host's name, and what to do.
func TestDialErrors(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closedPort := closed.Addr().(*net.TCPAddr).Port
	_ = closed.Close()
	id, _ := identity(t, "")
	locked, lockedPub := identity(t, "phrase")
	for name, c := range map[string]struct {
		opt       sshtest.Options
		edit      func(*ssh.Target, *sshtest.Server)
		what      string
		cure      string
		permanent bool
	}{
		"refused":          {edit: func(tg *ssh.Target, _ *sshtest.Server) { tg.Port = closedPort }, what: "refuses connections", cure: "sshd runs"},
		"dns":              {edit: func(tg *ssh.Target, _ *sshtest.Server) { tg.Address = "no-such-host.invalid" }, what: "cannot be resolved", cure: "inventory"},
		"hangs":            {opt: sshtest.Options{Hang: sshtest.AtAccept}, what: "did not finish the login within", cure: "connect_timeout"},
		"hangs in auth":    {opt: sshtest.Options{Hang: sshtest.InAuth}, what: "did not finish the login within", cure: "connect_timeout"},
		"hangs at session": {opt: sshtest.Options{Hang: sshtest.AtSession}, what: "no shell answered within", cure: ".bashrc"},
		"resets":           {edit: func(_ *ssh.Target, s *sshtest.Server) { s.Refuse(true) }, what: "closed during the login", cure: "MaxStartups"},
		"unknown host key": {edit: func(tg *ssh.Target, _ *sshtest.Server) { tg.KnownHosts = []string{filepath.Join(t.TempDir(), "none")} },
			what: "not known", cure: "ssh-keyscan -p", permanent: true},
		"changed host key": {edit: func(_ *ssh.Target, s *sshtest.Server) { s.SetHostKeys(sshtest.NewKey("ed25519")) },
			what: "known_hosts:1 records ssh-ed25519 SHA256:", cure: "ssh-keygen -R", permanent: true},
		"other key type": {edit: func(tg *ssh.Target, s *sshtest.Server) {
			tg.HostKeyPolicy = ssh.AcceptNew
			s.SetHostKeys(sshtest.NewKey("ecdsa"))
		},
			what: "type that is not recorded", cure: "ssh-keygen -R", permanent: true},
		"wrong password":   {edit: func(tg *ssh.Target, _ *sshtest.Server) { tg.Password = "no" }, what: "refused what was offered: password", cure: "Correct the host's password", permanent: true},
		"nothing to offer": {edit: func(tg *ssh.Target, _ *sshtest.Server) { tg.Password = "" }, what: "nothing could be offered", cure: "identity_file", permanent: true},
		"wrong key":        {edit: func(tg *ssh.Target, _ *sshtest.Server) { tg.Password = ""; tg.IdentityFiles = []string{id} }, what: "offered: key " + id, cure: "ssh-copy-id -i " + id + ".pub", permanent: true},
		"missing key":      {edit: func(tg *ssh.Target, _ *sshtest.Server) { tg.Password = ""; tg.IdentityFiles = []string{"/no/key"} }, what: "no such file", cure: "identity_file", permanent: true},
		"encrypted key":    {opt: sshtest.Options{Keys: []xssh.PublicKey{lockedPub}}, edit: func(tg *ssh.Target, _ *sshtest.Server) { tg.Password = ""; tg.IdentityFiles = []string{locked} }, what: "encrypted and no passphrase", cure: "ssh-add", permanent: true},
		"wrong passphrase": {opt: sshtest.Options{Keys: []xssh.PublicKey{lockedPub}}, edit: func(tg *ssh.Target, _ *sshtest.Server) {
			tg.Password = ""
			tg.IdentityFiles = []string{locked}
			tg.Passphrase = func(string) (string, error) { return "no", nil }
		}, what: "does not fit", cure: "ssh-add", permanent: true},
		"nologin":            {opt: sshtest.Options{Users: map[string]sshtest.User{"op": {Password: "secret", NoLogin: true}}}, what: "nologin", cure: "usermod", permanent: true},
		"no shell":           {opt: sshtest.Options{ForceCommand: "echo only backups here"}, what: "only backups here", cure: "forces a command", permanent: true},
		"sudo asks":          {opt: sshtest.Options{Sudo: sshtest.Sudo{Password: "pw"}}, what: "none was given", cure: "NOPASSWD", permanent: true},
		"sudo password":      {opt: sshtest.Options{Sudo: sshtest.Sudo{Password: "pw"}}, edit: func(tg *ssh.Target, _ *sshtest.Server) { tg.BecomePassword = "no" }, what: "sudo refused the password", cure: "Correct", permanent: true},
		"sudo password, tty": {opt: sshtest.Options{Sudo: sshtest.Sudo{Password: "pw", RequireTTY: true}}, edit: func(tg *ssh.Target, _ *sshtest.Server) { tg.BecomePassword = "no" }, what: "sudo refused the password", cure: "Correct", permanent: true},
		"not a sudoer":       {opt: sshtest.Options{Sudo: sshtest.Sudo{Denied: true}}, what: "does not allow", cure: "sudoers", permanent: true},
		"bad policy":         {edit: func(tg *ssh.Target, _ *sshtest.Server) { tg.HostKeyPolicy = "off" }, what: "host_key_policy", cure: "settings", permanent: true},
		"jump host": {edit: func(tg *ssh.Target, _ *sshtest.Server) {
			tg.Jump = []ssh.Target{{Name: "bastion", Address: "127.0.0.1", Port: closedPort}}
		}, what: "jump host bastion", cure: "sshd runs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sshtest.New(t, c.opt)
			tg := root(t, s)
			if c.opt.Hang != 0 {
				tg.ConnectTimeout = 3 * time.Second
			}
			if c.edit != nil {
				c.edit(&tg, s)
			}
			conn, err := ssh.Dial(t.Context(), tg, ssh.Options{})
			if err == nil {
				_ = conn.Close()
				t.Fatal("no error")
			}
			var ce *host.ConnectError
			if !errors.As(err, &ce) || !errors.Is(err, host.ErrUnreachable) {
				t.Fatalf("%T %v", err, err)
			}
			if !strings.Contains(ce.What, c.what) || !strings.Contains(ce.Cure, c.cure) || ce.Permanent != c.permanent || ce.Host != "web1" {
				t.Errorf("%v (permanent %v)", err, ce.Permanent)
			}
			if !strings.HasSuffix(ce.What, ".") {
				t.Errorf("not a sentence: %q", ce.What)
			}
		})
	}
}

func TestDialCancelled(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t, sshtest.Options{Hang: sshtest.InAuth})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := ssh.Dial(ctx, target(t, s), ssh.Options{}); err == nil || time.Since(start) > 30*time.Second { // it is given a minute
		t.Errorf("%v after %s", err, time.Since(start))
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	id, pub := identity(t, "")
	locked, lockedPub := identity(t, "phrase")
	for name, c := range map[string]struct {
		opt  sshtest.Options
		edit func(*ssh.Target)
	}{
		"password":             {},
		"keyboard-interactive": {opt: sshtest.Options{KeyboardInteractive: true}},
		"key":                  {opt: sshtest.Options{Keys: []xssh.PublicKey{pub}}, edit: func(tg *ssh.Target) { tg.Password = ""; tg.IdentityFiles = []string{id} }},
		"encrypted key": {opt: sshtest.Options{Keys: []xssh.PublicKey{lockedPub}}, edit: func(tg *ssh.Target) {
			tg.Password = ""
			tg.IdentityFiles = []string{id, locked}
			tg.Passphrase = func(string) (string, error) { return "phrase", nil }
		}},
		"key, then password": {edit: func(tg *ssh.Target) { tg.IdentityFiles = []string{id} }},
		"sudo password":      {opt: sshtest.Options{Sudo: sshtest.Sudo{Password: "p'w"}}, edit: func(tg *ssh.Target) { tg.BecomePassword = "p'w" }},
		"sudo does not ask":  {opt: sshtest.Options{Sudo: sshtest.Sudo{Password: "pw", Cached: true}}, edit: func(tg *ssh.Target) { tg.BecomePassword = "echo executed" }},
		"sudo wants a tty":   {opt: sshtest.Options{Sudo: sshtest.Sudo{RequireTTY: true}}},
		"sudo wants a tty and a password": {opt: sshtest.Options{Noise: "hello\n", Sudo: sshtest.Sudo{Password: "pw", RequireTTY: true}},
			edit: func(tg *ssh.Target) { tg.BecomePassword = "pw" }},
		"several key types": {opt: sshtest.Options{HostKeys: []xssh.Signer{sshtest.NewKey("ecdsa"), sshtest.NewKey("rsa"), sshtest.NewKey("ed25519")}},
			edit: func(tg *ssh.Target) { keepLine(t, tg.KnownHosts[0], "ssh-rsa") }},
		"noise": {opt: sshtest.Options{Noise: strings.Repeat("flood ", 100000)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sshtest.New(t, c.opt)
			tg := root(t, s)
			if c.edit != nil {
				c.edit(&tg)
			}
			conn := dial(t, tg)
			for range 2 {
				res := run(t, conn, sh("echo out; echo err >&2; cat; exit 4"))
				if string(res.Stdout) != "out\n" || string(res.Stderr) != "err\n" || res.Code != 4 {
					t.Errorf("%+v", res)
				}
			}
		})
	}
}

func keepLine(t *testing.T, file, part string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		if strings.Contains(line, part) {
			if err := os.WriteFile(file, []byte(line+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestAcceptNew(t *testing.T) {
	t.Parallel()
	known := filepath.Join(t.TempDir(), "sub", "known_hosts")
	d := ssh.NewDialer(ssh.Options{})
	defer d.Close()
	var wg sync.WaitGroup
	var servers []*sshtest.Server
	for range 10 {
		s := sshtest.New(t, sshtest.Options{Backend: sshtest.Interp()})
		servers = append(servers, s)
		tg := target(t, s)
		tg.KnownHosts, tg.HostKeyPolicy = []string{known}, ssh.AcceptNew
		for range 2 {
			wg.Go(func() {
				c, err := d.Dial(t.Context(), tg)
				if err != nil {
					t.Error(err)
					return
				}
				_ = c.Close()
			})
		}
	}
	wg.Wait()
	data, _ := os.ReadFile(known)
	if n := strings.Count(string(data), "\n"); n != 10 {
		t.Errorf("%d lines:\n%s", n, data)
	}
	servers[0].SetHostKeys(sshtest.NewKey("ed25519"))
	tg := target(t, servers[0])
	tg.KnownHosts, tg.HostKeyPolicy = []string{known}, ssh.AcceptNew
	if _, err := d.Dial(t.Context(), tg); err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Errorf("changed key: %v", err)
	}
}

func TestJump(t *testing.T) {
	t.Parallel()
	one := sshtest.New(t, sshtest.Options{Forwarding: true})
	two := sshtest.New(t, sshtest.Options{Forwarding: true})
	d := ssh.NewDialer(ssh.Options{})
	defer d.Close()
	jumps := []ssh.Target{target(t, one), target(t, two)}
	jumps[0].Name, jumps[1].Name = "one", "two"
	var conns []*ssh.Conn
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 20 {
		s := sshtest.New(t, sshtest.Options{})
		tg := root(t, s)
		tg.Jump = jumps
		wg.Go(func() {
			c, err := d.Dial(t.Context(), tg)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			run(t, c, sh("true"))
		})
	}
	wg.Wait()
	if one.Logins() != 1 || two.Logins() != 1 {
		t.Errorf("the jump hosts saw %d and %d logins", one.Logins(), two.Logins())
	}
	two.SetHostKeys(sshtest.NewKey("ed25519"))
	two.Drop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := conns[0].Run(ctx, host.Command{Argv: []string{"true"}, ReadOnly: true}); err == nil || !strings.Contains(err.Error(), "jump host two") {
		t.Errorf("a jump host's changed key: %v", err)
	}
	for _, c := range conns {
		_ = c.Close()
	}
}

// TestRecordHostKeys: once all key types are recorded, a server that stops
// offering one of them is no surprise.
func TestRecordHostKeys(t *testing.T) {
	t.Parallel()
	keys := []xssh.Signer{sshtest.NewKey("rsa"), sshtest.NewKey("ecdsa"), sshtest.NewKey("ed25519")}
	s := sshtest.New(t, sshtest.Options{HostKeys: keys})
	tg := target(t, s)
	keepLine(t, tg.KnownHosts[0], "ssh-rsa")
	types, err := dial(t, tg).RecordHostKeys(t.Context())
	if err != nil || strings.Join(types, " ") != "ssh-rsa ecdsa-sha2-nistp256 ssh-ed25519" {
		t.Fatalf("%q, %v", types, err)
	}
	data, _ := os.ReadFile(tg.KnownHosts[0])
	if n := strings.Count(string(data), "\n"); n != 3 {
		t.Errorf("%d lines:\n%s", n, data)
	}
	s.SetHostKeys(keys[1])
	dial(t, tg)
}
