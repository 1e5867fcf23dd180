package run

import (
	"context"
	"errors"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
)

// conn returns the connection with or without become, opening it at first use.
// Plays may become different users, each of whom has a connection.
func (st *hostState) conn(ctx context.Context, become bool, user string) (*connection, error) {
	as := account{become, user}
	if !become {
		as.user = ""
	}
	if err := st.warmed(as); err != nil {
		return nil, err
	}
	c := st.conns[as]
	if c == nil {
		start := time.Now()
		told := st.tellConnecting()
		t, err := st.dial(ctx, as)
		told()
		if err != nil {
			return nil, err
		}
		c = st.connected(as, t, time.Since(start))
	}
	if !st.settled { // also if an earlier attempt gave up waiting
		if err := st.settle(ctx, c); err != nil {
			return nil, err
		}
		st.settled = true
	}
	return c, nil
}

// tellConnecting tells of a connection that is long in coming, so that nobody takes
// it for the task. It is over when the function it returns has returned.
func (st *hostState) tellConnecting() (over func()) {
	const long = time.Second
	ev := st.about(event.Event{Kind: event.HostConnecting})
	done := make(chan struct{})
	t := time.AfterFunc(long, func() {
		defer close(done)
		st.r.emit.emit(ev)
	})
	return func() {
		if !t.Stop() {
			<-done
		}
	}
}

// dial connects. A host whose sshd answers and then breaks off is in the middle
// of something (its sshd is being replaced or restarted): it is asked again for
// a while. Everything else is told at once.
func (st *hostState) dial(ctx context.Context, as account) (host.Transport, error) {
	deadline := time.Now().Add(min(st.r.opts.patience(), 2*time.Minute))
	for wait := time.Second; ; wait = min(2*wait, 10*time.Second) {
		t, err := st.r.connect(ctx, st.info.Name, as.become, as.user)
		var ce *host.ConnectError
		if err == nil || !errors.As(err, &ce) || !ce.Passing || time.Now().Add(wait).After(deadline) {
			return t, err
		}
		st.waiting("the host breaks off logins (its sshd may be being replaced); trying again: " + firstLine(ce.What))
		if !pause(ctx, st.r.opts.Stop, wait) {
			return nil, err
		}
	}
}

// connected keeps a new connection.
func (st *hostState) connected(as account, t host.Transport, took time.Duration) *connection {
	c := &connection{st: st, t: t, h: host.New(st.info.Name, t)}
	st.conns[as] = c
	st.r.emit.emit(st.about(event.Event{Kind: event.HostConnected, Duration: took}))
	return c
}

// warming is a connection that is opened before the host's turn comes.
type warming struct {
	as   account
	took time.Duration
	done chan struct{} // closed when what follows is valid
	t    host.Transport
	err  error
}

// open begins to connect ahead of the host's turn.
func (st *hostState) open(ctx context.Context, as account) {
	if st.warm != nil || len(st.conns) > 0 {
		return
	}
	w := &warming{as: as, done: make(chan struct{})}
	st.warm = w
	go func() {
		defer close(w.done)
		start := time.Now()
		w.t, w.err = st.dial(ctx, as)
		w.took = time.Since(start)
	}()
}

// warmed takes over a connection that was opened ahead.
func (st *hostState) warmed(as account) error {
	w := st.warm
	if w == nil {
		return nil
	}
	told := st.tellConnecting()
	<-w.done
	told()
	st.warm = nil
	switch {
	case w.err == nil:
		st.connected(w.as, w.t, w.took)
	case w.as == as:
		return w.err
	}
	return nil
}

// close ends the connections, also one that is being opened.
func (st *hostState) close() {
	if w := st.warm; w != nil {
		<-w.done
		if w.err == nil {
			_ = w.t.Close()
		}
		st.warm = nil
	}
	for as, c := range st.conns {
		if c.locked {
			st.r.locks.drop(st.info.Name)
		}
		_ = c.t.Close()
		delete(st.conns, as)
	}
}

// rest is called when a play has ended on a host: it gives up the connections of
// one that takes no further part, and of one that has to wait where many do.
func (pl *playState) rest(st *hostState) {
	if pl.gated {
		return // the checks of a gate may look at it
	}
	pl.r.mu.Lock()
	keep := !st.lost() && pl.r.last[st.info.Name] > pl.index && pl.r.idle < pl.r.opts.idle()
	if keep {
		pl.r.idle++
	}
	pl.r.mu.Unlock()
	if st.idle = keep; !keep {
		st.close()
	}
}

// rouse is called when a play begins on a host.
func (pl *playState) rouse(st *hostState) {
	if st.idle {
		pl.r.mu.Lock()
		pl.r.idle--
		pl.r.mu.Unlock()
		st.idle = false
	}
}

// openAhead connects to the first hosts of the next batch while the last ones of
// this batch are worked on, if nothing is to be waited for in between.
func (pl *playState) openAhead(ctx context.Context, w, next *wave) {
	if next == nil || pl.r.opts.Mode == Plan || len(pl.rollout.GatesAfter(w.n, false)) > 0 || !pl.open() || pl.r.why(ctx, pl.budget) != "" {
		return
	}
	for _, st := range next.hosts[:min(len(next.hosts), pl.r.opts.ahead(pl.rollout, len(w.hosts)))] {
		pr := playRun{st: st, play: pl.play}
		as := account{become: pr.become(nil)}
		if as.become {
			as.user = pl.play.BecomeUser
		}
		st.open(ctx, as)
	}
}
