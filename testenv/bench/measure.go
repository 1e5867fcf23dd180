package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ferry-ops/ferry/testenv/bench/meter"
	"github.com/ferry-ops/ferry/testenv/bench/report"
)

// enough is the number of rounds that are taken whatever the budget says.
const enough = 3

// bencher measures.
type bencher struct {
	o       options
	dir     string // work directory
	begun   time.Time
	group   *meter.Group
	watched *meter.Hosts
	results *report.Results
}

func (b *bencher) log(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%7.1fs  %s\n", time.Since(b.begun).Seconds(), fmt.Sprintf(format, args...))
}

// measure takes all rounds of an item. What goes wrong in a contender makes its
// figure void and is no error; an error ends the benchmark.
func (b *bencher) measure(ctx context.Context, it item, s *site) error {
	files := filepath.Join(b.dir, "files", it.work.id)
	if _, err := os.Stat(files); err != nil {
		if err := it.work.prepare(files); err != nil {
			return err
		}
	}
	if err := b.give(ctx, it, s, files); err != nil {
		return err
	}
	void := map[string]string{}
	series := map[string]*report.Series{}
	defer func() {
		for _, phase := range it.work.phases {
			for _, e := range it.rounds {
				if s := series[e.contender+" "+phase]; s != nil {
					s.Void = void[e.contender]
					b.results.Series = append(b.results.Series, *s)
				}
			}
		}
	}()
	for round := range it.most() {
		if round >= enough && time.Since(b.begun) > b.o.budget {
			b.log("the budget of %v is used up: no further rounds of %s", b.o.budget, it.work.id)
			break
		}
		for _, c := range it.order(round) {
			if void[c] != "" {
				continue
			}
			if len(it.work.given) == 0 {
				if err := undo(ctx, it, s); err != nil {
					return err
				}
			}
			for _, phase := range it.work.phases {
				cost, err := b.once(ctx, run{work: it.work, phase: phase, contender: c, site: s, files: files})
				if ctx.Err() != nil {
					return ctx.Err()
				}
				key := c + " " + phase
				if series[key] == nil {
					series[key] = &report.Series{Work: it.work.id, Phase: phase, RTT: it.rtt, Hosts: len(s.nodes), Contender: c}
				}
				if err != nil {
					void[c] = strings.TrimSpace(phase + " round " + fmt.Sprint(round+1) + ": " + err.Error())
					b.log("VOID %s %s: %v", it.work.id, c, err)
					break
				}
				series[key].Rounds = append(series[key].Rounds, report.Round{Round: round + 1, Cost: cost})
				b.log("%-5s %-9s %6v %2d hosts  round %d  %-17s %8.2f s", it.work.id, phase, it.rtt, len(s.nodes), round+1, c, cost.Wall.Seconds())
			}
		}
	}
	return nil
}

// give brings the hosts to where the measured phases begin, if that is not
// where undoing the work leaves them. What is measured then changes nothing,
// so once is enough.
func (b *bencher) give(ctx context.Context, it item, s *site, files string) error {
	if len(it.work.given) == 0 {
		return nil
	}
	if err := undo(ctx, it, s); err != nil {
		return err
	}
	for _, phase := range it.work.given {
		if _, err := b.once(ctx, run{work: it.work, phase: phase, contender: ferry, site: s, files: files}); err != nil {
			return fmt.Errorf("cannot do the %s run that others build on: %w", phase, err)
		}
	}
	return nil
}

func undo(ctx context.Context, it item, s *site) error {
	if err := onHosts(ctx, s.hosts, it.work.reset); err != nil {
		return fmt.Errorf("cannot undo %q on the hosts: %w", it.work.id, err)
	}
	return nil
}

// once makes one run and sees for itself that the work was done.
func (b *bencher) once(ctx context.Context, r run) (meter.Cost, error) {
	scratch, err := os.MkdirTemp(b.dir, "r")
	if err != nil {
		return meter.Cost{}, err
	}
	defer os.RemoveAll(scratch)
	r.scratch = scratch
	limited, cancel := context.WithTimeout(ctx, b.o.limit)
	defer cancel()
	cmd := r.work.command(r)
	if cmd == nil {
		return meter.Cost{}, errors.New("takes no part in this work")
	}
	cost, out, err := meter.Run(limited, cmd, b.group, b.watched)
	switch {
	case ctx.Err() != nil:
		return cost, ctx.Err()
	case limited.Err() != nil:
		return cost, fmt.Errorf("ended after %v", b.o.limit)
	case err == nil:
		err = r.work.check(r, out)
	}
	if err != nil {
		return cost, fmt.Errorf("%w; the end of its output: %s", err, tail(out, 600))
	}
	if err := onHosts(ctx, r.site.hosts, r.work.verify); err != nil {
		return cost, fmt.Errorf("the work is not done: %w", err)
	}
	return cost, nil
}

func tail(s string, n int) string {
	s = strings.TrimSpace(s)
	return s[max(0, len(s)-n):]
}
