package engine

import (
	"sync"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/factstore"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/schema"
	"github.com/ferry-ops/ferry/inventory"
)

// RecordedFacts gives an inventory the facts recorded in a state directory. They
// are read when a constructed group first asks; told is called with the error
// if they cannot be.
func RecordedFacts(stateDir string, told func(error)) inventory.RecordedFacts {
	var names []string
	for _, d := range host.FactDefs() {
		names = append(names, d.Name)
	}
	open := sync.OnceValue(func() *factstore.Store {
		s, err := factstore.Open(stateDir)
		if err != nil {
			told(err)
			return &factstore.Store{}
		}
		return s
	})
	now := time.Now()
	return inventory.RecordedFacts{Names: names, Of: func(name, address string, maxAge time.Duration) map[string]cty.Value {
		out := map[string]cty.Value{}
		for n, v := range open().Of(name, address, now.Add(-maxAge)) {
			out[n] = schema.FromGo(v)
		}
		return out
	}}
}

// RecordFacts records what was observed about hosts in a state directory.
func RecordFacts(stateDir string, inv *inventory.Inventory, results []HostResult) error {
	var seen []factstore.Observed
	for _, r := range results {
		if r.Err == nil && len(r.Facts) > 0 {
			seen = append(seen, factstore.Observed{Host: r.Host, Address: inv.Host(r.Host).Connection.Address, Facts: r.Facts})
		}
	}
	if len(seen) == 0 {
		return nil
	}
	return factstore.Record(stateDir, seen, time.Now())
}
