package host_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/ferry-ops/ferry/engine/host"
)

// distant is a host one second away that says of each word when it was asked: the
// number of commands it had been sent.
type distant struct {
	host.Transport
	mu    sync.Mutex
	sent  []string
	err   func(argv []string) error
	ended int // commands whose context ended before the answer came
}

func (d *distant) Run(ctx context.Context, c host.Command) (host.Result, error) {
	d.mu.Lock()
	d.sent = append(d.sent, strings.Join(c.Argv, " "))
	n := len(d.sent)
	d.mu.Unlock()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		d.mu.Lock()
		d.ended++
		d.mu.Unlock()
		return host.Result{}, ctx.Err()
	}
	if d.err != nil {
		if err := d.err(c.Argv); err != nil {
			return host.Result{}, err
		}
	}
	var out strings.Builder
	for _, w := range c.Argv[1:] {
		fmt.Fprintf(&out, "%s %d\n", w, n)
	}
	return host.Result{Stdout: []byte(out.String())}, nil
}

// about asks for a word.
func about(word string) host.Question {
	return host.Question{Kind: "about", Item: word, Command: func(items []string) host.Command {
		return host.Command{Argv: append([]string{"about"}, items...)}
	}, Split: func(items []string, r host.Result) (out []*host.Result) {
		for _, line := range strings.SplitAfter(strings.TrimSuffix(string(r.Stdout), "\n"), "\n") {
			out = append(out, &host.Result{Stdout: []byte(strings.TrimSuffix(line, "\n") + "\n")})
		}
		return out
	}}
}

// bubble runs askers on a distant host, and checks how long it took.
func bubble(t *testing.T, d *distant, took time.Duration, ask ...func(ctx context.Context, h host.Host)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := host.New("h", d)
		var fs []func(context.Context)
		for _, f := range ask {
			fs = append(fs, func(ctx context.Context) { f(ctx, h) })
		}
		start := time.Now()
		together(t.Context(), fs...)
		if n := time.Since(start); n != took {
			t.Errorf("it took %s, not %s", n, took)
		}
		time.Sleep(time.Hour) // nothing is left behind
	})
}

// asks asks for words one after the other.
func asks(t *testing.T, words ...string) func(context.Context, host.Host) {
	return func(ctx context.Context, h host.Host) {
		for _, w := range words {
			r, err := h.AskShared(ctx, about(w))
			if err != nil || !strings.HasPrefix(string(r.Stdout), w+" ") {
				t.Errorf("%s: %q, %v", w, r.Stdout, err)
			}
		}
	}
}

func sentBy(d *distant) []string {
	var out []string
	for _, s := range d.sent {
		f := strings.Fields(s)
		slices.Sort(f[1:])
		out = append(out, strings.Join(f, " "))
	}
	slices.Sort(out)
	return out
}

func wants(t *testing.T, d *distant, want ...string) {
	t.Helper()
	if got := sentBy(d); !slices.Equal(got, want) {
		t.Errorf("sent\n    %s\nwant\n    %s", strings.Join(got, "\n    "), strings.Join(want, "\n    "))
	}
}

// What is asked at the same moment is one command, and nobody waits for it.
func TestQuestionsShareCommands(t *testing.T) {
	d := &distant{}
	bubble(t, d, 2*time.Second, asks(t, "a", "d"), asks(t, "b", "e"), asks(t, "c"), asks(t, "a", "d"), asks(t))
	wants(t, d, "about a b c", "about d e")

	d = &distant{} // one who asks something else is not waited for, nor waits
	other := func(ctx context.Context, h host.Host) {
		_, _ = h.Query(ctx, "other", "x")
		asks(t, "c")(ctx, h)
	}
	bubble(t, d, 2*time.Second, asks(t, "a"), other, asks(t, "b"))
	wants(t, d, "about a b", "about c", "other x")

	d = &distant{} // one who does something that is no question is waited for shortly
	busy := func(ctx context.Context, h host.Host) {
		time.Sleep(time.Minute)
		asks(t, "c")(ctx, h)
	}
	bubble(t, d, time.Minute+time.Second, asks(t, "a"), busy, asks(t, "b"))
	wants(t, d, "about a b", "about c")

	d = &distant{} // a command does not ask for any number of things
	var many []func(context.Context, host.Host)
	for i := range 130 {
		many = append(many, asks(t, fmt.Sprintf("w%03d", i)))
	}
	bubble(t, d, time.Second, many...)
	if len(d.sent) != 3 {
		t.Errorf("%d commands for 130 questions", len(d.sent))
	}

	d = &distant{} // outside a round everyone asks for himself
	synctest.Test(t, func(t *testing.T) {
		h := host.New("h", d)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { asks(t, "a")(t.Context(), h) })
		}
		wg.Wait()
	})
	wants(t, d, "about a", "about a", "about a")
}

// A lost connection is everyone's; what may be said of one only is not.
func TestSharedQuestionsFail(t *testing.T) {
	lost := func([]string) error { return fmt.Errorf("h: %w", host.ErrUnknown) }
	d := &distant{err: lost}
	fails := func(want error) func(context.Context, host.Host) {
		return func(ctx context.Context, h host.Host) {
			if _, err := h.AskShared(ctx, about("a")); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		}
	}
	fails2 := func(ctx context.Context, h host.Host) {
		if _, err := h.AskShared(ctx, about("b")); !errors.Is(err, host.ErrUnknown) {
			t.Error(err)
		}
	}
	bubble(t, d, time.Second, fails(host.ErrUnknown), fails2, fails2)
	wants(t, d, "about a b")

	errA := errors.New("a cannot be asked for")
	d = &distant{err: func(argv []string) error {
		if slices.Contains(argv, "a") {
			return errA
		}
		return nil
	}}
	bubble(t, d, 2*time.Second, fails(errA), asks(t, "b"), asks(t, "c"))
	wants(t, d, "about a", "about a b c", "about b", "about c")

	for name, split := range map[string]func([]string, host.Result) []*host.Result{
		"no":      func([]string, host.Result) []*host.Result { return nil },
		"too few": func([]string, host.Result) []*host.Result { return []*host.Result{{}} },
		"panics":  func([]string, host.Result) []*host.Result { panic("a bug") },
	} {
		d = &distant{}
		alone := func(w string) func(context.Context, host.Host) {
			return func(ctx context.Context, h host.Host) {
				q := about(w)
				q.Split = split
				if r, err := h.AskShared(ctx, q); err != nil || !strings.HasPrefix(string(r.Stdout), w+" ") {
					t.Errorf("%s: %q, %v", name, r.Stdout, err)
				}
			}
		}
		bubble(t, d, 2*time.Second, alone("a"), alone("b"))
		wants(t, d, "about a", "about a b", "about b")
	}
}

// Who gives up is told at once, and nobody else notices; a command that all have
// given up ends.
func TestSharedQuestionsAreInterrupted(t *testing.T) {
	gives := func(after time.Duration, word string) func(context.Context, host.Host) {
		return func(ctx context.Context, h host.Host) {
			ctx, cancel := context.WithTimeout(ctx, after)
			defer cancel()
			start := time.Now()
			_, err := h.AskShared(ctx, about(word))
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "about "+word+" was interrupted") || time.Since(start) != after {
				t.Errorf("%v after %s", err, time.Since(start))
			}
		}
	}
	d := &distant{}
	bubble(t, d, time.Second, gives(time.Millisecond, "a"), asks(t, "b"), asks(t, "c"))
	wants(t, d, "about a b c")

	d = &distant{}
	bubble(t, d, time.Millisecond, gives(time.Millisecond, "a"), gives(time.Millisecond, "b"))
	if wants(t, d, "about a b"); d.ended != 1 {
		t.Errorf("%d commands were ended", d.ended)
	}

	// Who gives way takes with him what keeps the answer.
	way := func(ctx context.Context, h host.Host) {
		ctx, cancel := context.WithCancelCause(ctx)
		time.AfterFunc(time.Millisecond, func() { cancel(host.ErrGivesWay) })
		if _, err := h.AskShared(ctx, about("a")); err == nil {
			t.Error("an answer before the host gave one")
		}
	}
	d = &distant{}
	bubble(t, d, time.Second+time.Millisecond, way, asks(t, "b"))
	wants(t, d, "about a b", "about b")

	d = &distant{} // before it was sent
	slow := func(context.Context, host.Host) { time.Sleep(time.Minute) }
	bubble(t, d, time.Minute, gives(time.Microsecond, "a"), slow, asks(t, "b"))
	wants(t, d, "about b")
}

// Whoever asks, and whenever: the answer is of the word asked for and of a command
// that was sent after that.
func TestSharedAnswersAreFresh(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		plans := rapid.SliceOfN(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "query", "pause", "give up"}), 0, 5), 1, 8).Draw(rt, "askers")
		d := &distant{}
		synctest.Test(t, func(*testing.T) {
			h := host.New("h", d)
			var fs []func(context.Context)
			for _, plan := range plans {
				fs = append(fs, func(ctx context.Context) {
					for i, w := range plan {
						switch w {
						case "query":
							_, _ = h.Query(ctx, "other")
						case "pause":
							time.Sleep(time.Duration(1+i) * 300 * time.Millisecond)
						case "give up":
							some, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
							if _, err := h.AskShared(some, about("a")); err == nil {
								t.Error("an answer before the host gave one")
							}
							cancel()
						default:
							d.mu.Lock()
							before := len(d.sent)
							d.mu.Unlock()
							var n int
							r, err := h.AskShared(ctx, about(w))
							if _, serr := fmt.Sscanf(string(r.Stdout), w+" %d\n", &n); err != nil || serr != nil || n <= before {
								t.Errorf("%s: %q after %d commands, %v", w, r.Stdout, before, err)
							}
						}
					}
				})
			}
			together(context.Background(), fs...)
		})
	})
}
