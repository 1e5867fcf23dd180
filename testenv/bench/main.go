package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "floor" {
		exit(floorMain(os.Args[2:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:])
	stop()
	exit(err)
}

func exit(err error) {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "bench: interrupted; everything that was started has been stopped, nothing was written")
		os.Exit(130)
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

// options are the flags.
type options struct {
	hosts, repeat, slow int
	only, with, phases  []string
	rtts                []time.Duration
	quick, reuse, page  bool
	add                 bool
	fleet               []string
	out, lab            string
	budget, limit       time.Duration
}

func parse(args []string) (options, error) {
	var o options
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.IntVar(&o.hosts, "hosts", 20, "lab hosts; the bars are about 20")
	fs.IntVar(&o.repeat, "repeat", 5, "rounds")
	fs.IntVar(&o.slow, "slow", 3, "rounds that slow contenders take part in")
	only := fs.String("only", "a,b,c,d", "work: a no-op commands, b mixed tasks, c facts, d files")
	with := fs.String("with", "", "only these contenders, for example ferry,floor; empty: all")
	phases := fs.String("phase", "", "only these phases of work that has several: first, converged; empty: all")
	rtts := fs.String("rtt", "0,50ms,150ms", "round-trip times")
	fleet := fs.String("fleet", "1000,10000", "numbers of in-process hosts for testenv/bench/fleet; empty: none")
	fs.BoolVar(&o.quick, "quick", false, "a few minutes: 2 hosts, one round, one distance, slow contenders only near, 1000 in-process hosts; no bars; written to dist/benchmarks.md")
	fs.BoolVar(&o.reuse, "reuse", false, "use a lab of the name that is up, and leave it up")
	fs.BoolVar(&o.add, "add", false, "keep the results that are there, but for what is measured now")
	fs.BoolVar(&o.page, "page", false, "measure nothing: write the page again from the results that are there")
	fs.StringVar(&o.out, "out", "docs/benchmarks", "directory for results and plots; the page is beside it, with .md")
	fs.StringVar(&o.lab, "lab", "bench", "name of the lab")
	fs.DurationVar(&o.budget, "budget", 25*time.Minute, "no round beyond the third is begun after this time")
	fs.DurationVar(&o.limit, "limit", 15*time.Minute, "a single run that takes longer is ended and void")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	set := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { set[f.Name] = true })
	if o.quick {
		for name, value := range map[string]string{"hosts": "2", "repeat": "1", "slow": "1", "rtt": "0,50ms", "fleet": "1000", "out": "dist/benchmarks"} {
			if !set[name] {
				if err := fs.Set(name, value); err != nil {
					return o, err
				}
			}
		}
	}
	if fs.NArg() > 0 {
		return o, fmt.Errorf("only flags are taken, not %q", fs.Args())
	}
	if o.hosts < 1 || o.repeat < 1 || o.slow < 1 {
		return o, errors.New("--hosts, --repeat and --slow must be 1 or more")
	}
	o.only, o.with, o.fleet = list(*only), list(*with), list(*fleet)
	o.phases = list(*phases)
	for _, p := range o.phases {
		if p != "first" && p != "converged" {
			return o, fmt.Errorf("--phase %s: there are first and converged", p)
		}
	}
	for _, s := range list(*rtts) {
		d, err := time.ParseDuration(s)
		if err != nil || d < 0 {
			return o, fmt.Errorf("--rtt %s: write round-trip times like 0,50ms,150ms", s)
		}
		o.rtts = append(o.rtts, d)
	}
	for _, w := range o.only {
		if !strings.Contains("abcd", w) || len(w) != 1 {
			return o, fmt.Errorf("--only %s: there are a, b, c and d", w)
		}
	}
	return o, nil
}

func list(s string) (out []string) {
	for p := range strings.SplitSeq(s, ",") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}
