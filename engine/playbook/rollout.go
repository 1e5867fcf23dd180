package playbook

import (
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/ferry-ops/ferry/engine/diag"
)

// Rollout says how a play moves over its hosts.
type Rollout struct {
	// Order is the order in which hosts take their turn: "inventory" (the
	// default), "reverse_inventory", "sorted", "reverse_sorted" or "shuffle".
	Order string
	// Seed makes "shuffle" give the same order each time; nil draws one.
	Seed *uint64
	// Canary is a pattern of hosts that go first, as a batch of their own.
	Canary      string
	CanaryRange hcl.Range
	// Batches are sizes as written ("1", "10%"); the last one repeats until all
	// hosts are done. Empty means all hosts in one batch.
	Batches []Size
	// Parallel is how many hosts are worked on at once; 0 means the run's default.
	Parallel int
	// MaxFailed stops the rollout when more of the play's hosts than this have
	// failed or were lost. Nil never stops it.
	MaxFailed *Size
	// Spread are limits on how many hosts with an equal key are worked on at once.
	Spread []Spread
	// Gates are what must hold between batches, in the order written.
	Gates []*Gate
	Range hcl.Range
}

// Spread keeps hosts that belong together from being worked on together.
type Spread struct {
	Name  string
	Key   hclsyntax.Expression // per host; null means that the host is bound by nothing
	Limit int
	Range hcl.Range
}

// The orders of hosts.
var orders = []string{"inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle"}

var (
	rolloutAttrs  = []string{"order", "seed", "canary", "batches", "parallel", "max_failed"}
	rolloutBlocks = []string{"spread", "gate"}
)

// readRollout reads the block once without values of variables, which finds
// what is wrong in itself; Rollout reads it again with them.
func (p *Play) readRollout(b *hclsyntax.Block, tr *taskReader) {
	if !labels(b, tr.set) {
		return
	}
	if p.rollout != nil {
		rng := b.DefRange()
		tr.set.Append(diag.Errorf("Duplicate block", &rng, "The play %q has two blocks \"rollout\"; it can have one.", p.Name))
		return
	}
	p.rollout = b
	r := reader{what: "The block \"rollout\"", body: b.Body, rng: b.DefRange(), set: tr.set}
	r.only(rolloutAttrs, rolloutBlocks)
	names := map[string]bool{}
	for _, c := range b.Body.Blocks {
		switch c.Type {
		case "spread":
			p.readSpread(c, tr.set)
		case "gate":
			g := tr.gate(c)
			if g == nil {
				continue
			}
			if names[g.Name] {
				tr.set.Append(diag.Errorf("Duplicate gate", &g.Range, "This play already has a gate %q. Give one of them a name of its own:\n    gate %q \"NAME\" { … }", g.Name, g.Kind))
				continue
			}
			names[g.Name] = true
			p.Rollout.Gates = append(p.Rollout.Gates, g)
		}
	}
}

func (p *Play) readSpread(b *hclsyntax.Block, set *diag.Set) {
	if !labels(b, set, "NAME") {
		return
	}
	s := Spread{Name: b.Labels[0], Limit: 1, Range: b.DefRange()}
	r := reader{what: fmt.Sprintf("The block spread %q", s.Name), body: b.Body, rng: s.Range, set: set}
	r.only([]string{"key", "limit"}, nil)
	if s.Key = r.expr("key"); s.Key == nil {
		set.Append(diag.Errorf("Missing argument", &s.Range, "The block spread %q needs the argument \"key\": an expression over the host, equal for hosts that belong together, for example host.vars.cluster.", s.Name))
		return
	}
	if r.expr("limit") != nil {
		s.Limit = r.integer("limit", 1, 100000)
	}
	p.Rollout.Spread = append(p.Rollout.Spread, s)
}

// sizes fills in what may depend on variables.
func (p *Play) sizes(out *Rollout, r reader) {
	out.Order = r.oneOf("order", orders)
	if r.expr("seed") != nil {
		n := uint64(r.integer("seed", 0, 1<<52))
		out.Seed = &n
	}
	if out.Canary = r.str("canary"); out.Canary != "" {
		out.CanaryRange = r.expr("canary").Range()
	}
	for _, s := range r.strs("batches") {
		if n, ok := r.size("batches", s); ok {
			out.Batches = append(out.Batches, n)
		}
	}
	if r.expr("parallel") != nil {
		out.Parallel = r.integer("parallel", 1, 100000)
	}
	if s := r.str("max_failed"); s != "" {
		if n, ok := r.size("max_failed", s); ok {
			out.MaxFailed = &n
		}
	}
}

// rolloutWith evaluates the block. What depends on a value that is not known is
// left at its zero value, or is an error if all are to be known.
func (p *Play) rolloutWith(ctx *hcl.EvalContext, allKnown bool, set *diag.Set) Rollout {
	out := p.Rollout
	if p.rollout == nil {
		return out
	}
	out.Range = p.rollout.DefRange()
	out.Batches, out.MaxFailed = nil, nil
	p.sizes(&out, reader{what: "The block \"rollout\"", body: p.rollout.Body, rng: out.Range, set: set, ctx: ctx, allKnown: allKnown})
	out.Gates = make([]*Gate, len(p.Rollout.Gates))
	for i, g := range p.Rollout.Gates {
		c := *g
		c.settings(reader{what: g.what(), body: g.body, rng: g.Range, set: set, ctx: ctx, allKnown: allKnown})
		out.Gates[i] = &c
	}
	return out
}

// RolloutOf evaluates how a play moves over its hosts.
func (pb *Playbook) RolloutOf(p *Play, g Globals) (Rollout, diag.Set) {
	set := diag.Set{Sources: pb.Sources}
	ro := p.rolloutWith(pb.globalScope(g).Context(nil), true, &set)
	return ro, set
}

// Waves splits total hosts into batches, from the n-th size on (counted from 0):
// each size in turn, the last one repeated until no host is left. Shares are of
// "of" hosts. A size that comes to nothing is one host.
func (r Rollout) Waves(total, of, n int) []int {
	if len(r.Batches) == 0 {
		if total == 0 {
			return nil
		}
		return []int{total}
	}
	var out []int
	for left := total; left > 0; n++ {
		size := r.Batches[min(n, len(r.Batches)-1)].Of(of)
		size = min(max(size, 1), left)
		out = append(out, size)
		left -= size
	}
	return out
}

// GatesAfter are the gates to pass after a batch, counted from 1; 0 asks for
// those before the first. The last batch is followed only by gates that name it.
func (r Rollout) GatesAfter(batch int, last bool) []*Gate {
	var out []*Gate
	for _, g := range r.Gates {
		if g.Kind != GateWindow && (slices.Contains(g.After, batch) || len(g.After) == 0 && batch > 0 && !last) {
			out = append(out, g)
		}
	}
	return out
}

// Open says whether work may begin at t: the rollout has no maintenance window
// or t is in one of them. If not, next is when the first one opens.
func (r Rollout) Open(t time.Time) (open bool, next time.Time) {
	open = true
	for _, g := range r.Gates {
		if g.Kind != GateWindow {
			continue
		}
		if g.Window.Open(t) {
			return true, time.Time{}
		}
		open = false
		if n := g.Window.Next(t); next.IsZero() || n.Before(next) {
			next = n
		}
	}
	return open, next
}
