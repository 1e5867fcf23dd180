package inventory

import (
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
)

// DefaultFactsAge is how old recorded facts may be for a constructed group that
// does not say.
const DefaultFactsAge = 24 * time.Hour

// rule puts hosts into groups by an expression:
//
//	constructed "NAME" {
//	  when    = EXPR             # true: the host is a member
//	  unknown = "error"|"skip"   # of a host that lacks something EXPR mentions
//	  max_age = "24h"            # how old recorded facts may be
//	}
//	keyed "PREFIX" {
//	  key       = EXPR           # one group for each value: PREFIX_VALUE
//	  separator = "_"
//	  unknown, max_age as above
//	}
type rule struct {
	kind string // "constructed" or "keyed"
	name string // of the group, or the prefix
	sep  string
	rng  hcl.Range
	expr hclsyntax.Expression
	skip bool // unknown = "skip"
	age  time.Duration
	eval *hcl.EvalContext

	vars, facts []hcl.Traversal // host.vars.X and facts.X that it mentions
	allVars     bool            // host.vars as a whole
	named       bool            // host.name or host.address
	groups      []hcl.Traversal // groups.X
}

func (r *rule) what() string { return fmt.Sprintf("%s %q", r.kind, r.name) }

var ruleArgs = map[string][]string{
	"constructed": {"when", "unknown", "max_age"},
	"keyed":       {"key", "separator", "unknown", "max_age"},
}

// rule reads a block "constructed" or "keyed".
func (r *hclReader) rule(blk *hclsyntax.Block, parent *Group) {
	if parent.Name != groupUngrouped {
		r.b.report(diag.Errorf("Block not possible here", blk.TypeRange.Ptr(), "A block %q looks at all hosts, so it stands outside all groups. To make its group a child of %q, write\n    children = [%q]", blk.Type, parent.Name, blk.Labels[0]))
		return
	}
	out := &rule{kind: blk.Type, name: blk.Labels[0], sep: "_", rng: blk.LabelRanges[0], age: DefaultFactsAge, eval: r.eval}
	if why := badGroupName(out.name); why != "" || out.name == groupAll || out.name == groupUngrouped {
		if why == "" {
			why = "this group is made of hosts whatever they are"
		}
		r.b.report(diag.Errorf("Invalid group name", &out.rng, "%q cannot be the name of a group: %s.", out.name, why))
		return
	}
	for _, old := range r.b.rules {
		if old.kind == out.kind && old.name == out.name {
			r.b.report(diag.Errorf("Set twice", &out.rng, "There is already a block %s, at %s:%d. Put both conditions into one with \"||\".", out.what(), old.rng.Filename, old.rng.Start.Line))
			return
		}
	}
	if out.kind == "constructed" {
		r.b.group(out.name, out.rng)
	}
	main := ruleArgs[out.kind][0]
	r.attributes(blk.Body, "a block \""+blk.Type+"\"", nil, func(name string, a *hclsyntax.Attribute) bool {
		switch {
		case !slices.Contains(ruleArgs[out.kind], name):
			r.b.report(diag.Errorf("Unknown argument", a.NameRange.Ptr(), "A block %q has no argument %q.%s Variables and connection arguments of the group belong into a block of its own:\n    group %q { … }",
				blk.Type, name, diag.DidYouMean(name, ruleArgs[out.kind]), out.name))
		case name == main:
			out.expr = a.Expr
		default:
			r.ruleArgument(out, name, a)
		}
		return true
	})
	for _, b := range blk.Body.Blocks {
		r.b.report(diag.Errorf("Unknown block", b.TypeRange.Ptr(), "A block %q has no blocks in it, only an argument %q.", blk.Type, main))
	}
	if out.expr == nil {
		r.b.report(diag.Errorf("Missing argument", &out.rng, "The block %s needs the argument %q, for example\n    %s", out.what(), main,
			map[string]string{"constructed": `when = host.vars.role == "db"`, "keyed": `key = facts.os_id`}[out.kind]))
		return
	}
	if out.references(r.b) {
		r.b.rules = append(r.b.rules, out)
	}
}

// ruleArgument reads the arguments that are no expression over hosts.
func (r *hclReader) ruleArgument(out *rule, name string, a *hclsyntax.Attribute) {
	v, diags := a.Expr.Value(r.eval)
	r.b.report(diags...)
	if diags.HasErrors() {
		return
	}
	s, ok := stringOf(v)
	bad := func(want string) {
		r.b.report(diag.Errorf("Invalid value", a.Expr.Range().Ptr(), "The argument %q must be %s.", name, want))
	}
	switch name {
	case "unknown":
		if !ok || s != "error" && s != "skip" {
			bad(`"error" or "skip": what to do with a host of which something is not known`)
		}
		out.skip = s == "skip"
	case "separator":
		if out.sep = s; !ok || badGroupName("a"+s+"b") != "" {
			bad("text that a group's name can have, such as \"_\" or \"-\"")
		}
	case "max_age":
		d, err := time.ParseDuration(s)
		if out.age = d; !ok || err != nil || d <= 0 {
			bad("a length of time, such as \"24h\"")
		}
	}
}

// references sorts out what the expression mentions.
func (r *rule) references(b *builder) bool {
	good := true
	bad := func(t hcl.Traversal, summary, format string, args ...any) {
		good = false
		rng := t.SourceRange()
		b.report(diag.Errorf(summary, &rng, format, args...))
	}
	for _, t := range r.expr.Variables() {
		name, second := "", ""
		if len(t) > 1 {
			name = stepName(t[1])
		}
		if len(t) > 2 {
			second = stepName(t[2])
		}
		switch root := t.RootName(); {
		case root == "host" && name == "vars" && second != "":
			r.vars = append(r.vars, t)
		case root == "host" && name == "vars":
			r.allVars = true
		case root == "host" && (name == "name" || name == "address"):
			r.named = true
		case root == "host" && name == "groups":
			bad(t, "Reference not possible here", "Which groups a host is in is what constructed groups decide, so \"host.groups\" is not there yet. Ask for one group at a time: groups.NAME is true for its members.")
		case root == "host":
			bad(t, "Unknown reference", "A host has name, address and vars here, no %q.", name)
		case root == "facts" && name != "":
			if b.facts.Names != nil && !slices.Contains(b.facts.Names, name) {
				bad(t, "Unknown fact", "There is no fact %q.%s", name, diag.DidYouMean(name, b.facts.Names))
				continue
			}
			r.facts = append(r.facts, t)
		case root == "groups" && name != "":
			r.groups = append(r.groups, t)
		case root == "facts", root == "groups":
			bad(t, "Incomplete reference", "%q needs a name, written %s.NAME.", root, root)
		default:
			bad(t, "Unknown reference", "There is nothing called %q here; references start with one of host, facts, groups.%s", root, diag.DidYouMean(root, []string{"host", "facts", "groups"}))
		}
	}
	return good
}

// stepName is the name a step of a reference selects, "" if it is computed.
func stepName(s hcl.Traverser) string {
	switch s := s.(type) {
	case hcl.TraverseAttr:
		return s.Name
	case hcl.TraverseIndex:
		if n, ok := stringOf(s.Key); ok && s.Key.Type() == cty.String {
			return n
		}
	}
	return ""
}
