package run

import (
	"fmt"
	"strings"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// forecast tells through which batches a run of the play would go.
func (pl *playState) forecast(ro playbook.Rollout) []event.Wave {
	var hosts []*hostState
	for _, h := range pl.hosts.Hosts {
		hosts = append(hosts, pl.r.hosts[h.Name])
	}
	spread, diags := pl.r.newSpread(pl.play, ro.Spread, hosts)
	if diags.HasErrors() {
		return nil // told where the play begins
	}
	var took time.Duration
	if pl.r.opts.Took != nil {
		took = pl.r.opts.Took(pl.play.Name)
	}
	var out []event.Wave
	for _, w := range waves(ro, hosts, pl.hosts.Canary, nil) {
		n := event.Wave{Batch: w.n, Hosts: len(w.hosts), Rounds: spread.rounds(w.hosts)}
		parallel := pl.r.opts.parallel(ro)
		n.Rounds = max(n.Rounds, (len(w.hosts)+parallel-1)/parallel)
		n.Took = time.Duration(n.Rounds) * took
		for _, g := range ro.GatesAfter(w.n, w.last) {
			n.Gates = append(n.Gates, gateText(g))
			n.Took += g.Wait
		}
		out = append(out, n)
	}
	return out
}

func gateText(g *playbook.Gate) string {
	s := g.Name
	if g.Kind != g.Name {
		s = g.Kind + " " + g.Name
	}
	if g.Kind == playbook.GateSoak {
		s += " " + strings.TrimSuffix(strings.TrimSuffix(fmt.Sprint(g.Wait), "0s"), "0m")
	}
	return s
}

// rounds is how often hosts of one key must take turns.
func (s *spread) rounds(hosts []*hostState) int {
	most := 0
	for i, rule := range s.rules {
		n := map[string]int{}
		for _, st := range hosts {
			if key := s.keys[st][i]; key != "" {
				n[key]++
				most = max(most, (n[key]+rule.Limit-1)/rule.Limit)
			}
		}
	}
	return most
}
