package host

import (
	"context"
	"sync"
	"time"
)

// Round is who asks at the same time. A question that can be shared is sent when
// nobody of the round is on his way to ask another: each either waits for an
// answer or is gone. So it waits for nothing but computing, and which questions
// share a command does not hang on chance. The zero value is ready; its methods
// may be called concurrently.
//
// Nothing is kept: an answer is given to those who asked before its command was
// sent, and to nobody else.
type Round struct {
	mu      sync.Mutex
	running int // members that may be about to ask
	open    map[batchKey]*batch
	order   []*batch // those of open and those that are full, as they came
	timer   *time.Timer
}

// patience bounds how long a question waits for a member that computes, or waits
// for something that is no question.
const patience = 500 * time.Microsecond

// member is one of those who ask.
type member struct {
	r       *Round
	waiting int // its questions without an answer
	gone    bool
}

type memberKey struct{}

// memberOf returns the member that asks with ctx, or nil.
func memberOf(ctx context.Context) *member {
	m, _ := ctx.Value(memberKey{}).(*member)
	return m
}

// Join makes whoever asks with the context it returns a member of the round, until
// leave is called. All who are to share questions join before the first asks.
func (r *Round) Join(ctx context.Context) (_ context.Context, leave func()) {
	m := &member{r: r}
	r.mu.Lock()
	r.running++
	r.mu.Unlock()
	return context.WithValue(ctx, memberKey{}, m), func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if !m.gone && m.waiting == 0 {
			r.running--
		}
		m.gone = true
		r.settle()
	}
}

// pause says that m waits for an answer.
func (m *member) pause() {
	if m == nil {
		return
	}
	m.r.mu.Lock()
	defer m.r.mu.Unlock()
	m.waits()
	m.r.settle()
}

// resume says that it has got it.
func (m *member) resume() {
	if m == nil {
		return
	}
	m.r.mu.Lock()
	defer m.r.mu.Unlock()
	m.goesOn()
}

// waits and goesOn are pause and resume with the round's lock held.
func (m *member) waits() {
	if m.waiting++; m.waiting == 1 && !m.gone {
		m.r.running--
	}
}

func (m *member) goesOn() {
	if m.waiting--; m.waiting == 0 && !m.gone {
		m.r.running++
	}
}

// settle sends what was asked if nobody is about to ask more.
func (r *Round) settle() {
	switch {
	case len(r.order) == 0:
	case r.running == 0:
		r.send()
	case r.timer == nil:
		r.timer = time.AfterFunc(patience, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.send()
		})
	}
}

// send sends what was asked so far. Who asks later is asked for anew.
func (r *Round) send() {
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
	for _, b := range r.order {
		go b.run(b.take())
	}
	r.open, r.order = nil, nil
}
