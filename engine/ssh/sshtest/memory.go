package sshtest

import (
	"context"
	"net"
	"sync"
	"time"
)

// Memory is a network inside the process, with one server. It needs no kernel, so
// in a synctest bubble the time that passes is exactly the delay that was waited
// for. It is a Listener for Options.
type Memory struct {
	rtt   time.Duration
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// NewMemory makes a network in which opening a connection takes rtt, as it does
// with TCP. What is sent over it is delayed by Options.Latency.
func NewMemory(rtt time.Duration) *Memory {
	return &Memory{rtt: rtt, conns: make(chan net.Conn), done: make(chan struct{})}
}

// Dial connects to the server, whatever the address.
func (m *Memory) Dial(ctx context.Context, _ string) (net.Conn, error) {
	time.Sleep(m.rtt)
	client, server := net.Pipe()
	select {
	case m.conns <- memoryConn{server}:
		return memoryConn{client}, nil
	case <-m.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (m *Memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (m *Memory) Close() error {
	m.once.Do(func() { close(m.done) })
	return nil
}

// Addr implements net.Listener.
func (*Memory) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2222} }

// memoryConn has addresses, which host keys are checked against.
type memoryConn struct{ net.Conn }

func (memoryConn) LocalAddr() net.Addr  { return (*Memory)(nil).Addr() }
func (memoryConn) RemoteAddr() net.Addr { return (*Memory)(nil).Addr() }
