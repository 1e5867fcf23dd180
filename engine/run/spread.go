package run

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// spread keeps more than a limit of hosts with an equal key from being worked on
// at once. A host that failed keeps its place: its cluster is already short of a
// member. It is used by the dispatcher's goroutine alone.
type spread struct {
	rules []playbook.Spread
	keys  map[*hostState][]string // by rule; "" where the host is bound by nothing
	in    []map[string][]string   // by rule and key: the hosts in flight or lost
}

// newSpread evaluates the keys of the hosts. Hosts that are lost already hold
// their places.
func (r *Runner) newSpread(p *playbook.Play, rules []playbook.Spread, hosts []*hostState) (*spread, hcl.Diagnostics) {
	s := &spread{rules: rules, keys: map[*hostState][]string{}}
	if len(rules) == 0 {
		return s, nil
	}
	for range rules {
		s.in = append(s.in, map[string][]string{})
	}
	for _, st := range hosts {
		scope, diags := r.pb.NewScope(p, r.globals, st.info.HostInfo)
		if diags.HasErrors() {
			return s, diags
		}
		for _, rule := range rules {
			key, diags := spreadKey(rule, scope, st.info.Name)
			if diags.HasErrors() {
				return s, diags
			}
			s.keys[st] = append(s.keys[st], key)
		}
		if st.lost() {
			s.enter(st)
		}
	}
	return s, nil
}

func spreadKey(rule playbook.Spread, scope *playbook.Scope, name string) (string, hcl.Diagnostics) {
	rng := rule.Key.Range()
	v, diags := rule.Key.Value(scope.Context(nil))
	if diags.HasErrors() {
		for _, d := range diags {
			d.Detail += fmt.Sprintf("\n\nThis is the key of host %s. Where a host may have none, write for example try(host.vars.cluster, null).", name)
		}
		return "", diags
	}
	v, _ = v.Unmark()
	if v.IsNull() {
		return "", nil
	}
	text, err := convert.Convert(v, cty.String)
	if err != nil || !v.IsKnown() {
		return "", hcl.Diagnostics{diag.Errorf("Wrong type of value", &rng, "The key of spread %q must be a string or a number known from the inventory and the variables alone, or null; for host %s it is not.", rule.Name, name)}
	}
	return text.AsString(), nil
}

// first is the index of the first host that may start, or -1.
func (s *spread) first(hosts []*hostState) int {
	if len(s.rules) == 0 {
		return 0
	}
	return slices.IndexFunc(hosts, func(st *hostState) bool { return s.blocked(st) < 0 })
}

// blocked is the rule that keeps a host back, or -1.
func (s *spread) blocked(st *hostState) int {
	for i, key := range s.keys[st] {
		if key != "" && len(s.in[i][key]) >= s.rules[i].Limit {
			return i
		}
	}
	return -1
}

func (s *spread) enter(st *hostState) {
	for i, key := range s.keys[st] {
		if key != "" {
			s.in[i][key] = append(s.in[i][key], st.info.Name)
		}
	}
}

// leave gives up the places of a host that ended well.
func (s *spread) leave(st *hostState) {
	if st.hurt() {
		return
	}
	for i, key := range s.keys[st] {
		if key == "" {
			continue
		}
		at := slices.Index(s.in[i][key], st.info.Name)
		s.in[i][key] = slices.Delete(s.in[i][key], at, at+1)
	}
}

// why says what keeps a host back for good.
func (s *spread) why(st *hostState) string {
	i := s.blocked(st)
	key := s.keys[st][i]
	return fmt.Sprintf("spread %q allows %d of %q at once, and %s failed", s.rules[i].Name, s.rules[i].Limit, key, strings.Join(s.in[i][key], ", "))
}
