package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ferry-ops/ferry/testenv/distro"
)

// Lab is a set of hosts with their network and repository server.
type Lab struct{ state state }

// Options say what Up is to make.
type Options struct {
	Name  string              // "" is DefaultName
	Hosts int                 // el-1 … el-N; 0 is 3
	Traps map[string][]string // host, or "*" for all, to names of traps; see Traps
	NoWeb bool                // el-1 does not run nginx
	// Log is told what Up is doing; nil is silence.
	Log func(format string, args ...any)
}

// Name is the lab's name.
func (l *Lab) Name() string { return l.state.Name }

// Dir is where the lab keeps its state, keys and inventories.
func (l *Lab) Dir() string { return l.path() }

// Hosts are the lab's hosts, in order.
func (l *Lab) Hosts() []*Host { return l.state.Hosts }

// Host returns the host of that name.
func (l *Lab) Host(name string) (*Host, error) {
	var names []string
	for _, h := range l.state.Hosts {
		if h.Name == name {
			return h, nil
		}
		names = append(names, h.Name)
	}
	return nil, fmt.Errorf("lab %q has no host %q; it has %v", l.state.Name, name, names)
}

// Up makes a lab and waits until every host can be reached. A lab of the name
// that already exists is an error, so nobody gets hosts in a state left by
// someone else. If Up fails, it takes away what it made.
func Up(ctx context.Context, o Options) (*Lab, error) {
	if o.Name == "" {
		o.Name = DefaultName
	}
	if o.Hosts == 0 {
		o.Hosts = 3
	}
	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}
	if err := checkName(o.Name); err != nil {
		return nil, err
	}
	if o.Hosts < 1 || o.Hosts > 200 {
		return nil, fmt.Errorf("a lab has 1 to 200 hosts, not %d", o.Hosts)
	}
	if err := checkTraps(o.Traps, o.Hosts); err != nil {
		return nil, err
	}
	cache, err := distro.CacheDir()
	if err != nil {
		return nil, err
	}
	built, err := distro.Build(ctx, cache, distro.DefaultRecipe(), o.Log)
	if err != nil {
		return nil, err
	}
	if err := raiseLimits(); err != nil {
		return nil, err
	}
	l, err := create(o, built)
	if err != nil {
		return nil, err
	}
	if err := l.bringUp(ctx, o.Log); err != nil {
		// The caller's context may be what ended; taking away must still happen.
		return nil, errors.Join(err, Down(context.WithoutCancel(ctx), o.Name))
	}
	return l, nil
}

// create claims the name and writes down everything that will be made.
func create(o Options, built *distro.Built) (*Lab, error) {
	unlock, err := lockAll()
	if err != nil {
		return nil, err
	}
	defer unlock()
	l := &Lab{state: state{
		Name: o.Name, Bridge: "flb-" + o.Name, Arch: built.Arch,
		Root: built.SourceRoot(), WWW: built.Repositories(), Acme: built.AcmePackage(),
	}}
	if _, err := os.Stat(l.path()); err == nil {
		return nil, fmt.Errorf("lab %q is already up, or was not taken down in order; run: lab down --name %s", o.Name, o.Name)
	}
	if l.state.Subnet, err = freeSubnet(o.Name); err != nil {
		return nil, err
	}
	for i := 1; i <= o.Hosts; i++ {
		name := fmt.Sprintf("el-%d", i)
		l.state.Hosts = append(l.state.Hosts, &Host{
			Name: name, Address: fmt.Sprintf("%s.%d", l.state.Subnet, 10+i), Web: i == 1 && !o.NoWeb,
			Netns: "ferry-" + o.Name + "-" + name, Veth: fmt.Sprintf("fl%d-%s", i, o.Name),
			Traps: trapsOf(o.Traps, name), lab: l,
		})
	}
	if err := os.MkdirAll(l.path("hosts"), 0o755); err != nil {
		return nil, err
	}
	return l, l.save()
}

func (l *Lab) bringUp(ctx context.Context, log func(string, ...any)) error {
	started := time.Now()
	if err := l.makeKeys(ctx); err != nil {
		return err
	}
	if err := l.installHelper(ctx); err != nil {
		return err
	}
	if err := l.makeBridge(ctx); err != nil {
		return err
	}
	if err := l.spawn(ctx, l.path("server.pid"), l.path("server.log"), "serve", l.state.Name); err != nil {
		return err
	}
	log("lab %s: network %s.0/24 and repositories at %s after %s", l.state.Name, l.state.Subnet, l.Mirror(), time.Since(started).Round(100*time.Millisecond))
	g, gctx := errgroup.WithContext(ctx)
	// A host that boots is busy for seconds; more at once than this only makes all of them slow.
	g.SetLimit(6)
	for _, h := range l.state.Hosts {
		g.Go(func() error {
			begin := time.Now()
			if err := h.connect(gctx); err != nil {
				return err
			}
			if err := h.Start(gctx); err != nil {
				return err
			}
			if err := h.WaitReachable(gctx); err != nil {
				return err
			}
			log("host %s at %s is up after %s", h.Name, h.Address, time.Since(begin).Round(100*time.Millisecond))
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return l.writeInventories()
}

// Down stops and removes everything the lab of that name made, however far it
// got. A lab that does not exist is already down.
func Down(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	l, err := Open(name)
	if errors.Is(err, ErrNoLab) {
		l = &Lab{state: state{Name: name, Bridge: "flb-" + name}}
	} else if err != nil {
		return err
	}
	// Recorded processes first: one may not have entered its control group yet.
	records, err := filepath.Glob(l.path("hosts", "*", "supervisor.pid"))
	if err != nil {
		return err
	}
	for _, r := range append(records, l.path("server.pid")) {
		if p, ok := loadProcess(r); ok {
			_ = syscall.Kill(p.pid, syscall.SIGKILL)
		}
	}
	errs := []error{killCgroup(cgroupPath(name, ""))}
	for _, h := range l.state.Hosts {
		errs = append(errs, h.disconnect(ctx))
	}
	if hasLink(l.state.Bridge) {
		errs = append(errs, ip(ctx, "link", "del", l.state.Bridge))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("lab %q is not completely down; run down again: %w", name, err)
	}
	if err := removeState(l.path()); err != nil {
		return err
	}
	for _, m := range cgroupMounts() {
		_ = os.Remove(filepath.Join(m, "ferry-lab")) // stays while another lab is up
	}
	return nil
}
