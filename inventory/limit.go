package inventory

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/ferry-ops/ferry/engine/diag"
)

const maxLimitFile = 8 << 20

// Limit returns the hosts that are also selected by the limits, in the order
// of hosts. Each limit is a pattern, in which a term @FILE stands for the
// lines of a file (a list of hosts, such as the one a failed run leaves). Terms
// of several limits are put together as if they were one pattern.
func (inv *Inventory) Limit(hosts []*Host, limits []string) ([]*Host, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	var terms []string
	for _, l := range limits {
		for _, t := range inv.terms(l) {
			file, isFile := strings.CutPrefix(t, "@")
			if !isFile {
				terms = append(terms, t)
				continue
			}
			lines, d := inv.limitFile(file)
			diags = append(diags, d...)
			terms = append(terms, lines...)
		}
	}
	if diags.HasErrors() {
		return nil, diags
	}
	selected, more := inv.selectTerms(terms, strings.Join(limits, ","), nil)
	diags = append(diags, more...)
	if diags.HasErrors() {
		return nil, diags
	}
	return filter(hosts, selected, true), diags
}

// limitFile reads the terms of a file, one or more a line.
func (inv *Inventory) limitFile(path string) ([]string, hcl.Diagnostics) {
	data, d := readFile(path, maxLimitFile)
	if d == nil {
		d = checkText(path, data)
	}
	if d != nil {
		return nil, hcl.Diagnostics{d}
	}
	var terms []string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line != "" && line[0] != '#' {
			terms = append(terms, inv.terms(line)...)
		}
	}
	if len(terms) == 0 {
		return nil, hcl.Diagnostics{diag.Errorf("Empty list of hosts", &hcl.Range{Filename: path}, "%s has no hosts, so nothing would be selected. To run on all hosts, leave out the limit.", path)}
	}
	return terms, nil
}

// Order is an order of hosts.
type Order string

// The orders there are. The zero value means OrderInventory.
const (
	OrderInventory        Order = "inventory"         // as selected
	OrderReverseInventory Order = "reverse_inventory" // the last one first
	OrderSorted           Order = "sorted"            // by name
	OrderReverseSorted    Order = "reverse_sorted"    // by name, the last one first
	OrderShuffle          Order = "shuffle"           // by chance, the same for the same seed
)

// Orders returns all orders there are.
func Orders() []Order {
	return []Order{OrderInventory, OrderReverseInventory, OrderSorted, OrderReverseSorted, OrderShuffle}
}

// Sort returns the hosts in an order; the seed matters for OrderShuffle only.
func Sort(hosts []*Host, o Order, seed uint64) ([]*Host, error) {
	out := slices.Clone(hosts)
	byName := func(a, b *Host) int { return strings.Compare(a.Name, b.Name) }
	switch o {
	case OrderInventory, "":
	case OrderReverseInventory:
		slices.Reverse(out)
	case OrderSorted:
		slices.SortStableFunc(out, byName)
	case OrderReverseSorted:
		slices.SortStableFunc(out, func(a, b *Host) int { return byName(b, a) })
	case OrderShuffle:
		r := rand.New(rand.NewPCG(seed, seed))
		r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	default:
		var all []string
		for _, o := range Orders() {
			all = append(all, string(o))
		}
		return nil, fmt.Errorf("there is no order %q; there are %s", string(o), orList(all))
	}
	return out, nil
}
