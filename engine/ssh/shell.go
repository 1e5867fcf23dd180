package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
)

// shell is one long-lived shell with pipelined frames. Its methods may be
// called concurrently.
type shell struct {
	p     *proc
	nonce string
	mark  string // prefix of FERRY, by which commands are found on the host
	limit int
	st    *stats

	mu       sync.Mutex
	locked   bool // holds the host's lock
	next     uint64
	queue    []*request // not written yet
	writing  bool
	inflight []*request // written, not answered on both streams, in order
	outSeen  int        // how many of inflight standard output has answered
	errSeen  int
	answered bool          // an answer came since the last round trip was counted
	head     time.Time     // since when the first of inflight runs
	acting   int           // requests that act and are not answered
	quiet    chan struct{} // closed when acting has come to 0; nil if nobody waits
	broken   error
	gone     chan struct{} // closed with broken set
}

// request is one frame.
type request struct {
	n    uint64
	text string
	res  host.Result
	done chan struct{} // closed when res or err is valid
	err  error
	acts bool // it may change the host
	sent bool
	from time.Time
}

// newShell takes over a proc that runs a fresh /bin/sh.
func newShell(p *proc, limit int, st *stats) *shell {
	s := &shell{p: p, nonce: newNonce(), mark: newNonce()[:12], limit: limit, st: st,
		gone: make(chan struct{}), answered: true}
	go s.read(p.stdout, 4<<10, newSplitter(s.nonce, true, limit, s.onOut))
	go s.read(p.stderr, 1<<10, newSplitter(s.nonce, false, limit, s.onErr))
	s.queue = append(s.queue, &request{text: initText})
	return s
}

// submit queues a frame whose text build returns; build is called with the
// request's number set.
func (s *shell) submit(build func(*request) string, acts bool) *request {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &request{n: s.next, done: make(chan struct{}), acts: acts}
	s.next++
	if s.broken != nil {
		r.err = s.broken
		close(r.done)
		return r
	}
	r.text = frameText(s.nonce, r.n, build(r))
	s.queue = append(s.queue, r)
	if acts {
		s.acting++
	}
	if !s.writing {
		s.writing = true
		go s.write()
	}
	return r
}

// run submits a command and waits for its answer. When ctx ends first, the
// request is returned unfinished: the caller decides whether to kill it.
func (s *shell) run(ctx context.Context, c host.Command, asRoot bool) (*request, error) {
	r := s.submit(func(r *request) string {
		return commandText(c, s.markOf(r.n), asRoot, s.locked)
	}, !c.ReadOnly)
	s.st.commands.Add(1)
	return r, s.wait(ctx, r)
}

// raw submits text that runs in the shell itself, for state the shell keeps.
func (s *shell) raw(ctx context.Context, text string) (host.Result, error) {
	r := s.submit(func(*request) string { return text }, true)
	err := s.wait(ctx, r)
	return r.res, err
}

func (s *shell) wait(ctx context.Context, r *request) error {
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
	}
	select {
	case <-r.done:
		return r.err
	default:
	}
	if s.withdraw(r) {
		return ctx.Err()
	}
	return ctx.Err()
}

// markOf is the value of FERRY for frame n. The dot at its end keeps frame 1
// from being mistaken for frame 12.
func (s *shell) markOf(n uint64) string { return fmt.Sprintf("%s.%d.", s.mark, n) }

// withdraw takes back a request that was not written yet.
func (s *shell) withdraw(r *request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, q := range s.queue {
		if q == r {
			// Its number is used up, and the answers are matched in order: it
			// leaves an empty frame behind.
			s.queue[i] = &request{n: r.n, done: make(chan struct{}), text: frameText(s.nonce, r.n, ":"), acts: r.acts}
			r.err = context.Canceled
			close(r.done)
			return true
		}
	}
	return false
}

// runs reports whether the shell is at r's command, and not at one before it.
func (s *shell) runs(r *request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.inflight) > 0 && s.inflight[0] == r
}

// busySince returns since when the shell's present command runs; zero when
// idle.
func (s *shell) busySince() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.inflight) == 0 {
		return time.Time{}
	}
	return s.head
}

// actionEnds waits for the actions that are under way, at most d, and reports
// whether there are none.
func (s *shell) actionEnds(ctx context.Context, d time.Duration) bool {
	s.mu.Lock()
	if s.acting == 0 {
		s.mu.Unlock()
		return true
	}
	if s.quiet == nil {
		s.quiet = make(chan struct{})
	}
	quiet := s.quiet
	s.mu.Unlock()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-quiet:
		return true
	case <-s.gone:
	case <-t.C:
	case <-ctx.Done():
	}
	return false
}

func (s *shell) isBroken() bool {
	select {
	case <-s.gone:
		return true
	default:
		return false
	}
}

// write sends what is queued until nothing is. At most one runs at a time.
func (s *shell) write() {
	for {
		s.mu.Lock()
		if len(s.queue) == 0 || s.broken != nil {
			s.writing = false
			s.mu.Unlock()
			return
		}
		batch := s.queue
		s.queue = nil
		now := time.Now()
		var size int
		for _, r := range batch {
			size += len(r.text)
			if r.done == nil { // init
				continue
			}
			if len(s.inflight) == 0 {
				s.head = now
			}
			r.sent, r.from = true, now
			s.inflight = append(s.inflight, r)
		}
		if s.answered || len(s.inflight) == 0 {
			s.answered = false
			s.st.trips.Add(1)
		}
		s.mu.Unlock()

		buf := make([]byte, 0, size)
		for _, r := range batch {
			buf = append(buf, r.text...)
			r.text = ""
		}
		if _, err := s.p.ch.Write(buf); err != nil {
			s.fail(err)
			return
		}
		s.st.out.Add(int64(len(buf)))
	}
}

// read takes one stream apart. The buffer is small because every host has two of
// them, and waits most of the time.
func (s *shell) read(r io.Reader, size int, sp *splitter) {
	buf := make([]byte, size)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			s.st.in.Add(int64(n))
			if werr := sp.write(buf[:n]); werr != nil {
				s.fail(werr)
				_, _ = io.Copy(io.Discard, r)
				return
			}
		}
		if err != nil {
			s.fail(errShellEnded)
			return
		}
	}
}

var errShellEnded = errors.New("the shell on the host ended")

func (s *shell) onOut(n uint64, code int, out []byte, cut bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outSeen >= len(s.inflight) || s.inflight[s.outSeen].n != n {
		return errFrame
	}
	r := s.inflight[s.outSeen]
	r.res.Stdout, r.res.Code = out, code
	r.res.Truncated = r.res.Truncated || cut
	s.outSeen++
	s.finish()
	return nil
}

func (s *shell) onErr(n uint64, _ int, out []byte, cut bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.errSeen >= len(s.inflight) || s.inflight[s.errSeen].n != n {
		return errFrame
	}
	r := s.inflight[s.errSeen]
	r.res.Stderr = out
	r.res.Truncated = r.res.Truncated || cut
	s.errSeen++
	s.finish()
	return nil
}

// finish completes the requests both streams have answered.
func (s *shell) finish() {
	k := min(s.outSeen, s.errSeen)
	if k == 0 {
		return
	}
	now := time.Now()
	for _, r := range s.inflight[:k] {
		if s.head.After(r.from) {
			r.from = s.head
		}
		r.res.Duration = now.Sub(r.from)
		s.head = now
		if r.acts {
			s.acting--
		}
		close(r.done)
	}
	if s.acting == 0 && s.quiet != nil {
		close(s.quiet)
		s.quiet = nil
	}
	if s.inflight = s.inflight[k:]; len(s.inflight) == 0 {
		s.inflight = nil
	}
	s.outSeen -= k
	s.errSeen -= k
	s.answered = true
}

// fail ends the shell: whoever waits gets an error, by which request.sent tells
// whether the command may have run.
func (s *shell) fail(err error) {
	s.mu.Lock()
	if s.broken != nil {
		s.mu.Unlock()
		return
	}
	s.broken = err
	waiting := append(s.inflight, s.queue...)
	s.inflight, s.queue, s.outSeen, s.errSeen = nil, nil, 0, 0
	for _, r := range waiting {
		if r.done != nil {
			r.err = err
			close(r.done)
		}
	}
	close(s.gone)
	s.mu.Unlock()
	s.p.close()
}
