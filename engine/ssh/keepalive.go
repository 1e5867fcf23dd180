package ssh

import (
	"sync"
	"time"
)

// pulse asks all connections of a Dialer whether the other side is still there
// although TCP has not noticed otherwise. One goroutine does it for all of them,
// and ends when there are none.
type pulse struct {
	mu      sync.Mutex
	links   map[*link]*beat
	running bool
}

// beat is what is known of one connection's answers.
type beat struct {
	next    time.Time
	pending chan struct{} // closed when the last question is answered
	misses  int
}

// pulseStep is how often the connections are gone through.
const pulseStep = 500 * time.Millisecond

// watch begins to ask; it ends with the link.
func (p *pulse) watch(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.links == nil {
		p.links = map[*link]*beat{}
	}
	p.links[l] = &beat{next: time.Now().Add(l.t.KeepAlive)}
	if !p.running {
		p.running = true
		go p.run()
	}
}

func (p *pulse) run() {
	tick := time.NewTicker(pulseStep)
	defer tick.Stop()
	for now := range tick.C {
		p.mu.Lock()
		for l, b := range p.links {
			if l.isDead() {
				delete(p.links, l)
			} else if !now.Before(b.next) {
				b.next = now.Add(l.t.KeepAlive)
				p.ask(l, b)
			}
		}
		if len(p.links) == 0 {
			p.running = false
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
	}
}

// ask counts whether the last question was answered and asks the next one. A
// connection that missed too many is closed.
func (p *pulse) ask(l *link, b *beat) {
	if b.pending != nil {
		select {
		case <-b.pending:
			b.misses = 0
		default:
			if b.misses++; b.misses >= l.t.KeepAliveMisses {
				l.opt.Logger.Warn("connection is dead", "host", l.t.Name, "missed_keepalives", b.misses)
				go func() { _ = l.client.Close() }()
				delete(p.links, l)
			}
			return
		}
	}
	answered := make(chan struct{})
	b.pending = answered
	go func() {
		if _, _, err := l.client.SendRequest("keepalive@openssh.com", true, nil); err == nil {
			close(answered)
		}
	}()
}
