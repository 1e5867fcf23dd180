package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/ferry-ops/ferry/testenv/bench/meter"
	"github.com/ferry-ops/ferry/testenv/bench/report"
	"github.com/ferry-ops/ferry/testenv/lab"
)

// command measures and writes the page. Whatever it starts has ended when it returns.
func command(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	if o.page {
		r, err := report.Load(filepath.Join(o.out, "results.json"))
		if err != nil {
			return fmt.Errorf("there are no results to write a page from; measure first: %w", err)
		}
		return write(o, r)
	}
	b := &bencher{o: o, begun: time.Now()}
	if err := install(ctx, b.log); err != nil {
		return err
	}
	// On disk, where people keep their journals: in a memory file system writing safely costs nothing.
	if b.dir, err = os.MkdirTemp("/var/tmp", "fb"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := b.all(ctx); err != nil {
		return err
	}
	if o.add {
		old, err := report.Load(filepath.Join(o.out, "results.json"))
		if err != nil {
			return fmt.Errorf("there are no results to add to; leave out --add: %w", err)
		}
		b.results.Add(old)
	}
	return write(o, b.results)
}

// all builds, brings up the lab, measures everything and takes the lab down.
func (b *bencher) all(ctx context.Context) (err error) {
	ferryBin := filepath.Join(b.dir, "ferry")
	for out, pkg := range map[string]string{"ferry": "./cmd/ferry", "fleet": "./testenv/bench/fleet"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", filepath.Join(b.dir, out), pkg) //nolint:gosec // names above
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("cannot build %s; run this in the project's directory: %w: %s", pkg, err, text)
		}
	}
	b.results = &report.Results{SchemaVersion: 1, Taken: b.begun.UTC().Truncate(time.Second), Quick: b.o.quick, Command: "make bench", Machine: describe(), Versions: versions(ctx, ferryBin)}
	if len(os.Args) > 1 {
		b.results.Command = "go run ./testenv/bench " + strings.Join(os.Args[1:], " ")
	}
	l, err := b.lab(ctx)
	if err != nil {
		return err
	}
	defer func() {
		ctx := context.WithoutCancel(ctx)
		if !b.o.reuse {
			err = errors.Join(err, lab.Down(ctx, b.o.lab))
		}
		err = errors.Join(err, b.watched.Close())
		if b.group != nil {
			err = errors.Join(err, b.group.Remove())
		}
	}()
	b.count(l)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for i, it := range plan(b.o) {
		s, err := newSite(l, filepath.Join(b.dir, fmt.Sprintf("s%d", i)), ferryBin, self, it.hosts, it.rtt)
		if err == nil {
			err = b.measure(ctx, it, s)
			err = errors.Join(err, s.close())
		}
		if err != nil {
			return err
		}
	}
	if err := b.fleet(ctx, ferryBin); err != nil {
		return err
	}
	b.results.Duration = time.Since(b.begun).Round(time.Second)
	return nil
}

// lab brings up the hosts, or takes those that are up.
func (b *bencher) lab(ctx context.Context) (*lab.Lab, error) {
	if !b.o.reuse {
		return lab.Up(ctx, lab.Options{Name: b.o.lab, Hosts: b.o.hosts, NoWeb: true, Log: b.log})
	}
	l, err := lab.Open(b.o.lab)
	if err == nil && len(l.Hosts()) < b.o.hosts {
		err = fmt.Errorf("lab %s has %d hosts, fewer than %d", b.o.lab, len(l.Hosts()), b.o.hosts)
	}
	return l, err
}

// count sets up the counting of CPU and memory, as far as this machine can.
func (b *bencher) count(l *lab.Lab) {
	name := "ferry-bench-" + fmt.Sprint(os.Getpid())
	var paths []string
	for _, h := range l.Hosts() {
		paths = append(paths, filepath.Join("ferry-lab", l.Name(), h.Name))
	}
	var err1, err2 error
	b.group, err1 = meter.NewGroup(name)
	b.watched, err2 = meter.WatchHosts(paths, name+"-hosts")
	b.results.Machine.Counting = "control groups: CPU exactly, memory (without file cache, shared pages once) sampled every 20 ms"
	if err := errors.Join(err1, err2); err != nil {
		b.log("no control groups: %v", err)
		b.results.Machine.Counting = "rusage of the controller's process and the children it waited for; memory of the largest one; hosts not counted"
	}
}

// fleet measures thousands of hosts in processes. If it fails, the page says so.
func (b *bencher) fleet(ctx context.Context, ferryBin string) error {
	var all []string // round after round
	for range b.o.slow {
		all = append(all, b.o.fleet...)
	}
	for _, n := range all {
		b.log("fleet: %s in-process hosts", n)
		cmd := exec.Command(filepath.Join(b.dir, "fleet"), "run", "--hosts", n, "--ferry", ferryBin, "--json") //nolint:gosec // numbers
		cmd.Dir = b.dir
		_, out, err := meter.Run(ctx, cmd, nil, nil)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var f []report.Fleet
		if err == nil {
			err = json.Unmarshal([]byte(out), &f)
		}
		if err != nil {
			b.results.FleetError = fmt.Sprintf("%s hosts: %v: %s", n, err, tail(out, 400))
			b.log("fleet failed: %s", b.results.FleetError)
			return nil
		}
		for _, x := range f {
			b.log("fleet: %d hosts in %.1f s", x.Hosts, x.Wall.Seconds())
		}
		b.results.Fleet = append(b.results.Fleet, f...)
	}
	return nil
}

// write writes results, plots and the page.
func write(o options, r *report.Results) error {
	if err := os.MkdirAll(o.out, 0o755); err != nil { //nolint:gosec // documentation
		return err
	}
	r.Finish()
	if err := errors.Join(r.Save(filepath.Join(o.out, "results.json")), report.WritePage(r, o.out)); err != nil {
		return err
	}
	if !r.Quick {
		for _, b := range r.Bars {
			fmt.Printf("%-15s  %s: %s, wanted %s\n", b.Reached, b.What, cmp.Or(b.Got, "–"), b.Want)
		}
	}
	fmt.Printf("The page is %s.md, its plots and every single run are in %s.\n", filepath.Clean(o.out), o.out)
	return nil
}
