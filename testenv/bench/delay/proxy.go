package delay

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// Proxy passes connections on to one address, late. Close ends it.
type Proxy struct {
	l    net.Listener
	to   string
	rtt  time.Duration
	stop context.CancelFunc

	mu    sync.Mutex
	conns map[net.Conn]bool
	done  sync.WaitGroup
}

// Listen starts a proxy on a free port of loopback.
func Listen(to string, rtt time.Duration) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &Proxy{l: l, to: to, rtt: rtt, stop: stop, conns: map[net.Conn]bool{}}
	p.done.Add(1)
	go p.accept(ctx)
	return p, nil
}

// Port is where the proxy listens.
func (p *Proxy) Port() int { return p.l.Addr().(*net.TCPAddr).Port }

// Close ends all connections and waits until nothing of the proxy runs.
func (p *Proxy) Close() error {
	p.stop()
	err := p.l.Close()
	p.mu.Lock()
	for c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.done.Wait()
	return err
}

func (p *Proxy) accept(ctx context.Context) {
	defer p.done.Done()
	for {
		c, err := p.l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // out of descriptors: others must end first
			continue
		}
		if !p.keep(ctx, c) {
			return
		}
		p.done.Add(1)
		go func() {
			defer p.done.Done()
			p.serve(ctx, c)
		}()
	}
}

// keep remembers a connection for Close, or closes it if that was called.
func (p *Proxy) keep(ctx context.Context, c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil {
		_ = c.Close()
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Proxy) drop(c net.Conn) {
	p.mu.Lock()
	delete(p.conns, c)
	p.mu.Unlock()
	_ = c.Close()
}

// serve passes one connection on. The kernel has accepted it at once. Over a
// real line the client is connected after one round trip, its first word
// arrives half a round trip later, and the host's first word, spoken when the
// connection is complete there, after two; so it is here.
func (p *Proxy) serve(ctx context.Context, near net.Conn) {
	defer p.drop(near)
	start := time.Now()
	select {
	case <-time.After(p.rtt):
	case <-ctx.Done():
		return
	}
	var d net.Dialer
	far, err := d.DialContext(ctx, "tcp", p.to)
	if err != nil || !p.keep(ctx, far) {
		return
	}
	defer p.drop(far)
	var both sync.WaitGroup
	pass := func(dst, src net.Conn, open time.Time) {
		_ = copyLate(dst, src, p.rtt/2, open)
		_ = dst.(*net.TCPConn).CloseWrite()
		_ = src.(*net.TCPConn).CloseRead()
	}
	both.Go(func() { pass(far, near, start) })
	both.Go(func() { pass(near, far, start.Add(2*p.rtt)) })
	both.Wait()
}
