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
	release func()
	offered *offeredKeys

	look, act slot
	// single says that the server gives only one session at a time: questions
	// and actions share a shell.
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
	offered := &offeredKeys{arrived: make(chan struct{})}
	client, release, err := d.handshake(ctx, t, offered)
	if err != nil {
		return nil, err
	}
	st.logins.Add(1)
	l := &link{t: t, opt: d.opt, st: st, client: client, release: release, offered: offered, dead: make(chan struct{})}
	l.look.gate, l.act.gate = make(chan struct{}, 1), make(chan struct{}, 1)
	go func() {
		_ = client.Wait()
		l.once.Do(func() { close(l.dead) })
		release()
	}()
	sctx, cancel := context.WithTimeout(ctx, t.ConnectTimeout)
	defer cancel()
	if _, err := l.shell(sctx, &l.look); err != nil {
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
		go l.keepalive()
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

// busyLimit is how long a question waits behind another before it is asked in
// the other shell.
const busyLimit = 2 * time.Second

// pick chooses the shell for a command.
func (l *link) pick(ctx context.Context, c host.Command) (*shell, error) {
	l.mu.Lock()
	single := l.single
	l.mu.Unlock()
	if single {
		return l.shell(ctx, &l.look)
	}
	want := &l.act
	if c.ReadOnly {
		want = &l.look
		if sh := l.look.get(); sh != nil && !sh.isBroken() {
			if since := sh.busySince(); !since.IsZero() && time.Since(since) > busyLimit {
				if other := l.act.get(); other == nil || other.isBroken() || other.busySince().IsZero() {
					want = &l.act
				}
			}
		}
	}
	sh, err := l.shell(ctx, want)
	var refused *xssh.OpenChannelError
	if errors.As(err, &refused) && want == &l.act && !l.isDead() {
		l.mu.Lock()
		l.single = true
		l.mu.Unlock()
		return l.shell(ctx, &l.look)
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
	l.once.Do(func() { close(l.dead) })
}

// keepalive finds out that the other side is gone although TCP has not
// noticed.
func (l *link) keepalive() {
	tick := time.NewTicker(l.t.KeepAlive)
	defer tick.Stop()
	var pending chan struct{}
	misses := 0
	for {
		select {
		case <-l.dead:
			return
		case <-tick.C:
		}
		if pending != nil {
			select {
			case <-pending:
				misses = 0
			default:
				if misses++; misses >= l.t.KeepAliveMisses {
					l.opt.Logger.Warn("connection is dead", "host", l.t.Name, "missed_keepalives", misses)
					_ = l.client.Close()
					return
				}
				continue
			}
		}
		answered := make(chan struct{})
		pending = answered
		go func() {
			if _, _, err := l.client.SendRequest("keepalive@openssh.com", true, nil); err == nil {
				close(answered)
			}
		}()
	}
}
