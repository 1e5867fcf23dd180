package run

import (
	"context"
	"sync"

	"github.com/ferry-ops/ferry/engine/host"
)

// locks are the hosts this run has locked. One connection holds a host's lock
// for all: a second would find the host locked by this very run.
type locks struct {
	mu   sync.Mutex
	held map[string]bool
	busy map[string]chan struct{} // closed when the attempt under way has ended
}

// drop forgets the lock of a host whose connection is closed.
func (l *locks) drop(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.held, name)
}

func (l *locks) take(ctx context.Context, name string, t host.Transport, o Options) error {
	for {
		l.mu.Lock()
		wait := l.busy[name]
		if l.held[name] {
			l.mu.Unlock()
			return nil
		}
		if wait == nil {
			break
		}
		l.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if l.busy == nil {
		l.busy = map[string]chan struct{}{}
	}
	mine := make(chan struct{})
	l.busy[name] = mine
	l.mu.Unlock()
	err := t.Lock(ctx, o.Epoch, o.Owner)
	l.mu.Lock()
	l.held[name] = err == nil
	delete(l.busy, name)
	close(mine)
	l.mu.Unlock()
	return err
}
