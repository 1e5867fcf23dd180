package engine

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/journal"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/run"
	"github.com/ferry-ops/ferry/inventory"
)

// Config is everything a run needs.
type Config struct {
	Playbook  *playbook.Playbook
	Globals   playbook.Globals
	Inventory *inventory.Inventory
	Limit     []string // host patterns every play is narrowed to
	Mode      run.Mode
	Parallel  int
	Patience  time.Duration // how long a host that was lost may take to answer
	Tags      []string
	SkipTags  []string
	StateDir  string
	View      event.Sink
	Stop      <-chan struct{}
	Logger    *slog.Logger
}

// Hosts selects the hosts of every play. No connection is made.
func Hosts(c Config) ([]run.PlayHosts, diag.Set) {
	set := diag.Set{Sources: c.Playbook.Sources}
	var out []run.PlayHosts
	cache := map[string]run.Host{}
	for _, p := range c.Playbook.Plays {
		pattern, diags := c.Playbook.HostPattern(p, c.Globals)
		set.Extend(diags)
		if diags.HasErrors() {
			continue
		}
		rng := p.Hosts.Range()
		hosts, diags := c.Inventory.Select(pattern, &rng)
		set.Extend(diags)
		if len(c.Limit) > 0 {
			hosts, diags = c.Inventory.Limit(hosts, c.Limit)
			if len(out) == 0 { // the limit is wrong once, not once per play
				set.Extend(diags)
			}
		}
		ph := run.PlayHosts{Play: p}
		for _, h := range hosts {
			rh, ok := cache[h.Name]
			if !ok {
				rh = runHost(h)
				cache[h.Name] = rh
			}
			ph.Hosts = append(ph.Hosts, rh)
		}
		out = append(out, ph)
	}
	set.Extend(c.Playbook.CheckSecrets())
	if !set.HasErrors() {
		checkVariables(c, out, &set)
	}
	set.Sort()
	return out, set
}

// checkVariables evaluates the variables for every host, so that a missing one
// is an error before the first connection and not in the middle of a batch. What
// is wrong for many hosts is said once.
func checkVariables(c Config, plays []run.PlayHosts, set *diag.Set) {
	seen := map[string]bool{}
	first := map[string]*hcl.Diagnostic{}
	more := map[*hcl.Diagnostic]int{}
	for _, ph := range plays {
		for _, h := range ph.Hosts {
			if seen[h.Name] {
				continue
			}
			seen[h.Name] = true
			_, diags := c.Playbook.NewScope(ph.Play, c.Globals, h.HostInfo)
			for _, d := range diags {
				key := d.Summary + strings.ReplaceAll(d.Detail, h.Name, "HOST") + fmt.Sprint(d.Subject)
				if old := first[key]; old != nil {
					more[old]++
					continue
				}
				first[key] = d
				set.Append(d)
			}
		}
	}
	for d, n := range more {
		hosts := "another host"
		if n > 1 {
			hosts = fmt.Sprintf("%d more hosts", n)
		}
		d.Detail += "\n\nThe same is wrong for " + hosts + "."
	}
}

func runHost(h *inventory.Host) run.Host {
	vars := map[string]cty.Value{}
	for n, v := range h.Vars() {
		vars[n] = v.Value
	}
	rh := run.Host{
		HostInfo: playbook.HostInfo{Name: h.Name, Address: h.Connection.Address, Groups: h.GroupNames(), Vars: vars},
		Become:   h.Connection.Become,
	}
	for _, s := range []inventory.Secret{h.Connection.Password, h.Connection.BecomePassword} {
		if !s.IsZero() {
			rh.Secrets = append(rh.Secrets, s.Reveal())
		}
	}
	return rh
}

// Run executes the playbook on the hosts that Hosts selected. A run that
// changes hosts is recorded in the journal before it acts.
func Run(ctx context.Context, c Config, plays []run.PlayHosts) (event.Summary, error) {
	o := run.Options{
		Mode: c.Mode, Parallel: c.Parallel, Tags: c.Tags, SkipTags: c.SkipTags,
		Stop: c.Stop, Owner: owner(), Patience: c.Patience,
	}
	sinks := event.Sinks{}
	j, err := journal.Open(c.StateDir)
	if err != nil {
		return event.Summary{}, err
	}
	defer j.Close()
	rec, err := j.Begin(c.Playbook.Name, string(c.Mode), time.Now())
	if err != nil {
		return event.Summary{}, err
	}
	o.ID, o.Epoch = rec.ID, rec.Epoch
	sinks = append(sinks, j)
	if c.View != nil {
		sinks = append(sinks, c.View)
	}
	o.Sink = sinks
	d, err := NewDialer(c.Inventory, c.Logger)
	if err != nil {
		return event.Summary{}, err
	}
	defer d.Close()
	return run.New(c.Playbook, c.Globals, d.Connect, o).Run(ctx, plays)
}

// owner names this controller for the lock on hosts.
func owner() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return name + "@" + host
}
