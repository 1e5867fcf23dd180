package run

import (
	"fmt"
	"sync"

	"github.com/ferry-ops/ferry/engine/playbook"
)

// dispatcher hands hosts to workers. One that hands hosts to other controllers
// would replace this type and nothing else.
type dispatcher struct {
	parallel int
	spread   *spread
	// stop reports that no further host may start.
	stop func() bool
	// start lets a host begin, unless stop has come to be true in between.
	start func(*hostState) bool
	// begun is called once, when the last host has begun; nil calls nobody.
	begun func()
	// open reports whether a host may start now.
	open func() bool
	// wait blocks until open may give true and says why it never will, or "".
	wait func() string
}

// run hands out the hosts in order, except that a host whose turn would break
// the spread lets later ones pass. It returns when all workers are done; skip is
// told why a host was never started, "" if stop was the reason.
func (d dispatcher) run(hosts []*hostState, work func(*hostState), skip func(st *hostState, why string)) {
	done := make(chan *hostState)
	busy := 0
	waiting := append([]*hostState(nil), hosts...)
	for len(waiting) > 0 || busy > 0 {
		next := -1
		switch {
		case len(waiting) == 0:
		case d.stop():
			for _, st := range waiting {
				skip(st, "")
			}
			waiting = nil
			continue
		case busy >= d.parallel:
		case !d.open():
			if busy > 0 {
				break // what is under way is waited for first
			}
			if why := d.wait(); why != "" {
				for _, st := range waiting {
					skip(st, why)
				}
				waiting = nil
			}
			continue
		default:
			next = d.spread.first(waiting)
			if next < 0 && busy == 0 { // those who hold the places are lost, and keep them
				for _, st := range waiting {
					skip(st, d.spread.why(st))
				}
				waiting = nil
				continue
			}
		}
		if next < 0 {
			st := <-done
			busy--
			d.spread.leave(st)
			continue
		}
		st := waiting[next]
		if !d.start(st) {
			continue
		}
		if next == 0 {
			waiting = waiting[1:]
		} else {
			waiting = append(waiting[:next], waiting[next+1:]...)
		}
		d.spread.enter(st)
		busy++
		go func() {
			work(st)
			done <- st
		}()
		if len(waiting) == 0 && d.begun != nil {
			d.begun()
			d.begun = nil
		}
	}
}

// budget counts the failed hosts of a play against max_failed.
type budget struct {
	mu     sync.Mutex
	max    int // -1: no limit
	failed int
	total  int
	text   string
}

func newBudget(max *playbook.Size, total int) *budget {
	b := &budget{max: -1, total: total}
	if max != nil {
		b.max, b.text = max.Of(total), max.String()
	}
	return b
}

func (b *budget) fail() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed++
}

func (b *budget) spent() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.over()
}

func (b *budget) over() bool { return b.max >= 0 && b.failed > b.max }

// begin calls f unless the budget is spent; no host can fail in between.
func (b *budget) begin(f func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over() {
		return false
	}
	f()
	return true
}

func (b *budget) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return fmt.Sprintf("%d of %d hosts failed, and max_failed allows %s", b.failed, b.total, b.text)
}
