package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/ferry-ops/ferry/testenv/distro"
	"github.com/ferry-ops/ferry/testenv/lab"
)

// command is one of the words after "lab".
type command struct {
	name string
	run  func(ctx context.Context, args []string) error
}

var commands = []command{
	{"up", up}, {"down", down}, {"status", status}, {"inventory", inventory}, {"ssh", ssh}, {"traps", traps}, {"build", build},
	{"reboot", onHost("rebooted", func(ctx context.Context, h *lab.Host) error { return h.Reboot(ctx) })},
	{"poweroff", onHost("off", func(ctx context.Context, h *lab.Host) error { return h.PowerOff(ctx) })},
	{"start", onHost("up", func(ctx context.Context, h *lab.Host) error {
		return errors.Join(h.Start(ctx), h.WaitReachable(ctx))
	})},
	{"pause", onHost("paused", func(_ context.Context, h *lab.Host) error { return h.Pause() })},
	{"resume", onHost("running again", func(_ context.Context, h *lab.Host) error { return h.Resume() })},
	{"cut", onHost("off the network", func(ctx context.Context, h *lab.Host) error { return h.CutNetwork(ctx) })},
	{"restore", onHost("on the network again", func(ctx context.Context, h *lab.Host) error { return h.RestoreNetwork(ctx) })},
	{"internal", internal},
}

// parse reads flags and returns the rest of the arguments and the lab's name.
func parse(flags *flag.FlagSet, args []string) (name string, rest []string, err error) {
	flags.SetOutput(io.Discard)
	flags.StringVar(&name, "name", lab.DefaultName, "name of the lab")
	if err := flags.Parse(args); err != nil {
		return "", nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	return name, flags.Args(), nil
}

// parseOnly is parse for commands that take flags only.
func parseOnly(flags *flag.FlagSet, args []string) (name string, err error) {
	name, rest, err := parse(flags, args)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%w: only flags are taken here (--name LAB), not %q", errUsage, rest)
	}
	return name, err
}

// parseHosts is parse for commands that take nothing but hosts: flags may also
// follow these, or "cut el-1 --name x" would cut a host of another lab.
func parseHosts(args []string) (name string, hosts []string, err error) {
	flags := newFlags()
	name, rest, err := parse(flags, args)
	for err == nil && len(rest) > 0 {
		hosts = append(hosts, rest[0])
		if err = flags.Parse(rest[1:]); err != nil {
			return "", nil, fmt.Errorf("%w: %w", errUsage, err)
		}
		rest = flags.Args()
		name = flags.Lookup("name").Value.String()
	}
	return name, hosts, err
}

func newFlags() *flag.FlagSet { return flag.NewFlagSet("lab", flag.ContinueOnError) }

// logger prints progress with the time since the start.
func logger() func(string, ...any) {
	started := time.Now()
	return func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "%6.1fs  %s\n", time.Since(started).Seconds(), fmt.Sprintf(format, args...))
	}
}

func up(ctx context.Context, args []string) error {
	flags := newFlags()
	hosts := flags.Int("hosts", 3, "number of hosts")
	list := flags.String("traps", "", "traps to lay")
	noWeb := flags.Bool("no-web", false, "no nginx on el-1")
	name, rest, err := parse(flags, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: up takes no arguments, only flags: %q", errUsage, rest)
	}
	chosen, err := lab.ParseTraps(*list)
	if err != nil {
		return err
	}
	if os.Getenv(lab.EnvHelper) == "" {
		// This program is its own helper.
		me, err := os.Executable()
		if err != nil {
			return err
		}
		if err := os.Setenv(lab.EnvHelper, me); err != nil {
			return err
		}
	}
	l, err := lab.Up(ctx, lab.Options{Name: name, Hosts: *hosts, Traps: chosen, NoWeb: *noWeb, Log: logger()})
	if err != nil {
		return err
	}
	fmt.Printf("lab %s is up: %d hosts\n  inventory     %s\n  ssh           ssh -F %s el-1\n  repositories  %s\n", name, len(l.Hosts()), l.Inventory(), l.SSHConfig(), l.Mirror())
	return nil
}

func down(ctx context.Context, args []string) error {
	flags := newFlags()
	all := flags.Bool("all", false, "all labs")
	name, err := parseOnly(flags, args)
	if err != nil {
		return err
	}
	names := []string{name}
	if *all {
		if names, err = lab.Names(); err != nil {
			return err
		}
	}
	var errs []error
	for _, n := range names {
		if err := lab.Down(ctx, n); err != nil {
			errs = append(errs, err)
			continue
		}
		fmt.Printf("lab %s is down\n", n)
	}
	return errors.Join(errs...)
}

func status(ctx context.Context, args []string) error {
	name, err := parseOnly(newFlags(), args)
	if err != nil {
		return err
	}
	l, err := lab.Open(name)
	if err != nil {
		return err
	}
	fmt.Printf("lab %s  repositories %s  inventory %s\n", name, l.Mirror(), l.Inventory())
	for _, h := range l.Hosts() {
		s := h.Status(ctx)
		fmt.Printf("  %-6s %-14s %-12s %-28s traps: %s\n", h.Name, h.Address, s.State, s.System, strings.Join(h.Traps, " "))
	}
	return nil
}

func inventory(_ context.Context, args []string) error {
	flags := newFlags()
	ansible := flags.Bool("ansible", false, "Ansible's format")
	name, err := parseOnly(flags, args)
	if err != nil {
		return err
	}
	l, err := lab.Open(name)
	if err != nil {
		return err
	}
	if *ansible {
		fmt.Println(l.AnsibleInventory())
		return nil
	}
	fmt.Println(l.Inventory())
	return nil
}

func ssh(ctx context.Context, args []string) error {
	name, rest, err := parse(newFlags(), args)
	if err != nil {
		return err
	}
	l, err := lab.Open(name)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return fmt.Errorf("%w: ssh needs a host", errUsage)
	}
	if _, err := l.Host(rest[0]); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "ssh", append([]string{"-F", l.SSHConfig()}, rest...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exitError(exit.ExitCode())
	}
	return err
}

func onHost(done string, do func(context.Context, *lab.Host) error) func(context.Context, []string) error {
	return func(ctx context.Context, args []string) error {
		name, rest, err := parseHosts(args)
		if err != nil {
			return err
		}
		if len(rest) == 0 {
			return fmt.Errorf("%w: name the host", errUsage)
		}
		l, err := lab.Open(name)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
		defer cancel()
		for _, n := range rest {
			h, err := l.Host(n)
			if err != nil {
				return err
			}
			if err := do(ctx, h); err != nil {
				return err
			}
			fmt.Printf("host %s is %s\n", n, done)
		}
		return nil
	}
}

func traps(context.Context, []string) error {
	for _, t := range lab.Traps {
		fmt.Printf("  %-17s %s\n", t.Name, t.About)
	}
	return nil
}

func build(ctx context.Context, _ []string) error {
	cache, err := distro.CacheDir()
	if err != nil {
		return err
	}
	b, err := distro.Build(ctx, cache, distro.DefaultRecipe(), logger())
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d source packages, %d target packages\nwithout a counterpart in the target: %s\n",
		b.Dir, len(b.Source.Packages), len(b.Target.Packages), strings.Join(b.LeftOver, " "))
	return nil
}

// internal is how the lab starts the processes that outlive "up".
func internal(_ context.Context, args []string) error {
	switch {
	case len(args) == 2 && args[0] == "serve":
		return lab.Serve(args[1])
	case len(args) == 3 && args[0] == "supervise":
		return lab.Supervise(args[1], args[2])
	default:
		return fmt.Errorf("%w: internal commands are for the lab itself", errUsage)
	}
}
