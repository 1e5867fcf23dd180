package ssh

import (
	"context"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	xssh "golang.org/x/crypto/ssh"
)

// Dialer makes connections that share jump hosts, limits on handshakes and the
// known_hosts files. One Dialer serves a whole run; it is safe for concurrent
// use.
type Dialer struct {
	opt   Options
	keys  *keyStore
	slots chan struct{} // one per handshake in progress

	pulse pulse

	mu    sync.Mutex
	jumps map[string]*jumpHost
}

// NewDialer returns a Dialer. Close it after the last of its connections.
func NewDialer(opt Options) *Dialer {
	opt = opt.withDefaults()
	return &Dialer{opt: opt, keys: &keyStore{files: map[string]*keyFile{}},
		slots: make(chan struct{}, opt.MaxHandshakes), jumps: map[string]*jumpHost{}}
}

// Dial connects with a Dialer of its own. For many hosts, share a Dialer.
func Dial(ctx context.Context, t Target, opt Options) (*Conn, error) {
	return NewDialer(opt).Dial(ctx, t)
}

// Dial connects to t, logs in, becomes the user to become, and returns a
// connection whose shell is ready. An error is a *host.ConnectError, or that of
// ctx.
func (d *Dialer) Dial(ctx context.Context, t Target) (*Conn, error) {
	t, err := t.withDefaults()
	if err != nil {
		return nil, &host.ConnectError{Host: t.Name, Address: t.Address, What: err.Error() + ".",
			Cure: "Correct the host's connection settings.", Err: err, Permanent: true}
	}
	c := newConn(d, t)
	l, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	c.cur = l
	return c, nil
}

// Close closes the connections to jump hosts.
func (d *Dialer) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, j := range d.jumps {
		j.drop()
	}
	return nil
}

// jumpHost is one connection that many targets share.
type jumpHost struct {
	gate   chan struct{} // held while connecting
	slots  chan struct{} // one per handshake in progress through it
	mu     sync.Mutex
	client *xssh.Client
	users  int
}

// drop closes the connection, if there is one.
func (j *jumpHost) drop() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.dropLocked()
}

func (j *jumpHost) dropLocked() {
	if j.client != nil {
		_ = j.client.Close() // which gives back the hop before this one
		j.client = nil
	}
}

// dialFunc opens a byte stream to an address.
type dialFunc func(ctx context.Context, addr string) (net.Conn, error)

// through returns a dial function by way of the chain, the limit on handshakes
// there, and a function that gives the chain back.
func (d *Dialer) through(ctx context.Context, t Target) (dialFunc, chan struct{}, func(), error) {
	if len(t.Jump) == 0 {
		return d.opt.Dial, nil, func() {}, nil
	}
	last := len(t.Jump) - 1
	hop := t.Jump[last]
	hop.Jump = t.Jump[:last]
	j := d.jump(hop)
	select {
	case j.gate <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, nil, ctx.Err()
	}
	defer func() { <-j.gate }()
	j.mu.Lock()
	client := j.client
	if client != nil {
		j.users++
	}
	j.mu.Unlock()
	if client == nil {
		set := make(chan struct{}) // the connection may end before it is known here
		var c *xssh.Client
		c, err := d.handshake(ctx, hop, &offeredKeys{}, func() {
			<-set
			j.mu.Lock()
			if j.client == c {
				j.dropLocked()
			}
			j.mu.Unlock()
		})
		if err != nil {
			return nil, nil, nil, jumpError(t, hop, err)
		}
		client = c
		j.mu.Lock()
		j.client = c
		j.users++
		j.mu.Unlock()
		close(set)
	}
	once := sync.OnceFunc(func() {
		j.mu.Lock()
		if j.users--; j.users == 0 && j.client == client {
			j.dropLocked()
		}
		j.mu.Unlock()
	})
	return func(ctx context.Context, addr string) (net.Conn, error) {
		return client.DialContext(ctx, "tcp", addr)
	}, j.slots, once, nil
}

func (d *Dialer) jump(hop Target) *jumpHost {
	key := hop.shown() + " " + strings.Join(hop.IdentityFiles, ",")
	d.mu.Lock()
	defer d.mu.Unlock()
	j := d.jumps[key]
	if j == nil {
		j = &jumpHost{gate: make(chan struct{}, 1), slots: make(chan struct{}, d.opt.MaxPerJump)}
		d.jumps[key] = j
	}
	return j
}

// take waits for a place in a limit; nil is no limit. Through a jump host the
// starts are spread a little, since its sshd counts those not yet logged in.
func take(ctx context.Context, slots chan struct{}) (func(), error) {
	if slots == nil {
		return func() {}, nil
	}
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func jitter(ctx context.Context, most time.Duration) {
	t := time.NewTimer(rand.N(most))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
