package sshtest

import (
	"net"
	"sync"
	"time"
)

// faultConn is a server's side of a connection that can be delayed, frozen,
// and cut.
type faultConn struct {
	net.Conn
	delay time.Duration
	done  chan struct{}
	once  sync.Once

	mu     sync.Mutex
	cond   *sync.Cond
	frozen bool
	budget int64 // bytes that may still be sent; zero is unlimited
	out    []timed
	in     []timed
	inErr  error
}

type timed struct {
	at   time.Time
	data []byte
}

func newFaultConn(c net.Conn, delay time.Duration) *faultConn {
	f := &faultConn{Conn: c, delay: delay, done: make(chan struct{})}
	f.cond = sync.NewCond(&f.mu)
	if delay > 0 {
		go f.sender()
		go f.receiver()
	}
	return f
}

// reset closes the connection so that the peer sees it broken, not ended.
func (f *faultConn) reset() {
	f.once.Do(func() {
		close(f.done)
		if t, ok := f.Conn.(*net.TCPConn); ok {
			_ = t.SetLinger(0)
		}
		_ = f.Conn.Close()
		f.mu.Lock()
		f.cond.Broadcast()
		f.mu.Unlock()
	})
}

func (f *faultConn) Close() error { f.reset(); return nil }

func (f *faultConn) isDone() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

func (f *faultConn) freeze() {
	f.mu.Lock()
	f.frozen = true
	f.mu.Unlock()
}

func (f *faultConn) loseAfter(n int64) {
	f.mu.Lock()
	f.budget = n
	f.mu.Unlock()
}

// spend returns how much of n bytes may be sent, and whether the connection is
// to be cut after that.
func (f *faultConn) spend(n int) (int, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.budget == 0 {
		return n, false
	}
	if int64(n) >= f.budget {
		return int(f.budget), true
	}
	f.budget -= int64(n)
	return n, false
}

func (f *faultConn) Write(p []byte) (int, error) {
	f.mu.Lock()
	frozen := f.frozen
	f.mu.Unlock()
	if frozen {
		return len(p), nil
	}
	n, cut := f.spend(len(p))
	if cut {
		_, _ = f.Conn.Write(p[:n])
		f.reset()
		return n, net.ErrClosed
	}
	if f.delay == 0 {
		return f.Conn.Write(p)
	}
	if f.isDone() {
		return 0, net.ErrClosed
	}
	f.mu.Lock()
	f.out = append(f.out, timed{time.Now().Add(f.delay), append([]byte(nil), p...)})
	f.cond.Broadcast()
	f.mu.Unlock()
	return len(p), nil
}

func (f *faultConn) Read(p []byte) (int, error) {
	if f.delay == 0 {
		n, err := f.Conn.Read(p)
		f.mu.Lock()
		frozen := f.frozen
		f.mu.Unlock()
		if frozen {
			<-f.done
			return 0, net.ErrClosed
		}
		return n, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		if len(f.in) > 0 && !f.frozen {
			first := &f.in[0]
			if wait := time.Until(first.at); wait > 0 {
				f.mu.Unlock()
				time.Sleep(wait)
				f.mu.Lock()
				continue
			}
			n := copy(p, first.data)
			if first.data = first.data[n:]; len(first.data) == 0 {
				f.in = f.in[1:]
			}
			return n, nil
		}
		if f.isDone() {
			return 0, net.ErrClosed
		}
		if f.inErr != nil {
			return 0, f.inErr
		}
		f.cond.Wait()
	}
}

func (f *faultConn) sender() {
	for {
		f.mu.Lock()
		for len(f.out) == 0 && !f.isDone() {
			f.cond.Wait()
		}
		if f.isDone() {
			f.mu.Unlock()
			return
		}
		t := f.out[0]
		f.out = f.out[1:]
		f.mu.Unlock()
		time.Sleep(time.Until(t.at))
		_, _ = f.Conn.Write(t.data)
	}
}

func (f *faultConn) receiver() {
	for {
		buf := make([]byte, 32<<10)
		n, err := f.Conn.Read(buf)
		f.mu.Lock()
		if n > 0 {
			f.in = append(f.in, timed{time.Now().Add(f.delay), buf[:n]})
		}
		f.inErr = err
		f.cond.Broadcast()
		f.mu.Unlock()
		if err != nil {
			return
		}
	}
}
