package playbook

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/ferry-ops/ferry/engine/diag"
)

// Stack is a piece of middleware with the hooks a play calls by name.
type Stack struct {
	Name        string
	Description string
	Unit        *Unit                           // its variables, local values and handlers
	Detect      *Unit                           // the hook "detect", or nil: the stack is on every host
	Hooks       map[string]*Unit                // the other hooks, by name
	Args        map[string]*hclsyntax.Attribute // values of its variables
	When        hclsyntax.Expression            // the stack is on no host for which this does not hold
	Range       hcl.Range

	given *kept[unitValues] // what Args gave; nil keeps nothing
}

const detect = "detect"

// knownHooks are the hooks a migration calls, in the order it does.
var knownHooks = []string{detect, "drain", "backup", "stop", "fixup", "start", "verify", "rejoin"}

// backwards are the hooks that are called in reverse order of declaration: what
// was taken down first comes up last.
var backwards = []string{"start", "verify", "rejoin"}

// Stack returns the declared stack of that name, or nil.
func (pb *Playbook) Stack(name string) *Stack {
	for _, s := range pb.Stacks {
		if s.Name == name {
			return s
		}
	}
	return nil
}

func (pb *Playbook) stackNames() []string {
	var out []string
	for _, s := range pb.Stacks {
		out = append(out, s.Name)
	}
	return out
}

// readStack reads a stack as the playbook declares it, and its directory.
func (ld *loader) readStack(b *hclsyntax.Block, set *diag.Set) {
	if !labels(b, set, "NAME") {
		return
	}
	pb := ld.pb
	st := &Stack{Name: b.Labels[0], Range: b.DefRange(), Args: map[string]*hclsyntax.Attribute{}, Hooks: map[string]*Unit{}}
	if old := pb.Stack(st.Name); old != nil {
		set.Append(diag.Errorf("Duplicate stack", &st.Range, "The stack %q is declared twice, first at %s.", st.Name, place(old.Range)))
		return
	}
	r := reader{what: fmt.Sprintf("The stack %q", st.Name), body: b.Body, rng: st.Range, set: set}
	r.noBlocks("What a stack does is written in its directory; here it is given values.")
	for name, a := range b.Body.Attributes {
		switch {
		case name == "for_each" || name == "tags":
			set.Append(diag.Errorf("Unknown argument", &a.NameRange, "The declaration of a stack takes no %q: a host has the stack or has it not.", name))
		case !contains(siteArgs, name):
			st.Args[name] = a
		}
	}
	st.When = r.expr("when")
	r.str("description")
	s := site{reader: r, name: st.Name, what: fmt.Sprintf("the stack %q", st.Name), prefix: "stack." + st.Name + ".", unit: &pb.Unit}
	found, ok := ld.open(s, stackKind)
	if !ok {
		if pb.broken == nil {
			pb.broken = map[string]bool{}
		}
		pb.broken["stack."+st.Name] = true
		return
	}
	st.Unit = ld.newUnit(s, found)
	if become := r.optBool("become"); become != nil {
		st.Unit.Become = become
	}
	ld.readStackFiles(st, found)
	pb.Stacks = append(pb.Stacks, st)
}

var stackBlocks = []string{"ferry", "stack", "variable", "locals", "hook", "handler"}

// readStackFiles reads the directory of a stack.
func (ld *loader) readStackFiles(st *Stack, found used) {
	u := st.Unit
	ld.in(u, func(set *diag.Set) {
		var header hcl.Range
		for _, f := range found.files {
			reader{what: "A file of a stack", body: f.body, set: set}.only(nil, stackBlocks)
			u.readNames(f.body, set)
			for _, b := range f.body.Blocks {
				if b.Type == "stack" && labels(b, set, "NAME") {
					rng := b.DefRange()
					if header.Filename != "" {
						set.Append(diag.Errorf("Duplicate stack", &rng, "The directory describes two stacks, the other one at %s. Each stack has a directory of its own.", place(header)))
					}
					header = rng
					r := reader{what: "The block \"stack\"", body: b.Body, rng: rng, set: set}
					r.only([]string{"description"}, nil)
					st.Description = r.str("description")
				}
			}
		}
		if header.Filename == "" && !set.HasErrors() {
			rng := found.files[0].body.SrcRange
			rng.End = rng.Start
			set.Append(diag.Errorf("Not a stack", &rng, "The files of %s do not say that they are a stack. One of them says so:\n    stack %q { description = \"…\" }", u.Dir, st.Name))
		}
		tr := ld.taskReader(u, &u.Body, u.what, set)
		for _, f := range found.files {
			tr.handlers(f.body)
		}
		tr.resolveNotify()
		for _, f := range found.files {
			for _, b := range f.body.Blocks {
				if b.Type == "hook" {
					ld.readHook(st, b, set)
				}
			}
		}
	})
}

// readHook reads one hook of a stack. Its results are its own.
func (ld *loader) readHook(st *Stack, b *hclsyntax.Block, set *diag.Set) {
	if !labels(b, set, "NAME") {
		return
	}
	name, rng := b.Labels[0], b.DefRange()
	if st.Hooks[name] != nil || name == detect && st.Detect != nil {
		set.Append(diag.Errorf("Duplicate hook", &rng, "The stack %q declares the hook %q twice. Write its tasks into one.", st.Name, name))
		return
	}
	h := *st.Unit
	h.Body = Body{}
	h.Outputs = nil
	h.what = fmt.Sprintf("the hook %q", name)
	h.prefix = st.Unit.prefix + name + "."
	r := reader{what: upperFirst(h.what), body: b.Body, rng: rng, set: set}
	allowed := []string{"task", "check", "block", "use", "flush_handlers"}
	if name == detect {
		allowed = []string{"check"}
	}
	r.only([]string{"description"}, allowed)
	r.str("description")
	tr := ld.taskReader(&h, &h.Body, h.what, set)
	tr.declared, tr.owner = &st.Unit.Body, st.Unit.what
	h.Items = tr.items(b.Body)
	tr.resolveNotify()
	ld.pb.units = append(ld.pb.units, &h)
	if name != detect {
		st.Hooks[name] = &h
		return
	}
	st.Detect = &h
	for _, t := range tr.all {
		if t.Meta.ForEach != nil || len(t.Meta.notify) > 0 || t.Meta.IgnoreErrors {
			set.Append(diag.Errorf("Argument not possible here", &t.Range, "A check that detects a stack takes no for_each, notify or ignore_errors: it passes, or the stack is not there."))
		}
	}
	if len(h.Items) == 0 && !set.HasErrors() {
		set.Append(diag.Errorf("Empty hook", &rng, "The hook \"detect\" holds no check, so nothing would tell whether a host has the stack. Leave it out if every host has it."))
	}
}

// checkStack checks a stack and all its hooks, called or not.
func (ld *loader) checkStack(st *Stack) {
	v := ld.env(&ld.pb.Unit, nil, perHostRoots)
	v.refs(st.When, ld.set)
	for _, name := range sortedAttrNames(st.Args) {
		v.refs(st.Args[name].Expr, ld.set)
	}
	scope := ld.pb.staticScope(&ld.pb.Unit, nil).Context(nil)
	ctx := scope
	if ld.set.HasErrors() {
		ctx = nil
	} else {
		checkMeta(ld.set, scope, st.When)
	}
	st.Unit.checkArgs(st.Args, st.Range, ctx, ld.set)
	ld.in(st.Unit, func(set *diag.Set) {
		ld.checkLocals(st.Unit, set)
		ld.checkBody(st.Unit, &st.Unit.Body, set)
		if st.Detect != nil {
			ld.checkHook(st, st.Detect, set)
		}
		for _, name := range slices.Sorted(maps.Keys(st.Hooks)) {
			ld.checkHook(st, st.Hooks[name], set)
		}
	})
}

func (ld *loader) checkHook(st *Stack, h *Unit, set *diag.Set) {
	h.locals = st.Unit.locals // in the order of what they depend on
	ld.checkBody(h, &h.Body, set)
}
