package engine

import (
	"math/rand/v2"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/run"
	"github.com/ferry-ops/ferry/inventory"
)

// Hosts selects the hosts of every play, in the order the play wants, and
// evaluates the rollouts. No connection is made.
func Hosts(c Config) ([]run.PlayHosts, diag.Set) {
	s := selection{c: c, set: diag.Set{Sources: c.Playbook.Sources}, cache: map[string]run.Host{}}
	var out []run.PlayHosts
	for _, p := range c.Playbook.Plays {
		if ph, ok := s.play(p, len(out) == 0); ok {
			out = append(out, ph)
		}
	}
	s.set.Extend(c.Playbook.CheckSecrets())
	if c.Playbook.UsesGroups() {
		s.set.Extend(c.Playbook.CheckGroups(groupNames(c.Inventory)).Diags)
	}
	checkVariables(c, out, &s.set)
	s.set.Sort()
	return out, s.set
}

// WithoutValue are the variables that nothing gives a value for some host of the
// plays: neither the globals nor the inventory nor a default.
func WithoutValue(c Config) []*playbook.Variable {
	var out []*playbook.Variable
	var hosts []*inventory.Host
	for _, p := range c.Playbook.Plays {
		pattern, diags := c.Playbook.HostPattern(p, c.Globals)
		if diags.HasErrors() { // it may itself depend on such a variable
			hosts = c.Inventory.Hosts
			break
		}
		chosen, _ := c.Inventory.Select(pattern, nil)
		hosts = append(hosts, chosen...)
	}
	for _, v := range c.Playbook.Variables {
		if v.HasDefault() || c.Globals.Has(v.Name) {
			continue
		}
		for _, h := range hosts {
			if _, ok := h.Vars()[v.Name]; !ok {
				out = append(out, v)
				break
			}
		}
	}
	return out
}

type selection struct {
	c     Config
	set   diag.Set
	cache map[string]run.Host
}

// play selects the hosts of one play; problems of the limit are said with the
// first one only.
func (s *selection) play(p *playbook.Play, first bool) (run.PlayHosts, bool) {
	ph := run.PlayHosts{Play: p}
	pattern, diags := s.c.Playbook.HostPattern(p, s.c.Globals)
	s.set.Extend(diags)
	ro, problems := s.c.Playbook.RolloutOf(p, s.c.Globals)
	s.set.Extend(problems.Diags)
	if diags.HasErrors() || problems.HasErrors() {
		return ph, false
	}
	rng := p.Hosts.Range()
	hosts, diags := s.c.Inventory.Select(pattern, &rng)
	s.set.Extend(diags)
	s.canary(&ph, ro, hosts)
	if len(s.c.Limit) > 0 {
		hosts, diags = s.c.Inventory.Limit(hosts, s.c.Limit)
		if first {
			s.set.Extend(diags)
		}
	}
	if ro.Order == "shuffle" && ro.Seed == nil {
		n := rand.Uint64()
		ro.Seed = &n
	}
	var seed uint64
	if ro.Seed != nil {
		seed = *ro.Seed
	}
	hosts, err := inventory.Sort(hosts, inventory.Order(ro.Order), seed)
	if err != nil {
		s.set.Append(diag.Errorf("Invalid value", &ro.Range, "The argument \"order\": %s.", err))
	}
	ph.Rollout, ph.Hosts = &ro, s.hosts(hosts)
	for _, g := range ro.Gates {
		s.gate(&ph, g)
	}
	s.unreached(ph, ro)
	return ph, true
}

// canary finds the hosts that go first; a pattern that selects none of the
// play's hosts is a mistake.
func (s *selection) canary(ph *run.PlayHosts, ro playbook.Rollout, hosts []*inventory.Host) {
	if ro.Canary == "" {
		return
	}
	chosen, diags := s.c.Inventory.Select(ro.Canary, &ro.CanaryRange)
	if n, err := playbook.ParseSize(ro.Canary); err == nil && n.N > 0 && diags.HasErrors() {
		diags = hcl.Diagnostics{diag.Errorf("Invalid canary", &ro.CanaryRange, "The argument \"canary\" names the hosts or the group that go first, it does not count them. For any %s of the hosts first, write batches = [%q, …] instead.", ro.Canary, ro.Canary)}
	}
	s.set.Extend(diags)
	in := map[string]bool{}
	for _, h := range hosts {
		in[h.Name] = true
	}
	ph.Canary = map[string]bool{}
	for _, h := range chosen {
		if in[h.Name] {
			ph.Canary[h.Name] = true
		}
	}
	if len(ph.Canary) == 0 && len(hosts) > 0 && !diags.HasErrors() {
		s.set.Append(diag.Errorf("No canary", &ro.CanaryRange, "The canary %q selects none of the hosts of the play %q, so nothing would go first. Name a host or a group among them.", ro.Canary, ph.Play.Name))
	}
}

// unreached warns of gates that stand after batches there will not be. With a
// limit there are fewer batches than the playbook is written for.
func (s *selection) unreached(ph run.PlayHosts, ro playbook.Rollout) {
	batches := len(ro.Waves(len(ph.Hosts)-len(ph.Canary), len(ph.Hosts), 0))
	if len(ph.Canary) > 0 {
		batches++
	}
	if len(s.c.Limit) > 0 || len(ph.Hosts) == 0 {
		return
	}
	for _, g := range ro.Gates {
		if n := len(g.After); n > 0 && slices.Min(g.After) > batches {
			s.set.Append(diag.Warningf("Gate never reached", &g.Range, "The gate %q stands after batch %d, and with the hosts there are the play %q has %d. Correct \"after\", or the batches.", g.Name, slices.Min(g.After), ph.Play.Name, batches))
		}
	}
}

// gate finds the hosts that the checks of a gate look at, where it names them.
func (s *selection) gate(ph *run.PlayHosts, g *playbook.Gate) {
	if g.Kind != playbook.GateCheck || g.On == playbook.OnBatch || g.On == playbook.OnPlay || g.On == playbook.OnController {
		return
	}
	hosts, diags := s.c.Inventory.Select(g.On, &g.Range)
	if len(hosts) == 0 && !diags.HasErrors() {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "No host selected", Subject: &g.Range,
			Detail: "The gate looks at the hosts of the pattern \"" + g.On + "\", and there are none. Name hosts or groups of the inventory, or one of batch, play, controller."})
	}
	s.set.Extend(diags)
	if ph.GateHosts == nil {
		ph.GateHosts = map[string][]run.Host{}
	}
	ph.GateHosts[g.Name] = s.hosts(hosts)
}

// hosts turns hosts of the inventory into those of a run; equal ones are shared.
func (s *selection) hosts(hosts []*inventory.Host) []run.Host {
	out := make([]run.Host, 0, len(hosts))
	for _, h := range hosts {
		rh, ok := s.cache[h.Name]
		if !ok {
			rh = runHost(h)
			s.cache[h.Name] = rh
		}
		out = append(out, rh)
	}
	return out
}
