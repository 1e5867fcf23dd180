package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// interrupts counts how often the user asked to stop, with a signal or a key of
// the live view.
type interrupts struct {
	// stop is closed at the first interrupt: tasks in progress finish, no others
	// start. The second interrupt cancels the context.
	stop   chan struct{}
	cancel context.CancelFunc

	mu     *sync.Mutex
	count  *int
	notice *func(text string)
}

func newInterrupts(cancel context.CancelFunc, w io.Writer) interrupts {
	show := func(text string) { fmt.Fprintln(w, "\n"+text) }
	return interrupts{stop: make(chan struct{}), cancel: cancel, mu: &sync.Mutex{}, count: new(int), notice: &show}
}

// interrupt takes one wish to stop.
func (i interrupts) interrupt() {
	i.mu.Lock()
	*i.count++
	n, notice := *i.count, *i.notice
	i.mu.Unlock()
	switch n {
	case 1:
		notice("Interrupted: tasks in progress finish, no others start. Interrupt again to stop at once.")
		close(i.stop)
	case 2:
		notice("Interrupted again: stopping at once.")
		i.cancel()
	}
}

// tell changes how the user is told that ferry stops.
func (i interrupts) tell(notice func(text string)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	*i.notice = notice
}

// signals takes the signals that ask a program to stop, until done is called.
func (i interrupts) signals() (done func()) {
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	go func() {
		for range ch {
			i.interrupt()
		}
	}()
	return func() { signal.Stop(ch); close(ch) }
}
