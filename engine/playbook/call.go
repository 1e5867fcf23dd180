package playbook

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/ferry-ops/ferry/engine/diag"
)

// Call is an item that runs one hook of the stacks a host has.
type Call struct {
	Hook   string
	Stacks []*Stack // in the order they are called
	Units  []*Unit  // the hook of each, with tasks of this call's own
	When   hclsyntax.Expression
	Tags   []string
	Range  hcl.Range
	Unit   *Unit
	Needs  []*Stack // whose presence its condition mentions

	hooks    []*Unit // as the stacks declare them; Units are made of them once they are checked
	prefixes []string
}

func (*Call) item() {}

// call reads an item that runs one hook of the stacks a host has.
func (tr *taskReader) call(b *hclsyntax.Block) *Call {
	if tr.unit != &tr.ld.pb.Unit {
		return nil // reported as a block that does not belong here
	}
	if !labels(b, tr.set, "HOOK") {
		return nil
	}
	c := &Call{Hook: b.Labels[0], Range: b.DefRange(), Unit: tr.unit}
	r := reader{what: fmt.Sprintf("The call %q", c.Hook), body: b.Body, rng: c.Range, set: tr.set}
	r.only([]string{"stacks", "when", "tags", "description"}, nil)
	c.When, c.Tags = r.expr("when"), r.strs("tags")
	r.str("description")
	bad := func(rng hcl.Range, summary, format string, args ...any) {
		tr.set.Append(diag.Errorf(summary, &rng, format, args...))
	}
	pb := tr.ld.pb
	stacks := slices.Clone(pb.Stacks)
	if e := r.expr("stacks"); e != nil {
		var ok bool
		if stacks, ok = tr.stackList(e); !ok {
			return nil
		}
	} else if contains(backwards, c.Hook) {
		slices.Reverse(stacks)
	}
	switch {
	case c.Hook == detect:
		bad(b.LabelRanges[0], "Hook not to be called", "The hook \"detect\" runs by itself, before the first other hook of a stack is called on a host.")
		return nil
	case len(pb.Stacks) == 0 && len(pb.broken) == 0:
		bad(c.Range, "No stacks", "The playbook declares no stack that has hooks to call. A stack is declared beside the plays:\n    stack \"nginx\" { source = \"./stacks/nginx\" }")
		return nil
	}
	known := map[string]bool{}
	for _, st := range stacks {
		for _, h := range slices.Sorted(maps.Keys(st.Hooks)) {
			known[h] = true
		}
		if h := st.Hooks[c.Hook]; h != nil {
			c.Stacks = append(c.Stacks, st)
			c.hooks, c.prefixes = append(c.hooks, h), append(c.prefixes, tr.hookPrefix(h))
		}
	}
	if len(c.Stacks) == 0 && len(pb.broken) == 0 {
		names := slices.Sorted(maps.Keys(known))
		hint := diag.DidYouMean(c.Hook, names)
		if hint == "" && contains(knownHooks, c.Hook) && len(names) > 0 {
			hint = " They have " + list(names) + "."
		}
		bad(b.LabelRanges[0], "Unknown hook", "None of the stacks that are called has a hook %q.%s", c.Hook, hint)
		return nil
	}
	return c
}

// hookPrefix is the prefix of a hook's addresses, with a number where a play
// calls the hook again.
func (tr *taskReader) hookPrefix(h *Unit) string {
	for n := 1; ; n++ {
		p := h.prefix
		if n > 1 {
			p = p[:len(p)-1] + "#" + strconv.Itoa(n) + "."
		}
		if _, taken := tr.seen[p]; !taken {
			tr.seen[p] = hcl.Range{}
			return p
		}
	}
}

// stackList reads [stack.nginx, stack.redis].
func (tr *taskReader) stackList(e hclsyntax.Expression) ([]*Stack, bool) {
	refs, diags := hcl.ExprList(e)
	if diags.HasErrors() {
		refs = []hcl.Expression{e}
	}
	var out []*Stack
	ok := true
	for _, ref := range refs {
		rng := ref.Range()
		tv, diags := hcl.AbsTraversalForExpr(ref)
		if diags.HasErrors() || len(tv) != 2 || tv.RootName() != "stack" {
			tr.set.Append(diag.Errorf("Invalid reference", &rng, "The argument \"stacks\" takes a list of stacks, written as [stack.nginx, stack.redis]."))
			ok = false
			continue
		}
		name := attrName(tv[1])
		st := tr.ld.pb.Stack(name)
		switch {
		case tr.ld.pb.broken["stack."+name]:
			ok = false
		case st == nil:
			tr.set.Append(diag.Errorf("Unknown stack", &rng, "The playbook declares no stack %q.%s", name, diag.DidYouMean(name, tr.ld.pb.stackNames())))
			ok = false
		case slices.Contains(out, st):
			tr.set.Append(diag.Errorf("Duplicate stack", &rng, "The stack %q is in the list twice.", name))
			ok = false
		default:
			out = append(out, st)
		}
	}
	return out, ok
}

// list joins names for a sentence.
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
