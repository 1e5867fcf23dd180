package playbook

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
)

// metaArgs are the arguments every task takes; no module may use these names.
var metaArgs = []string{
	"description", "when", "for_each", "notify", "become", "become_user", "timeout", "ignore_errors",
	"changed_when", "failed_when", "environment", "tags", "sensitive", "point_of_no_return",
	"delegate_to", "run_once", "throttle",
}

// MetaArguments returns the names no module argument may have.
func MetaArguments() []string {
	return append([]string{"retry"}, metaArgs...)
}

// taskReader reads the items of one play, set or hook.
type taskReader struct {
	ld   *loader
	unit *Unit
	body *Body
	what string // how diagnostics name the body, in lower case
	set  *diag.Set
	seen map[string]hcl.Range // by name within the body
	all  []*Task
	// declared are the handlers that may be notified, and owner whose they are.
	declared *Body
	owner    string
}

func (ld *loader) taskReader(u *Unit, b *Body, what string, set *diag.Set) *taskReader {
	if b.broken == nil {
		b.broken = map[string]bool{}
	}
	return &taskReader{ld: ld, unit: u, body: b, what: what, set: set, seen: map[string]hcl.Range{}, declared: b, owner: what}
}

// handlers reads the handlers of a body.
func (tr *taskReader) handlers(body *hclsyntax.Body) {
	for _, b := range body.Blocks {
		if b.Type == "handler" {
			if t := tr.task(b); t != nil {
				tr.body.Handlers = append(tr.body.Handlers, t)
			}
		}
	}
}

// items reads what a body does, in the order written.
func (tr *taskReader) items(body *hclsyntax.Body) []Item {
	var out []Item
	for _, b := range body.Blocks {
		switch b.Type {
		case "task", "check":
			if t := tr.task(b); t != nil {
				out = append(out, t)
			}
		case "flush_handlers":
			if labels(b, tr.set) {
				reader{what: "The block \"flush_handlers\"", body: b.Body, set: tr.set}.only(nil, nil)
				out = append(out, &Flush{Range: b.DefRange()})
			}
		case "block":
			if bl := tr.block(b); bl != nil {
				out = append(out, bl)
			}
		case "use":
			if u := tr.use(b); u != nil {
				out = append(out, u)
			}
		case "call":
			if c := tr.call(b); c != nil {
				out = append(out, c)
			}
		}
	}
	return out
}

// inner are the blocks that hold items inside a block.
func (tr *taskReader) inner(more ...string) []string {
	out := []string{"task", "check", "block", "use", "flush_handlers"}
	if tr.unit == &tr.ld.pb.Unit {
		out = append(out, "call")
	}
	return append(out, more...)
}

func (tr *taskReader) block(b *hclsyntax.Block) *Block {
	if !labels(b, tr.set, "NAME") {
		return nil
	}
	out := &Block{Name: b.Labels[0], Range: b.DefRange(), Unit: tr.unit}
	r := reader{what: fmt.Sprintf("The block %q", out.Name), body: b.Body, rng: out.Range, set: tr.set}
	r.only([]string{"when", "tags", "description"}, tr.inner("rescue", "always"))
	out.When = r.expr("when")
	out.Tags = r.strs("tags")
	out.Items = tr.items(b.Body)
	for _, c := range b.Body.Blocks {
		if c.Type != "rescue" && c.Type != "always" {
			continue
		}
		if !labels(c, tr.set) {
			continue
		}
		reader{what: fmt.Sprintf("The block %q", c.Type), body: c.Body, set: tr.set}.only(nil, tr.inner())
		if c.Type == "rescue" {
			out.Rescue = append(out.Rescue, tr.items(c.Body)...)
		} else {
			out.Always = append(out.Always, tr.items(c.Body)...)
		}
	}
	if len(out.Items) == 0 {
		tr.set.Append(diag.Warningf("Empty block", &out.Range, "The block %q holds no task, so it does nothing.", out.Name))
	}
	return out
}

func (tr *taskReader) task(b *hclsyntax.Block) *Task {
	if !labels(b, tr.set, "MODULE", "NAME") {
		return nil
	}
	t := &Task{Kind: b.Type, Module: b.Labels[0], Name: b.Labels[1], Range: b.DefRange(), Unit: tr.unit, Attrs: map[string]*hclsyntax.Attribute{}}
	if !tr.findModule(t, b) {
		tr.body.broken[t.local()] = true
		return nil
	}
	if first, ok := tr.seen[t.local()]; ok {
		tr.set.Append(diag.Errorf("Duplicate "+t.Kind, &t.Range, "%s already has a %s %q %q, at %s. Give one of them another name, so that references are clear.", upperFirst(tr.what), t.Kind, t.Module, t.Name, place(first)))
		return nil
	}
	tr.seen[t.local()] = t.Range
	tr.all = append(tr.all, t)

	r := reader{what: fmt.Sprintf("The %s %q %q", t.Kind, t.Module, t.Name), body: b.Body, rng: t.Range, set: tr.set}
	for name, a := range b.Body.Attributes {
		if !contains(metaArgs, name) {
			t.Attrs[name] = a
		}
	}
	tr.meta(t, r)
	for _, c := range b.Body.Blocks {
		if c.Type != "retry" {
			rng := c.DefRange()
			tr.set.Append(diag.Errorf("Unknown block", &rng, "%s takes no block %q.%s", r.what, c.Type, diag.DidYouMean(c.Type, []string{"retry"})))
			continue
		}
		tr.retry(t, c)
	}
	return t
}

func (tr *taskReader) findModule(t *Task, b *hclsyntax.Block) bool {
	find, names, other := tr.ld.reg.Step, tr.ld.reg.StepNames(), tr.ld.reg.Check
	if t.Kind == "check" {
		find, names, other = tr.ld.reg.Check, tr.ld.reg.CheckNames(), tr.ld.reg.Step
	}
	info, ok := find(t.Module)
	if ok {
		t.Info = info
		return true
	}
	hint := diag.DidYouMean(t.Module, names)
	if _, ok := other(t.Module); ok {
		if t.Kind == "check" {
			hint = fmt.Sprintf(" There is a module %q that changes things: use it with task %q.", t.Module, t.Module)
		} else {
			hint = fmt.Sprintf(" There is a check %q, which only looks: use it with check %q.", t.Module, t.Module)
		}
	}
	tr.set.Append(diag.Errorf("Unknown module", &b.LabelRanges[0], "There is no module %q for a %s.%s The command that lists the modules is\n    ferry modules list", t.Module, t.Kind, hint))
	return false
}

func (tr *taskReader) meta(t *Task, r reader) {
	t.Meta = Meta{
		Description: r.str("description"), When: r.expr("when"), ForEach: r.expr("for_each"),
		ChangedWhen: r.expr("changed_when"), FailedWhen: r.expr("failed_when"), Environment: r.expr("environment"),
		BecomeUser: r.expr("become_user"), Become: r.optBool("become"), IgnoreErrors: r.boolean("ignore_errors"),
		Sensitive: r.boolean("sensitive"), PointOfNoReturn: r.boolean("point_of_no_return"),
		Timeout: r.duration("timeout"), Tags: r.strs("tags"), DelegateTo: r.expr("delegate_to"), RunOnce: r.boolean("run_once"),
	}
	if r.expr("throttle") != nil {
		t.Meta.Throttle = r.integer("throttle", 1, 100000)
	}
	tr.metaConflicts(t, r)
	e := r.expr("notify")
	if e == nil {
		return
	}
	refs, diags := hcl.ExprList(e)
	if diags.HasErrors() {
		refs = []hcl.Expression{e}
	}
	for _, ref := range refs {
		tv, diags := hcl.AbsTraversalForExpr(ref)
		rng := ref.Range()
		if diags.HasErrors() || len(tv) != 3 || tv.RootName() != "handler" {
			tr.set.Append(diag.Errorf("Invalid reference", &rng, "The argument \"notify\" takes a list of handlers of %s, written as [handler.MODULE.NAME].", tr.whose()))
			continue
		}
		t.Meta.notify = append(t.Meta.notify, notifyRef{attrName(tv[1]), attrName(tv[2]), rng})
	}
}

// metaConflicts refuses what cannot be meant.
func (tr *taskReader) metaConflicts(t *Task, r reader) {
	bad := func(name, format string, args ...any) {
		rng := r.expr(name).Range()
		tr.set.Append(diag.Errorf("Invalid combination of arguments", &rng, format, args...))
	}
	switch {
	case t.Meta.RunOnce && t.Kind == "handler":
		bad("run_once", "A handler runs on each host that notified it, so \"run_once\" has no place in it. Use it in a task.")
	case t.Meta.RunOnce && t.Meta.Throttle > 0:
		bad("throttle", "The task runs once for all hosts, so there is nothing to throttle. Leave out \"run_once\" or \"throttle\".")
	case t.Meta.DelegateTo != nil && t.Meta.PointOfNoReturn:
		bad("point_of_no_return", "A task that is delegated to another host cannot be the point of no return of this one.")
	}
}

func (tr *taskReader) retry(t *Task, b *hclsyntax.Block) {
	if !labels(b, tr.set) {
		return
	}
	r := reader{what: "The block \"retry\"", body: b.Body, rng: b.DefRange(), set: tr.set}
	r.only([]string{"attempts", "delay", "backoff", "until"}, nil)
	t.Meta.Retry = &Retry{Attempts: 3, Delay: r.duration("delay"), Backoff: 1, Until: r.expr("until")}
	if r.expr("attempts") != nil {
		t.Meta.Retry.Attempts = r.integer("attempts", 1, 100000)
	}
	if v, ok := r.constant("backoff", cty.Number); ok {
		t.Meta.Retry.Backoff, _ = v.AsBigFloat().Float64()
	}
	if t.Meta.Retry.Backoff < 1 || t.Meta.Retry.Backoff > 100 {
		rng := r.expr("backoff").Range()
		tr.set.Append(diag.Errorf("Invalid value", &rng, "The argument \"backoff\" is the factor by which the delay grows after each attempt; it must be between 1 and 100."))
	}
}

// resolveNotify turns the names in notify into handlers.
func (tr *taskReader) resolveNotify() {
	byName := map[string]*Task{}
	var names []string
	for _, h := range tr.declared.Handlers {
		key := h.Module + "." + h.Name
		byName[key] = h
		names = append(names, key)
	}
	for _, t := range tr.all {
		for _, ref := range t.Meta.notify {
			key := ref.module + "." + ref.name
			h, ok := byName[key]
			if !ok && tr.declared.broken["handler."+key] {
				continue
			}
			if !ok {
				tr.set.Append(diag.Errorf("Unknown handler", &ref.rng, "%s declares no handler %q %q.%s", upperFirst(tr.owner), ref.module, ref.name, diag.DidYouMean(key, names)))
				continue
			}
			t.Meta.Notify = append(t.Meta.Notify, h)
		}
	}
}

// whose names the body for "handlers of".
func (tr *taskReader) whose() string {
	if tr.unit == &tr.ld.pb.Unit {
		return "this play"
	}
	return tr.owner
}
