package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// batch is a command that is about to be sent for several askers. The lock of its
// round guards it.
type batch struct {
	b      *base
	q      Question // of the first asker
	items  []string // in the order they were asked for
	bytes  int
	askers map[string][]*asker
	left   int  // askers that still wait
	joint  bool // a command was sent that asks about several items
	ctx    context.Context
	cancel context.CancelFunc
}

type batchKey struct {
	b    *base
	kind any
}

// asker is one who waits for one item of a batch.
type asker struct {
	m     *member
	batch *batch
	done  chan struct{} // closed when what follows is valid
	over  bool          // it does not wait any more
	res   Result
	err   error
	alone bool // it has to ask for itself
}

// AskShared implements Reader.
func (b *base) AskShared(ctx context.Context, q Question) (Result, error) {
	m := memberOf(ctx)
	if m == nil || ctx.Err() != nil {
		return b.Ask(ctx, q.alone())
	}
	a := m.ask(ctx, b, q)
	select {
	case <-a.done:
	case <-ctx.Done():
		if a.withdraw(errors.Is(context.Cause(ctx), ErrGivesWay)) {
			return Result{}, fmt.Errorf("%s: %s was interrupted: %w", b.name, Shorten(QuoteArgv(q.alone().Program().Argv), 120), ctx.Err())
		}
	}
	if a.alone {
		return b.Ask(ctx, q.alone())
	}
	return a.res, a.err
}

// ask adds a question to those that are not sent yet.
func (m *member) ask(ctx context.Context, b *base, q Question) *asker {
	r := m.r
	r.mu.Lock()
	defer r.mu.Unlock()
	key := batchKey{b, q.Kind}
	ba := r.open[key]
	if ba == nil || ba.askers[q.Item] == nil && !q.fits(ba.items, ba.bytes) {
		ba = &batch{b: b, q: q, askers: map[string][]*asker{}}
		// It outlives each single asker, but not the last of them.
		ba.ctx, ba.cancel = context.WithCancel(context.WithoutCancel(ctx))
		if r.open == nil {
			r.open = map[batchKey]*batch{}
		}
		r.open[key] = ba
		r.order = append(r.order, ba)
	}
	if ba.askers[q.Item] == nil {
		ba.items = append(ba.items, q.Item)
		ba.bytes += len(q.Item)
	}
	a := &asker{m: m, batch: ba, done: make(chan struct{})}
	ba.askers[q.Item] = append(ba.askers[q.Item], a)
	ba.left++
	m.waits()
	r.settle()
	return a
}

// ErrGivesWay is the cause of a context whose questions give way to others: those who
// asked together with them ask again without them, since what keeps the answer may be
// what is not asked any more.
var ErrGivesWay = errors.New("it gives way")

// withdraw takes the question back. It reports false if the answer is there.
func (a *asker) withdraw(givesWay bool) bool {
	r := a.m.r
	r.mu.Lock()
	defer r.mu.Unlock()
	if a.over {
		return false
	}
	a.ends()
	if givesWay && a.batch.joint {
		a.batch.cancel()
	}
	return true
}

// ends says that the asker waits no more, and ends a command that nobody waits
// for. The round's lock is held.
func (a *asker) ends() {
	a.over = true
	a.m.goesOn()
	if a.batch.left--; a.batch.left == 0 {
		a.batch.cancel()
	}
}

// take lists the items that somebody still asks about. The round's lock is held.
func (b *batch) take() []string {
	var out []string
	for _, it := range b.items {
		for _, a := range b.askers[it] {
			if !a.over {
				out = append(out, it)
				break
			}
		}
	}
	b.joint = len(out) > 1
	return out
}

// run sends the command and gives everyone his answer.
func (b *batch) run(items []string) {
	if len(items) == 0 {
		return
	}
	all, one, err := b.answers(items)
	r := b.askers[items[0]][0].m.r
	r.mu.Lock()
	defer r.mu.Unlock()
	// All go on before the first is told: what they ask next they ask together.
	var told []*asker
	for i, it := range items {
		for n, a := range b.askers[it] {
			switch {
			case a.over:
				continue
			case err != nil:
				a.err = err
			case one != nil:
				a.res = one.copy(n)
			case all != nil && all[i] != nil:
				a.res = all[i].copy(n)
			default:
				a.alone = true
			}
			told = append(told, a)
		}
	}
	for _, a := range told {
		a.ends()
	}
	for _, a := range told {
		close(a.done)
	}
}

// answers asks for items: the result of the one there is, or of all where the
// joint one can be taken apart. An error is everyone's.
func (b *batch) answers(items []string) (all []*Result, one *Result, err error) {
	defer func() {
		if recover() != nil { // whoever asks alone meets it where it is told
			all, one, err = nil, nil, nil
		}
	}()
	c := b.q.Command(items)
	c.ReadOnly = true
	res, err := b.b.run(b.ctx, c)
	var late *LimitError // asked alone, each would wait as long again
	switch {
	case err != nil && len(items) > 1 && !errors.Is(err, ErrUnreachable) && !errors.Is(err, ErrUnknown) && !errors.As(err, &late):
		return nil, nil, nil // it may be said of one of them only
	case err != nil:
		return nil, nil, err
	case len(items) == 1:
		return nil, &res, nil
	}
	return b.q.split(items, res), nil, nil
}

// copy is r for the n-th of those who get it: none sees what another does with it.
func (r Result) copy(n int) Result {
	if n > 0 {
		r.Stdout, r.Stderr = bytes.Clone(r.Stdout), bytes.Clone(r.Stderr)
	}
	return r
}
