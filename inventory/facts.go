package inventory

import (
	"time"

	"github.com/zclconf/go-cty/cty"
)

// RecordedFacts is what was observed about hosts before the inventory is read,
// which cannot ask them. The zero value knows nothing.
type RecordedFacts struct {
	// Names are the facts there are; nil takes every name.
	Names []string
	// Of returns the facts of a host that were recorded no longer ago than
	// maxAge. The address is that of the inventory: what was recorded of another
	// machine under this name is not of this host.
	Of func(host, address string, maxAge time.Duration) map[string]cty.Value
	// Lenient takes a fact or variable that is not known as "not a member"
	// whatever a block says, for those who only look at the inventory.
	Lenient bool
}

func (f RecordedFacts) of(h *Host, maxAge time.Duration) map[string]cty.Value {
	if f.Of == nil {
		return nil
	}
	return f.Of(h.Name, h.Connection.Address, maxAge)
}
