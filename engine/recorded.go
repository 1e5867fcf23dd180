package engine

import (
	"sync"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/factstore"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/run"
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

// useRecorded lets a run use the facts of earlier ones. The returned function
// records what it has gathered; that this fails costs only time.
func useRecorded(c Config, o *run.Options) (remember func(), err error) {
	if c.FactAge <= 0 {
		return func() {}, nil
	}
	store, err := factstore.Open(c.StateDir)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	address := func(name string) string {
		if h := c.Inventory.Host(name); h != nil {
			return h.Connection.Address
		}
		return ""
	}
	o.Known = func(name string) host.Facts { return store.Of(name, address(name), now.Add(-c.FactAge)) }
	var mu sync.Mutex
	var seen []factstore.Observed
	o.Learned = func(name string, f host.Facts) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, factstore.Observed{Host: name, Address: address(name), Facts: f})
	}
	return func() {
		if len(seen) == 0 {
			return
		}
		if err := factstore.Record(c.StateDir, seen, now); err != nil && c.Logger != nil {
			c.Logger.Warn("facts were not recorded", "error", err)
		}
	}, nil
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
