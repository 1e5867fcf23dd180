package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/run"
	"github.com/ferry-ops/ferry/inventory"
)

// HostResult is what one host answered to an ad-hoc question.
type HostResult struct {
	Host     string
	Result   host.Result
	Facts    host.Facts
	Err      error
	Duration time.Duration
}

// ErrNotRun is the error of a host whose turn never came.
var ErrNotRun = errors.New("interrupted before its turn")

// AtOnce is how many hosts Each may ask at the same time of those wanted, as far as
// the process may have connections open. If they are fewer, it says why.
func AtOnce(wanted int) (int, string) { return run.AtOnce(wanted, openFiles()) }

// Each connects to every host, at most parallel at once, and calls f. Results
// come in the order of hosts; done, if set, is called as each one is ready. Once
// stop is closed, no further host is asked; its result is ErrNotRun.
func Each(ctx context.Context, stop <-chan struct{}, d *Dialer, hosts []*inventory.Host, parallel int, become *bool, f func(context.Context, host.Host) HostResult, done func(HostResult)) []HostResult {
	out := make([]HostResult, len(hosts))
	slots := make(chan struct{}, max(parallel, 1))
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i, h := range hosts {
		slots <- struct{}{}
		select {
		case <-stop:
			<-slots
			mu.Lock()
			out[i] = HostResult{Host: h.Name, Err: ErrNotRun}
			if done != nil {
				done(out[i])
			}
			mu.Unlock()
			continue
		default:
		}
		wg.Go(func() {
			defer func() { <-slots }()
			start := time.Now()
			r := one(ctx, d, h, become, f)
			r.Host, r.Duration = h.Name, time.Since(start)
			mu.Lock()
			defer mu.Unlock()
			out[i] = r
			if done != nil {
				done(r)
			}
		})
	}
	wg.Wait()
	return out
}

func one(ctx context.Context, d *Dialer, h *inventory.Host, become *bool, f func(context.Context, host.Host) HostResult) HostResult {
	as := h.Connection.Become
	if become != nil {
		as = *become
	}
	t, err := d.Connect(ctx, h.Name, as, "")
	if err != nil {
		return HostResult{Err: err}
	}
	defer t.Close()
	return f(ctx, host.New(h.Name, t))
}
