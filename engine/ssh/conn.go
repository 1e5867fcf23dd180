package ssh

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
)

// Conn is the transport to one host. It gets a lost connection back when the
// next command needs it. All methods may be called concurrently.
type Conn struct {
	d  *Dialer
	t  Target
	st stats

	gate chan struct{} // held while connecting

	mu     sync.Mutex
	cur    *link
	closed bool
	failed error     // of the last attempt to connect
	failAt time.Time // when that was
	lock   *lockState
}

var (
	_ host.Transport = (*Conn)(nil)
	_ host.Superuser = (*Conn)(nil)
)

func newConn(d *Dialer, t Target) *Conn {
	return &Conn{d: d, t: t, gate: make(chan struct{}, 1)}
}

// errClosed says that the Conn was closed by its owner.
var errClosed = errors.New("the connection was closed")

// Name is the host's name in the inventory.
func (c *Conn) Name() string { return c.t.Name }

// Stats returns what the connection has done so far.
func (c *Conn) Stats() Stats { return c.st.snapshot() }

// Superuser implements host.Superuser.
func (c *Conn) Superuser() bool { return c.t.effectiveUser() == "root" }

// connect makes one attempt; the caller holds the gate or owns the Conn alone.
func (c *Conn) connect(ctx context.Context) (*link, error) {
	l, err := c.d.newLink(ctx, c.t, &c.st)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// present returns the live link, or nil.
func (c *Conn) present() (*link, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, fmt.Errorf("%s: %w: %w", c.t.Name, host.ErrUnreachable, errClosed)
	}
	if c.cur != nil && !c.cur.isDead() {
		return c.cur, nil
	}
	return nil, nil
}

// live returns the present link, or connects again for as long as the options
// and ctx allow.
func (c *Conn) live(ctx context.Context) (*link, error) {
	asked := time.Now()
	if l, err := c.present(); l != nil || err != nil {
		return l, err
	}
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer func() { <-c.gate }()
	if l, err := c.present(); l != nil || err != nil {
		return l, err
	}
	c.mu.Lock()
	failed, at := c.failed, c.failAt
	c.mu.Unlock()
	if failed != nil && at.After(asked) {
		return nil, failed // somebody tried while this call waited
	}
	ctx, cancel := context.WithTimeout(ctx, c.d.opt.ReconnectFor)
	defer cancel()
	return c.redial(ctx)
}

func (c *Conn) enter(ctx context.Context) error {
	select {
	case c.gate <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: %w: %w", c.t.Name, host.ErrUnreachable, ctx.Err())
	}
}

// redial connects with backoff until ctx ends or a failure is permanent, puts
// the new link in place and takes the lock again. The caller holds the gate.
func (c *Conn) redial(ctx context.Context) (*link, error) {
	wait := 100 * time.Millisecond
	for {
		l, err := c.connect(ctx)
		if err == nil {
			return c.adopt(ctx, l)
		}
		var ce *host.ConnectError
		isConn := errors.As(err, &ce)
		if isConn {
			c.note(err)
		}
		if isConn && ce.Permanent {
			return nil, err
		}
		c.d.opt.Logger.Info("host does not answer", "host", c.t.Name, "error", err)
		t := time.NewTimer(wait + rand.N(wait/2))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			c.mu.Lock()
			last := c.failed
			c.mu.Unlock()
			if last == nil || !isConn && errors.Is(last, context.Canceled) {
				last = ctx.Err()
			}
			err := fmt.Errorf("%w: %w", host.ErrUnreachable, last)
			c.note(err)
			return nil, err
		}
		wait = min(2*wait, 5*time.Second)
	}
}

func (c *Conn) note(err error) {
	c.mu.Lock()
	c.failed, c.failAt = err, time.Now()
	c.mu.Unlock()
}

// adopt makes l the present link and closes the former one.
func (c *Conn) adopt(ctx context.Context, l *link) (*link, error) {
	c.mu.Lock()
	old, closed, lock := c.cur, c.closed, c.lock
	if !closed {
		c.cur, c.failed = l, nil
	}
	c.mu.Unlock()
	if old != nil {
		old.close()
	}
	if closed {
		l.close()
		return nil, fmt.Errorf("%s: %w: %w", c.t.Name, host.ErrUnreachable, errClosed)
	}
	if lock != nil {
		st := *lock
		st.killed = false // the shell that has it now
		if err := l.lock(ctx, &st); err != nil {
			c.mu.Lock()
			c.cur = nil
			c.mu.Unlock()
			l.close()
			return nil, err
		}
	}
	return l, nil
}

// Reconnect opens a fresh connection, verifies it with a shell of the become
// user, and then gives up the present one: when the host cannot be reached
// any more, the connection that still works is kept. It tries again with
// backoff until ctx ends.
func (c *Conn) Reconnect(ctx context.Context) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer func() { <-c.gate }()
	if _, err := c.present(); err != nil {
		return err
	}
	_, err := c.redial(ctx)
	return err
}

// Close ends the connection; commands that still run get host.ErrUnknown.
func (c *Conn) Close() error {
	c.mu.Lock()
	l := c.cur
	c.cur, c.closed = nil, true
	c.mu.Unlock()
	if l != nil {
		l.close()
	}
	return nil
}
