package ssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	xssh "golang.org/x/crypto/ssh"
)

// offeredKeys receives the host keys that OpenSSH (6.8 and later) announces
// after the login: all it has, of every type.
type offeredKeys struct {
	mu      sync.Mutex
	raw     []byte
	arrived chan struct{} // closed when they have been received; nil to ignore what they are
}

// listen takes the server's global requests until the connection ends and calls
// gone then. It takes the place of the library's own reader, which refuses them
// all, and of a goroutine that would only wait for the end.
func (o *offeredKeys) listen(in <-chan *xssh.Request, gone func()) {
	defer gone()
	for r := range in {
		known := r.Type == "hostkeys-00@openssh.com"
		o.mu.Lock()
		if known && o.raw == nil && o.arrived != nil {
			o.raw = append([]byte{}, r.Payload...)
			close(o.arrived)
		}
		o.mu.Unlock()
		if r.WantReply {
			_ = r.Reply(known, nil)
		}
	}
}

// noRequests is what the library is given to read in place of them.
func noRequests() <-chan *xssh.Request {
	c := make(chan *xssh.Request)
	close(c)
	return c
}

// ErrNoHostKeys says that the server does not announce its host keys (sshd
// before 6.8).
var ErrNoHostKeys = errors.New("the server does not announce its host keys")

// RecordHostKeys writes all the host keys of the server to the first known_hosts
// file, each proven by a signature, and returns their types. After an upgrade
// sshd may offer a key of another type than the one recorded so far; recording
// all of them before a migration keeps that from looking like an attack.
func (c *Conn) RecordHostKeys(ctx context.Context) ([]string, error) {
	l, err := c.live(ctx)
	if err != nil {
		return nil, err
	}
	wait, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	select {
	case <-l.offered.arrived:
	case <-wait.Done():
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%s: %w", c.t.Name, ErrNoHostKeys)
	}
	keys, err := l.proveKeys()
	if err != nil {
		return nil, fmt.Errorf("%s: the host keys cannot be recorded: %w", c.t.Name, err)
	}
	check := &hostKeyCheck{store: c.d.keys, t: c.t}
	var types []string
	err = c.d.keys.add(c.t.KnownHosts[0], func() ([]string, error) {
		if err := check.lookup(); err != nil {
			return nil, err
		}
		var lines []string
		for _, k := range keys {
			types = append(types, k.Type())
			if _, revoked := check.revoked[string(k.Marshal())]; !revoked && !check.has(k) {
				lines = append(lines, knownLine(c.t.keyName(), k))
			}
		}
		return lines, nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: the host keys cannot be recorded: %w", c.t.Name, err)
	}
	return types, nil
}

func (c *hostKeyCheck) has(key xssh.PublicKey) bool {
	for _, k := range c.keys {
		if bytes.Equal(k.key.Marshal(), key.Marshal()) {
			return true
		}
	}
	return false
}

// proveKeys asks the server to sign with each announced key and returns those
// it proved.
func (l *link) proveKeys() ([]xssh.PublicKey, error) {
	l.offered.mu.Lock()
	raw := l.offered.raw
	l.offered.mu.Unlock()
	blobs, err := fields(raw)
	if err != nil {
		return nil, err
	}
	var keys []xssh.PublicKey
	var ask []byte
	for _, b := range blobs {
		if k, err := xssh.ParsePublicKey(b); err == nil && !strings.Contains(k.Type(), "cert") {
			keys = append(keys, k)
			ask = append(ask, xssh.Marshal(struct{ Key string }{string(b)})...)
		}
	}
	l.st.trips.Add(1)
	ok, reply, err := l.client.SendRequest("hostkeys-prove-00@openssh.com", true, ask)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errors.New("the server does not prove its keys")
	}
	sigs, err := fields(reply)
	if err != nil || len(sigs) != len(keys) {
		return nil, fmt.Errorf("the server proves %d of %d keys", len(sigs), len(keys))
	}
	for i, k := range keys {
		var sig xssh.Signature
		if err := xssh.Unmarshal(sigs[i], &sig); err != nil {
			return nil, err
		}
		data := xssh.Marshal(struct{ Type, Session, Key string }{"hostkeys-prove-00@openssh.com", string(l.client.SessionID()), string(k.Marshal())})
		if err := k.Verify(data, &sig); err != nil {
			return nil, fmt.Errorf("the server does not hold its %s key: %w", k.Type(), err)
		}
	}
	return keys, nil
}

// fields splits a row of SSH strings.
func fields(raw []byte) ([][]byte, error) {
	var all [][]byte
	for len(raw) > 0 {
		var one struct {
			Field []byte
			Rest  []byte `ssh:"rest"`
		}
		if err := xssh.Unmarshal(raw, &one); err != nil {
			return nil, err
		}
		all, raw = append(all, one.Field), one.Rest
	}
	return all, nil
}
