package inventory

import (
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/ferry-ops/ferry/engine/diag"
)

// Select returns the hosts that a pattern stands for.
//
//	all, *            every host
//	web               a group, or a host if there is no such group
//	web*.example      a glob over names of groups and hosts
//	~web[0-9]+        a regular expression, from the start of the name
//	web[0] web[-1]    the first, the last host of the group
//	web[0:3] web[2:]  the first four; all from the third on
//	a:b  a,b          the hosts of both
//	a:&b              those that are in both
//	a:!b              those of a that are not in b
//
// First all that is to be included is put together, in the order of the
// pattern; then the terms with & and then those with ! take away, wherever
// they stand. A pattern that only takes away starts with all hosts.
//
// A name that does not exist is an error, also after &, and after !, where a
// typing mistake would include what was to be left out. A glob, regular
// expression or slice that matches nothing is a warning. An empty result is
// for the caller to judge. rng is where the pattern was written, nil for a
// command line.
func (inv *Inventory) Select(pat string, rng *hcl.Range) ([]*Host, hcl.Diagnostics) {
	return inv.selectTerms(inv.terms(pat), pat, rng)
}

func (inv *Inventory) terms(pat string) []string {
	return splitPattern(pat, func(s string) bool { return inv.hosts[s] != nil || inv.groups[s] != nil })
}

func (inv *Inventory) selectTerms(terms []string, pat string, rng *hcl.Range) ([]*Host, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	var byOp [3][]pattern
	if len(pat) > maxPatternLen {
		return nil, append(diags, diag.Errorf("Pattern too long", rng, "The pattern is longer than %d KiB. Make a group of these hosts and use its name.", maxPatternLen>>10))
	}
	for _, t := range terms {
		p, err := parseTerm(t)
		if err != nil {
			diags = append(diags, diag.Errorf("Invalid pattern", rng, "The part %q of the pattern %q cannot be used: %s.", t, pat, err))
			continue
		}
		byOp[p.op] = append(byOp[p.op], p)
	}
	if len(terms) == 0 {
		diags = append(diags, diag.Errorf("Invalid pattern", rng, "The pattern is empty. To select every host, write:\n    all"))
	}
	if diags.HasErrors() {
		return nil, diags
	}
	match := func(p pattern) []*Host {
		hosts, d := inv.match(p, pat, rng)
		if d != nil {
			diags = append(diags, d)
		}
		return hosts
	}
	var out []*Host
	if len(byOp[opUnion]) == 0 {
		out = inv.Hosts
	}
	seen := map[*Host]bool{}
	for _, p := range byOp[opUnion] {
		for _, h := range match(p) {
			if !seen[h] {
				seen[h] = true
				out = append(out, h)
			}
		}
	}
	for _, p := range byOp[opIntersect] {
		out = filter(out, match(p), true)
	}
	for _, p := range byOp[opExclude] {
		out = filter(out, match(p), false)
	}
	if diags.HasErrors() {
		return nil, diags
	}
	return append([]*Host(nil), out...), diags
}

// filter keeps the hosts that are, or are not, in other.
func filter(hosts, other []*Host, keep bool) []*Host {
	in := make(map[*Host]bool, len(other))
	for _, h := range other {
		in[h] = true
	}
	out := make([]*Host, 0, len(hosts))
	for _, h := range hosts {
		if in[h] == keep {
			out = append(out, h)
		}
	}
	return out
}

// match returns the hosts of one term.
func (inv *Inventory) match(p pattern, pat string, rng *hcl.Range) ([]*Host, *hcl.Diagnostic) {
	hosts, known := inv.matchName(p)
	switch {
	case !known && p.re == nil:
		return nil, inv.unknown(p, pat, rng)
	case !known:
		return nil, diag.Warningf("Pattern matches nothing", rng, "No group and no host has a name that matches %q in the pattern %q.", p.text, pat)
	case p.sub == nil:
		return hosts, nil
	}
	picked, err := p.sub.apply(hosts)
	if err != nil {
		return nil, diag.Warningf("Pattern matches nothing", rng, "The pattern %q picks a host of %q that does not exist: %s.", pat, p.text, err)
	}
	return picked, nil
}

// matchName finds groups by a term and, if there is none or the term is not
// just a name, hosts. known says whether anything has such a name.
func (inv *Inventory) matchName(p pattern) (hosts []*Host, known bool) {
	if p.re == nil {
		if g := inv.groups[p.text]; g != nil {
			return g.members, true
		}
		if h := inv.hosts[p.text]; h != nil {
			return []*Host{h}, true
		}
		return nil, false
	}
	if p.text == "*" {
		return inv.Hosts, true
	}
	seen := map[*Host]bool{}
	for _, g := range inv.Groups {
		if !p.re.MatchString(g.Name) {
			continue
		}
		known = true
		for _, h := range g.members {
			if !seen[h] {
				seen[h] = true
				hosts = append(hosts, h)
			}
		}
	}
	for _, h := range inv.Hosts {
		if p.re.MatchString(h.Name) {
			known = true
			if !seen[h] {
				seen[h] = true
				hosts = append(hosts, h)
			}
		}
	}
	return hosts, known
}

func (inv *Inventory) unknown(p pattern, pat string, rng *hcl.Range) *hcl.Diagnostic {
	hint := diag.DidYouMean(p.text, append(inv.groupNames(), inv.hostNames()...))
	if hint == "" && p.op == opExclude {
		hint = " If an inventory may well be without this group, declare it empty:\n    group \"" + p.text + "\" {}"
	}
	if hint == "" && len(inv.Hosts) == 0 {
		hint = " The inventory has no hosts at all."
	}
	in := ""
	if pat != p.text {
		in = ", which the pattern \"" + strings.ReplaceAll(pat, "\n", " ") + "\" names"
	}
	return diag.Errorf("Unknown host or group", rng, "The inventory has no group and no host %q%s.%s", p.text, in, hint)
}
