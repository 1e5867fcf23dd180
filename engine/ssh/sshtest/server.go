package sshtest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	xssh "golang.org/x/crypto/ssh"
)

// Server is one host. All methods may be called at any time.
type Server struct {
	opt Options
	ln  net.Listener
	dir string
	own bool // dir is removed by Close

	mu      sync.Mutex
	keys    []xssh.Signer
	conns   map[*faultConn]struct{}
	refuse  bool
	hang    Stage
	lose    int64
	bootID  string
	closed  bool
	procs   map[*process]struct{}
	wg      sync.WaitGroup
	closing chan struct{}

	accepted atomic.Int64
	logins   atomic.Int64
	sessions atomic.Int64
	attempts atomic.Int64
}

// New starts a server that ends with the test.
func New(tb testing.TB, opt Options) *Server {
	tb.Helper()
	s, err := Start(opt)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// Start starts a server. Close ends it.
func Start(opt Options) (*Server, error) {
	if opt.Addr == "" {
		opt.Addr = "127.0.0.1:0"
	}
	if opt.MaxSessions == 0 {
		opt.MaxSessions = 10
	}
	if opt.Backend == nil {
		opt.Backend = Exec()
	}
	s := &Server{opt: opt, dir: opt.Dir, keys: opt.HostKeys, hang: opt.Hang, bootID: newBootID(),
		conns: map[*faultConn]struct{}{}, procs: map[*process]struct{}{}, closing: make(chan struct{})}
	if len(s.keys) == 0 {
		s.keys = []xssh.Signer{NewKey("ed25519")}
	}
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "sshtest-")
		if err != nil {
			return nil, err
		}
		s.dir, s.own = dir, true
	}
	if err := opt.Backend.prepare(s); err != nil {
		return nil, err
	}
	if err := s.writeBootID(); err != nil {
		return nil, err
	}
	if s.ln = opt.Listener; s.ln == nil {
		ln, err := net.Listen("tcp", opt.Addr)
		if err != nil {
			return nil, err
		}
		s.ln = ln
	}
	s.wg.Go(s.accept)
	return s, nil
}

// NewKey makes a private key of type "ed25519", "ecdsa" or "rsa".
func NewKey(kind string) xssh.Signer {
	var raw any
	var err error
	switch kind {
	case "rsa":
		raw, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ecdsa":
		raw, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		_, raw, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		panic(err)
	}
	signer, err := xssh.NewSignerFromKey(raw)
	if err != nil {
		panic(err)
	}
	return signer
}

func newBootID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (s *Server) writeBootID() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return os.WriteFile(s.bootFile(), []byte(s.bootID+"\n"), 0o644) //nolint:gosec // as on a host
}

func (s *Server) bootFile() string { return filepath.Join(s.dir, "boot_id") }

// Dir is the host's directory. Its home is Dir/home, ferry's state Dir/ferry.
func (s *Server) Dir() string { return s.dir }

// StateDir is what /var/lib/ferry is on this host (Exec).
func (s *Server) StateDir() string { return filepath.Join(s.dir, "ferry") }

// Addr is where the server listens, "127.0.0.1:port".
func (s *Server) Addr() string { return s.ln.Addr().String() }

// Host and Port are the two parts of Addr.
func (s *Server) Host() string { h, _, _ := net.SplitHostPort(s.Addr()); return h }

// Port is where the server listens.
func (s *Server) Port() int {
	_, p, _ := net.SplitHostPort(s.Addr())
	n, _ := strconv.Atoi(p)
	return n
}

// Logins counts successful logins, Sessions the sessions opened.
func (s *Server) Logins() int { return int(s.logins.Load()) }

// Connections counts the connections attempted so far, also those refused.
func (s *Server) Connections() int { return int(s.accepted.Load()) }

// Sessions counts the sessions opened so far.
func (s *Server) Sessions() int { return int(s.sessions.Load()) }

// Attempts counts the attempts to log in so far, each method and each key for itself,
// as MaxAuthTries does.
func (s *Server) Attempts() int { return int(s.attempts.Load()) }

// HostKeys returns the keys the server offers now.
func (s *Server) HostKeys() []xssh.Signer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]xssh.Signer(nil), s.keys...)
}

// SetHostKeys changes the keys that later connections are offered.
func (s *Server) SetHostKeys(keys ...xssh.Signer) {
	s.mu.Lock()
	s.keys = keys
	s.mu.Unlock()
}

// KnownHosts returns known_hosts lines for the server's keys.
func (s *Server) KnownHosts() string {
	var b strings.Builder
	for _, k := range s.HostKeys() {
		fmt.Fprintf(&b, "[%s]:%d %s", s.Host(), s.Port(), xssh.MarshalAuthorizedKey(k.PublicKey()))
	}
	return b.String()
}

// Refuse makes the server reset new connections, as an sshd does whose binary
// was replaced under it, or take them again. Those that are open live on.
func (s *Server) Refuse(on bool) {
	s.mu.Lock()
	s.refuse = on
	s.mu.Unlock()
}

// SetHang changes where later connections stall.
func (s *Server) SetHang(at Stage) {
	s.mu.Lock()
	s.hang = at
	s.mu.Unlock()
}

// Drop resets all open connections.
func (s *Server) Drop() {
	for _, c := range s.open() {
		c.reset()
	}
}

// Freeze stops all traffic on the open connections without closing them, as a
// firewall that forgot them does. Later connections are not affected.
func (s *Server) Freeze() {
	for _, c := range s.open() {
		c.freeze()
	}
}

// LoseAfter resets each connection once it has sent n more bytes; zero means
// never. It applies to the open connections and the next ones.
func (s *Server) LoseAfter(n int64) {
	s.mu.Lock()
	s.lose = n
	s.mu.Unlock()
	for _, c := range s.open() {
		c.loseAfter(n)
	}
}

// Reboot kills everything that runs, drops all connections, refuses new ones
// for the given time and gives the host a new boot id.
func (s *Server) Reboot(down time.Duration) {
	s.Refuse(true)
	s.Drop()
	s.killAll()
	s.mu.Lock()
	s.bootID = newBootID()
	s.mu.Unlock()
	_ = s.writeBootID()
	time.AfterFunc(down, func() { s.Refuse(false) })
}

// BootID is the host's present boot id.
func (s *Server) BootID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bootID
}

func (s *Server) open() []*faultConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*faultConn, 0, len(s.conns))
	for c := range s.conns {
		all = append(all, c)
	}
	return all
}

// Close ends the server, its connections and all it started.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.closing)
	s.mu.Unlock()
	_ = s.ln.Close()
	s.Drop()
	s.killAll()
	s.wg.Wait()
	if s.own {
		_ = os.RemoveAll(s.dir)
	}
}

func (s *Server) accept() {
	for {
		raw, err := s.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		s.accepted.Add(1)
		c := newFaultConn(raw, s.opt.Latency)
		s.mu.Lock()
		if s.refuse || s.closed {
			s.mu.Unlock()
			c.reset()
			continue
		}
		s.conns[c] = struct{}{}
		c.loseAfter(s.lose)
		hang := s.hang
		s.mu.Unlock()
		s.wg.Go(func() {
			if hang == AtAccept {
				<-c.done
			} else {
				s.serve(c, hang)
			}
			c.reset()
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
		})
	}
}
