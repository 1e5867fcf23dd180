package run

import (
	"fmt"
	"sync"

	"github.com/ferry-ops/ferry/engine/playbook"
)

// dispatch hands hosts to at most parallel workers, in order. Once stop reports
// true, the hosts not started are given to skip instead. It returns when all
// workers are done. A dispatcher that hands hosts to other controllers would
// replace this function and nothing else.
func dispatch(hosts []*hostState, parallel int, stop func() bool, work, skip func(*hostState)) {
	slots := make(chan struct{}, parallel)
	var wg sync.WaitGroup
	for _, h := range hosts {
		slots <- struct{}{}
		if stop() {
			<-slots
			skip(h)
			continue
		}
		wg.Go(func() {
			defer func() { <-slots }()
			work(h)
		})
	}
	wg.Wait()
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
	return b.max >= 0 && b.failed > b.max
}

func (b *budget) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return fmt.Sprintf("%d of %d hosts failed, and max_failed allows %s", b.failed, b.total, b.text)
}
