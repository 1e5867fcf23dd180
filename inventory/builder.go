package inventory

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
)

// builder collects what the files say; finish makes an Inventory of it.
type builder struct {
	inv     *Inventory
	args    *argTable
	set     diag.Set
	pending []pendingRef
	rules   []*rule // that construct groups
	facts   RecordedFacts
	dropped map[string]int // diagnostics left out, by file
	counts  map[string]int // diagnostics kept, by file
	warned  map[string]bool
	members map[membership]bool
	edges   map[[2]*Group]bool

	secrets     Decrypter
	skipSecrets bool
	hushed      map[string]bool // files whose plain text must not be shown
	quiet       bool            // an encrypted value is being read
}

type membership struct {
	g *Group
	h *Host
}

// pendingRef is a name that must be of a group or host by the time all files
// are read.
type pendingRef struct {
	parent *Group
	name   string
	isHost bool
	rng    hcl.Range
}

// maxDiagsPerFile keeps a file of the wrong kind from giving a message for
// each of its lines.
const maxDiagsPerFile = 20

func newBuilder(o Options) *builder {
	b := &builder{
		secrets: o.Secrets, skipSecrets: o.SkipSecrets, hushed: map[string]bool{},
		inv:     &Inventory{groups: map[string]*Group{}, hosts: map[string]*Host{}},
		args:    newArgTable(),
		dropped: map[string]int{}, counts: map[string]int{}, warned: map[string]bool{},
		members: map[membership]bool{}, edges: map[[2]*Group]bool{},
		facts: o.Facts,
	}
	b.group(groupAll, hcl.Range{})
	b.group(groupUngrouped, hcl.Range{})
	return b
}

func (b *builder) report(diags ...*hcl.Diagnostic) {
	for _, d := range diags {
		if d == nil {
			continue
		}
		d = b.hush(d)
		if d.Subject != nil {
			f := d.Subject.Filename
			if b.counts[f]++; b.counts[f] > maxDiagsPerFile {
				b.dropped[f]++
				// An error must not hide behind dropped warnings.
				if d.Severity != hcl.DiagError || b.set.HasErrors() {
					continue
				}
			}
		}
		b.set.Append(d)
	}
}

// tooManyProblems tells a reader whether to give up on a file.
func (b *builder) tooManyProblems(file string) bool { return b.counts[file] > maxDiagsPerFile }

// warnOnce reports a warning the first time its key is seen.
func (b *builder) warnOnce(key string, d *hcl.Diagnostic) {
	if !b.warned[key] {
		b.warned[key] = true
		b.report(d)
	}
}

// group returns the group of that name, made if there was none.
func (b *builder) group(name string, rng hcl.Range) *Group {
	g := b.inv.groups[name]
	if g == nil {
		g = &Group{Name: name, Range: rng, priority: 1}
		b.inv.groups[name] = g
		b.inv.Groups = append(b.inv.Groups, g)
	} else if g.Range == (hcl.Range{}) {
		g.Range = rng
	}
	return g
}

// host returns the host of that name, made if there was none.
func (b *builder) host(name string, rng hcl.Range) *Host {
	h := b.inv.hosts[name]
	if h == nil {
		h = &Host{Name: name, Range: rng, index: len(b.inv.Hosts)}
		b.inv.hosts[name] = h
		b.inv.Hosts = append(b.inv.Hosts, h)
	}
	return h
}

// room is how many more hosts there may be.
func (b *builder) room() int { return maxHosts - len(b.inv.Hosts) }

func (b *builder) addMember(g *Group, h *Host) {
	if k := (membership{g, h}); !b.members[k] {
		b.members[k] = true
		g.own = append(g.own, h)
		h.direct = append(h.direct, g)
	}
}

func (b *builder) addChild(parent, child *Group, rng hcl.Range) {
	if k := [2]*Group{parent, child}; !b.edges[k] {
		b.edges[k] = true
		parent.children = append(parent.children, &edge{child: child, rng: rng})
	}
}

// setVar sets a variable of a layer, and the connection argument it stands for
// if it is one of Ansible's.
func (b *builder) setVar(l *layer, name string, v Variable, base dirs) {
	if b.hushed[v.Range.Filename] {
		v.Value = v.Value.Mark(diag.SensitiveMark)
	}
	if strings.HasPrefix(name, "ansible_") {
		b.quiet = v.Value.ContainsMarked()
		defer func() { b.quiet = false }()
		v = b.ansibleVar(l, name, v, base)
	}
	l.setVar(name, v)
}

// setArg decodes and sets a connection argument of a layer.
func (b *builder) setArg(l *layer, a *Argument, called string, v cty.Value, rng hcl.Range, base dirs) {
	s, d := decodeArg(a, called, v, rng, base)
	if d != nil {
		b.report(d)
		return
	}
	l.setArg(s)
}

// finish resolves references and precedence. The Inventory is only complete if
// there are no errors.
func (b *builder) finish() (*Inventory, diag.Set) {
	b.resolvePending()
	b.connectAll()
	if b.order() {
		b.collectMembers()
		b.resolveHosts()
		if len(b.rules) > 0 && b.construct() {
			// Groups and members were added: everything once more.
			for _, g := range b.inv.Groups {
				g.parents = nil
			}
			b.connectAll()
			b.order()
			b.collectMembers()
			b.resolveHosts()
		}
	}
	for _, h := range b.inv.Hosts {
		if g := b.inv.groups[h.Name]; g != nil {
			b.report(diag.Warningf("Host and group of the same name", &h.Range,
				"%q is the name of a host and of a group. A pattern with this name selects the group. Rename one of the two.", h.Name))
		}
	}
	for _, f := range slices.Sorted(maps.Keys(b.dropped)) {
		b.set.Append(diag.Warningf("More problems", &hcl.Range{Filename: f},
			"%s has %d more problems, which are not listed. Correct the ones above first.", f, b.dropped[f]))
	}
	b.set.Sort()
	return b.inv, b.set
}

func (b *builder) resolvePending() {
	for _, p := range b.pending {
		if p.isHost {
			h := b.inv.hosts[p.name]
			if h == nil {
				b.report(diag.Errorf("Unknown host", &p.rng, "The group %q lists the host %q, but no host block declares it.%s Declare it:\n    host %q {}",
					p.parent.Name, p.name, diag.DidYouMean(p.name, b.inv.hostNames()), p.name))
				continue
			}
			b.addMember(p.parent, h)
			continue
		}
		g := b.inv.groups[p.name]
		if g == nil {
			b.report(diag.Errorf("Unknown group", &p.rng, "The group %q has the child %q, but there is no such group.%s",
				p.parent.Name, p.name, diag.DidYouMean(p.name, b.inv.groupNames())))
			continue
		}
		if g.Name == groupUngrouped && p.parent.Name == groupAll {
			continue // it is anyway; programs print it
		}
		if g.Name == groupAll || g.Name == groupUngrouped {
			b.report(diag.Errorf("Invalid child group", &p.rng, "The group %q cannot be the child of another group: it is made of all hosts%s.",
				g.Name, map[bool]string{true: " that are in no group"}[g.Name == groupUngrouped]))
			continue
		}
		b.addChild(p.parent, g, p.rng)
	}
}

// connectAll gives every group and every host a place below "all".
func (b *builder) connectAll() {
	all, ungrouped := b.inv.groups[groupAll], b.inv.groups[groupUngrouped]
	hasParent := map[*Group]bool{all: true}
	for _, g := range b.inv.Groups {
		for _, e := range g.children {
			hasParent[e.child] = true
		}
	}
	b.addChild(all, ungrouped, hcl.Range{})
	for _, g := range b.inv.Groups {
		if !hasParent[g] {
			b.addChild(all, g, hcl.Range{})
		}
	}
	// A host that some other group has is not ungrouped, wherever else it was mentioned.
	kept := make([]*Host, 0, len(ungrouped.own))
	for _, h := range b.inv.Hosts {
		h.direct = slices.DeleteFunc(h.direct, func(g *Group) bool { return g == ungrouped || g == all })
		if len(h.direct) == 0 {
			h.direct = append(h.direct, ungrouped)
			kept = append(kept, h)
		}
	}
	ungrouped.own = kept
	all.own = nil
	for _, g := range b.inv.Groups {
		for _, e := range g.children {
			e.child.parents = append(e.child.parents, g)
		}
	}
}

// order computes the depth of every group, and reports groups that contain
// themselves.
func (b *builder) order() bool {
	waiting := make(map[*Group]int, len(b.inv.Groups))
	for _, g := range b.inv.Groups {
		waiting[g] = len(g.parents)
	}
	var ready []*Group
	for _, g := range b.inv.Groups {
		if waiting[g] == 0 {
			ready = append(ready, g)
		}
	}
	done := 0
	for ; done < len(ready); done++ {
		g := ready[done]
		for _, e := range g.children {
			e.child.depth = max(e.child.depth, g.depth+1)
			if waiting[e.child]--; waiting[e.child] == 0 {
				ready = append(ready, e.child)
			}
		}
	}
	if done == len(b.inv.Groups) {
		return true
	}
	b.reportCycle(waiting)
	return false
}

// reportCycle follows children that were never ready until one comes again.
func (b *builder) reportCycle(waiting map[*Group]int) {
	// A group below a cycle waits too, so walk towards the parents: every
	// group that waits has one that does.
	var g *Group
	for _, c := range b.inv.Groups {
		if waiting[c] > 0 {
			g = c
			break
		}
	}
	seen := map[*Group]int{}
	var path []*Group
	for {
		if i, ok := seen[g]; ok {
			path = append(path[i:], g)
			break
		}
		seen[g] = len(path)
		path = append(path, g)
		for _, p := range g.parents {
			if waiting[p] > 0 {
				g = p
				break
			}
		}
	}
	slices.Reverse(path)
	names := make([]string, len(path))
	for i, p := range path {
		names[i] = fmt.Sprintf("%q", p.Name)
	}
	if len(names) > 12 {
		names = append(append(names[:6:6], "…"), names[len(names)-5:]...)
	}
	rng := path[0].Range
	for _, e := range path[0].children {
		if e.child == path[1] {
			rng = e.rng
		}
	}
	b.report(diag.Errorf("Cycle of groups", &rng, "The group %q contains itself: %s. Groups nest, so a group cannot be below itself. Take one of these children out.",
		path[0].Name, strings.Join(names, " has the child ")))
}

func (inv *Inventory) hostNames() []string {
	out := make([]string, len(inv.Hosts))
	for i, h := range inv.Hosts {
		out[i] = h.Name
	}
	return out
}

func (inv *Inventory) groupNames() []string {
	out := make([]string, len(inv.Groups))
	for i, g := range inv.Groups {
		out[i] = g.Name
	}
	return out
}
