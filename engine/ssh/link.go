package ssh

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	xssh "golang.org/x/crypto/ssh"
)

// link is one live connection to the host. It is replaced, never repaired.
type link struct {
	t       Target
	opt     Options
	st      *stats
	client  *xssh.Client
	offered *offeredKeys

	main, side slot // side is opened while something long blocks main

	// single says that the server gives only one session at a time: whatever is
	// asked waits for its turn in the main shell.
	mu     sync.Mutex
	single bool
	noSftp bool
	plain  bool // no shell is to be had: a channel per command

	dead chan struct{} // closed when the connection is gone
	once sync.Once
}

// slot holds a shell that is opened when first needed.
type slot struct {
	gate chan struct{} // held while opening
	mu   sync.Mutex
	sh   *shell
}

func (s *slot) get() *shell {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sh
}

// newLink logs in and opens the first shell.
func (d *Dialer) newLink(ctx context.Context, t Target, st *stats) (*link, error) {
	l := &link{t: t, opt: d.opt, st: st, offered: &offeredKeys{arrived: make(chan struct{})}, dead: make(chan struct{})}
	var err error
	if l.client, err = d.handshake(ctx, t, l.offered, l.ended); err != nil {
		return nil, err
	}
	st.logins.Add(1)
	l.main.gate, l.side.gate = make(chan struct{}, 1), make(chan struct{}, 1)
	sctx, cancel := context.WithTimeout(ctx, t.ConnectTimeout)
	defer cancel()
	if _, err := l.shell(sctx, &l.main); err != nil {
		if errors.Is(err, errNoShell) && l.tryPlain(sctx) {
			l.plain = true
		} else {
			l.close()
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, becomeError(sctx, t, err)
		}
	}
	if t.KeepAlive > 0 {
		d.pulse.watch(l)
	}
	return l, nil
}

// shell returns the slot's shell, opening one if there is none that works.
func (l *link) shell(ctx context.Context, s *slot) (*shell, error) {
	select {
	case s.gate <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.gate }()
	if sh := s.get(); sh != nil && !sh.isBroken() {
		return sh, nil
	}
	p, err := startProc(ctx, l.client, l.t, l.st)
	if err != nil {
		return nil, err
	}
	sh := newShell(p, l.opt.OutputLimit, l.st)
	s.mu.Lock()
	s.sh = sh
	s.mu.Unlock()
	return sh, nil
}

// busyLimit is how long a question occupies the main shell before others go to a
// second one; actLimit, how long one waits for an action, which may take hours.
const (
	busyLimit = 2 * time.Second
	actLimit  = 200 * time.Millisecond
)

// pick chooses the shell for a command. Actions have the main shell, which holds
// the host's lock; a question leaves it only when something long blocks it.
func (l *link) pick(ctx context.Context, c host.Command) (*shell, error) {
	l.mu.Lock()
	single := l.single
	l.mu.Unlock()
	want := &l.main
	if sh := l.main.get(); c.ReadOnly && !single && sh != nil && !sh.isBroken() {
		since := sh.busySince()
		if !since.IsZero() && time.Since(since) > busyLimit || !sh.actionEnds(ctx, actLimit) {
			want = &l.side
		}
	}
	sh, err := l.shell(ctx, want)
	var refused *xssh.OpenChannelError
	if errors.As(err, &refused) && want == &l.side && !l.isDead() {
		l.mu.Lock()
		l.single = true
		l.mu.Unlock()
		return l.shell(ctx, &l.main)
	}
	return sh, err
}

func (l *link) isDead() bool {
	select {
	case <-l.dead:
		return true
	default:
		return false
	}
}

// close ends the connection and waits until nothing of it runs any more.
func (l *link) close() {
	_ = l.client.Close()
	_ = l.client.Wait()
	l.ended()
}

// ended marks the connection as gone.
func (l *link) ended() { l.once.Do(func() { close(l.dead) }) }
