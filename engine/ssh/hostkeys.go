package ssh

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	xssh "golang.org/x/crypto/ssh"
)

// keyStore holds the known_hosts files of a process, read again when they
// change. Its methods may be called concurrently.
type keyStore struct {
	mu    sync.Mutex
	files map[string]*keyFile
}

type keyFile struct {
	mod   time.Time
	size  int64
	hosts *knownHosts
}

// load returns what files record together; an absent file records nothing.
func (s *keyStore) load(files []string) ([]*knownHosts, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*knownHosts
	for _, name := range files {
		st, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if f := s.files[name]; f != nil && f.mod.Equal(st.ModTime()) && f.size == st.Size() {
			all = append(all, f.hosts)
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		k := newKnownHosts()
		if err := k.read(bytes.NewReader(data), name); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		s.files[name] = &keyFile{mod: st.ModTime(), size: int64(len(data)), hosts: k}
		all = append(all, k)
	}
	return all, nil
}

// hostKeyCheck verifies one login's host key and remembers why it refused.
type hostKeyCheck struct {
	store   *keyStore
	t       Target
	keys    []knownKey
	cas     []knownKey
	revoked map[string]knownKey
	refused *host.ConnectError
}

func newHostKeyCheck(store *keyStore, t Target) (*hostKeyCheck, error) {
	c := &hostKeyCheck{store: store, t: t}
	if err := c.lookup(); err != nil {
		return nil, &host.ConnectError{Host: t.Name, Address: t.shown(), Err: err, Permanent: true,
			What: fmt.Sprintf("The known_hosts file cannot be read: %v.", err),
			Cure: "Make it readable, or name another one."}
	}
	return c, nil
}

func (c *hostKeyCheck) lookup() error {
	all, err := c.store.load(c.t.KnownHosts)
	if err != nil {
		return err
	}
	c.keys, c.cas, c.revoked = nil, nil, map[string]knownKey{}
	for _, k := range all {
		c.keys = append(c.keys, k.keys(c.t.keyName())...)
		c.cas = append(c.cas, k.authorities(c.t.keyName())...)
		for raw, key := range k.revoked {
			c.revoked[raw] = key
		}
	}
	return nil
}

// algorithms orders the host key algorithms so that those the host is known by
// come first: a server with several keys else offers one that is not recorded,
// which looks like a changed key.
func (c *hostKeyCheck) algorithms() []string {
	if len(c.keys) == 0 && len(c.cas) == 0 {
		return nil
	}
	var first []string
	if len(c.cas) > 0 {
		first = append(first, xssh.CertAlgoED25519v01, xssh.CertAlgoECDSA256v01, xssh.CertAlgoECDSA384v01,
			xssh.CertAlgoECDSA521v01, xssh.CertAlgoRSASHA512v01, xssh.CertAlgoRSASHA256v01)
	}
	for _, k := range c.keys {
		if typ := k.key.Type(); typ == xssh.KeyAlgoRSA {
			first = append(first, xssh.KeyAlgoRSASHA512, xssh.KeyAlgoRSASHA256)
		} else {
			first = append(first, typ)
		}
	}
	supported := xssh.SupportedAlgorithms().HostKeys
	usable := map[string]bool{}
	for _, a := range supported {
		usable[a] = true
	}
	var order []string
	for _, a := range append(first, supported...) {
		if usable[a] {
			usable[a] = false
			order = append(order, a)
		}
	}
	return order
}

// check is the callback of the handshake.
func (c *hostKeyCheck) check(_ string, _ net.Addr, key xssh.PublicKey) error {
	if cert, ok := key.(*xssh.Certificate); ok {
		if len(c.cas) > 0 {
			return c.certificate(cert)
		}
		key = cert.Key
	}
	if bad, ok := c.revoked[string(key.Marshal())]; ok {
		return c.refuse("The host offers a key that is marked as revoked at "+bad.where()+".",
			"Find out why it was revoked; the host needs a new key.", true)
	}
	for _, k := range c.keys {
		if bytes.Equal(k.key.Marshal(), key.Marshal()) {
			return nil
		}
	}
	if len(c.keys) > 0 {
		return c.changed(key)
	}
	if c.t.HostKeyPolicy == AcceptNew {
		return c.accept(key)
	}
	scan := "ssh-keyscan "
	if c.t.Port != 22 {
		scan += fmt.Sprintf("-p %d ", c.t.Port)
	}
	return c.refuse(fmt.Sprintf("The host key is not known; the host offers %s %s.", key.Type(), xssh.FingerprintSHA256(key)),
		fmt.Sprintf("Compare the fingerprint with the host's, then record the key with\n  %s%s >> %s\nor set host_key_policy = %q.",
			scan, host.Quote(c.t.Address), host.Quote(c.t.KnownHosts[0]), AcceptNew), true)
}

func (c *hostKeyCheck) certificate(cert *xssh.Certificate) error {
	checker := xssh.CertChecker{
		IsHostAuthority: func(auth xssh.PublicKey, _ string) bool {
			for _, ca := range c.cas {
				if bytes.Equal(ca.key.Marshal(), auth.Marshal()) {
					return true
				}
			}
			return false
		},
		IsRevoked: func(cert *xssh.Certificate) bool {
			_, key := c.revoked[string(cert.Key.Marshal())]
			_, ca := c.revoked[string(cert.SignatureKey.Marshal())]
			return key || ca
		},
	}
	name := c.t.Address
	if c.t.HostKeyAlias != "" {
		name = c.t.HostKeyAlias
	}
	if err := checker.CheckHostKey(net.JoinHostPort(name, fmt.Sprint(c.t.Port)), nil, cert); err != nil {
		return c.refuse(fmt.Sprintf("The host's certificate is not accepted: %v.", err),
			"Have the host's key signed again by the authority in known_hosts, for this host name.", true)
	}
	return nil
}

func (c *hostKeyCheck) changed(key xssh.PublicKey) error {
	old := c.keys[0]
	for _, k := range c.keys {
		if k.key.Type() == key.Type() {
			old = k
			break
		}
	}
	what := "The host key has changed"
	if old.key.Type() != key.Type() {
		what = "The host offers a key of a type that is not recorded for it"
	}
	return c.refuse(fmt.Sprintf("%s: it offers %s %s, but %s records %s %s. Somebody may be posing as this host.", what,
		key.Type(), xssh.FingerprintSHA256(key), old.where(), old.key.Type(), xssh.FingerprintSHA256(old.key)),
		fmt.Sprintf("If the host was reinstalled, remove the old key with\n  ssh-keygen -R %s -f %s",
			host.Quote(c.t.keyName()), host.Quote(old.file)), true)
}

func (c *hostKeyCheck) refuse(what, cure string, permanent bool) error {
	c.refused = &host.ConnectError{Host: c.t.Name, Address: c.t.shown(), What: what, Cure: cure, Permanent: permanent}
	return c.refused
}

// accept records the key of a host seen for the first time. Another process or
// goroutine may have recorded a key meanwhile, so it looks again under a lock.
func (c *hostKeyCheck) accept(key xssh.PublicKey) error {
	file := c.t.KnownHosts[0]
	err := c.store.add(file, func() ([]string, error) {
		if err := c.lookup(); err != nil {
			return nil, err
		}
		if len(c.keys) > 0 {
			return nil, nil
		}
		return []string{knownLine(c.t.keyName(), key)}, nil
	})
	if err != nil {
		return c.refuse(fmt.Sprintf("The new host key cannot be recorded in %s: %v.", file, err), "Make the file writable.", false)
	}
	if err := c.lookup(); err != nil {
		return err
	}
	for _, k := range c.keys {
		if bytes.Equal(k.key.Marshal(), key.Marshal()) {
			return nil
		}
	}
	return c.changed(key)
}

func knownLine(name string, key xssh.PublicKey) string {
	return name + " " + strings.TrimSpace(string(xssh.MarshalAuthorizedKey(key))) + "\n"
}

// add appends the lines that pick returns to file. pick runs with the file
// locked against other processes and against this one.
func (s *keyStore) add(file string, pick func() ([]string, error)) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	lines, err := pick()
	if err != nil || len(lines) == 0 {
		return err
	}
	text := strings.Join(lines, "")
	if st, err := f.Stat(); err == nil && st.Size() > 0 {
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, st.Size()-1); err == nil && last[0] != '\n' {
			text = "\n" + text
		}
	}
	_, err = f.WriteString(text) // one write: never half a line
	return err
}
