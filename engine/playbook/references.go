package playbook

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// hostAttrs are the attributes of the object "host".
var hostAttrs = []string{"name", "address", "groups", "vars"}

// env says which names an expression may mention.
type env struct {
	ld     *loader
	unit   *Unit
	here   string           // how diagnostics name the body: "this play"
	tasks  map[string]*Task // of the body, by local address, that have run before this place
	later  map[string]*Task // of the body, that have not
	uses   map[string]*Use  // likewise, by name
	laterU map[string]*Use
	each   bool
	self   *Task
	roots  []string
	broken map[string]bool
	// muted is set where something does not resolve and is not reported, since
	// what it means could not be read.
	muted bool
	needs []*Stack // filled with the stacks mentioned
}

var rootNames = []string{"var", "local", "facts", "host", "groups", "task", "check", "use", "stack", "each", "self", "path"}

// refs reports every name in e that does not resolve.
func (v *env) refs(e hclsyntax.Expression, set *diag.Set) {
	if e == nil {
		return
	}
	for _, t := range e.Variables() {
		v.ref(t, nil, set)
	}
}

func (v *env) ref(t hcl.Traversal, more []string, set *diag.Set) {
	rng := t.SourceRange()
	bad := func(summary, format string, args ...any) {
		set.Append(diag.Errorf(summary, &rng, format, args...))
	}
	root := t.RootName()
	if contains(more, root) {
		return
	}
	if !contains(rootNames, root) {
		hint := diag.DidYouMean(root, append(rootNames[:len(rootNames):len(rootNames)], more...))
		if v.unit.Variable(root) != nil {
			hint = fmt.Sprintf(" Write var.%s for the variable of this name.", root)
		} else if v.unit.local(root) != nil {
			hint = fmt.Sprintf(" Write local.%s for the local value of this name.", root)
		} else if h := yesNo(root); h != "" {
			hint = h
		}
		bad("Unknown reference", "There is nothing called %q here; references start with one of %s.%s", root, strings.Join(v.usable(), ", "), hint)
		return
	}
	if !contains(v.roots, root) {
		bad("Reference not possible here", "%q cannot be used in this place; what can is %s.", root, strings.Join(v.usable(), ", "))
		return
	}
	attr := ""
	if len(t) > 1 {
		attr = attrName(t[1])
	}
	one := func(kind string, known []string) {
		switch {
		case attr == "":
			bad("Incomplete reference", "%q needs the name of %s, written %s.NAME.", root, kind, root)
		case !contains(known, attr) && v.ld.partial && (root == "var" || root == "local"):
			v.muted = true
		case !contains(known, attr):
			bad("Unknown "+strings.TrimPrefix(strings.TrimPrefix(kind, "a "), "an "), "There is no %s %q.%s", strings.TrimPrefix(kind, "a "), attr, v.hint(root, attr, known))
		}
	}
	switch root {
	case "var":
		one("a variable", v.unit.variableNames())
	case "local":
		one("a local value", v.unit.localNames())
	case "facts":
		one("a fact", factNames())
	case "host":
		one("a host attribute", hostAttrs)
	case "groups":
		v.noteGroup(t)
	case "path":
		one("a path", v.paths())
	case "each":
		if !v.each {
			bad("Reference not possible here", "\"each\" exists only in a block that has the argument \"for_each\".")
			return
		}
		one("an attribute of each", []string{"key", "value"})
	case "self":
		if v.self == nil {
			bad("Reference not possible here", "\"self\" is the result of the task itself and exists only in changed_when, failed_when and until.")
			return
		}
		one("a result", resultNames(v.self))
	case "task", "check":
		v.taskRef(t, root, bad)
	case "use":
		v.useRef(t, bad)
	case "stack":
		v.stackRef(t, bad)
	}
}

// hint says what may have been meant by an unknown name; in a set, that the
// names of its user are not seen.
func (v *env) hint(root, name string, known []string) string {
	pb := v.ld.pb
	switch {
	case v.unit == &pb.Unit:
	case root == "var" && pb.Variable(name) != nil, root == "local" && pb.local(name) != nil:
		return fmt.Sprintf(" The playbook has one, and %s sees only what is passed to it: declare a variable here and give it a value where the source is named.", v.unit.what)
	case root == "path":
		return " Write path.module for the directory of these files."
	}
	return diag.DidYouMean(name, known)
}

// paths are the attributes of "path": a set knows its own directory only.
func (v *env) paths() []string {
	if v.unit == &v.ld.pb.Unit {
		return []string{"playbook", "module"}
	}
	return []string{"module"}
}

// usable lists the roots that mean something at this place.
func (v *env) usable() []string {
	var out []string
	for _, r := range v.roots {
		unused := r == "each" && !v.each || r == "self" && v.self == nil || r == "use" && len(v.uses)+len(v.laterU) == 0 || r == "stack" && len(v.ld.pb.Stacks) == 0
		if !unused {
			out = append(out, r)
		}
	}
	return out
}

func (v *env) taskRef(t hcl.Traversal, root string, bad func(string, string, ...any)) {
	if len(t) < 3 || attrName(t[1]) == "" || attrName(t[2]) == "" {
		bad("Incomplete reference", "The result of a %s is written %s.MODULE.NAME.ATTRIBUTE.", root, root)
		return
	}
	addr := root + "." + attrName(t[1]) + "." + attrName(t[2])
	task, ok := v.tasks[addr]
	if !ok {
		if v.broken[addr] {
			v.muted = true
			return
		}
		if _, later := v.later[addr]; later {
			bad("Reference to a later "+root, "The result of %s is not there yet, since it runs after this place. Move one of them.", addr)
			return
		}
		var known []string
		for a := range v.tasks {
			known = append(known, a)
		}
		sort.Strings(known)
		bad("Unknown "+root, "%s has no %s %q %q before this place.%s", upperFirst(v.here), root, attrName(t[1]), attrName(t[2]), diag.DidYouMean(addr, known))
		return
	}
	task.ResultUsed = true
	if task.Meta.ForEach != nil || len(t) < 4 {
		return
	}
	if a := attrName(t[3]); a != "" && !contains(resultNames(task), a) {
		bad("Unknown result", "A %s of the module %q has no result %q.%s", root, task.Module, a, diag.DidYouMean(a, resultNames(task)))
	}
}

// useRef resolves use.NAME.OUTPUT.
func (v *env) useRef(t hcl.Traversal, bad func(string, string, ...any)) {
	name := ""
	if len(t) > 1 {
		name = attrName(t[1])
	}
	u, ok := v.uses[name]
	if name == "" || ok && len(t) < 3 && u.ForEach == nil {
		bad("Incomplete reference", "An output of a set is written use.NAME.OUTPUT.")
		return
	}
	if !ok {
		switch _, later := v.laterU[name]; {
		case v.broken["use."+name]:
			v.muted = true
		case later:
			bad("Reference to a later use", "The outputs of use.%s are not there yet, since it runs after this place. Move one of them.", name)
		default:
			bad("Unknown use", "%s has no use %q before this place.%s", upperFirst(v.here), name, diag.DidYouMean(name, keys(v.uses)))
		}
		return
	}
	if u.ForEach != nil { // use.NAME["key"].OUTPUT
		if t = t[1:]; len(t) < 3 {
			return
		}
	}
	if a := attrName(t[2]); a != "" && u.Unit.output(a) == nil && !u.Unit.broken["output."+a] {
		hint := diag.DidYouMean(a, u.Unit.outputNames())
		if len(u.Unit.Outputs) == 0 {
			hint = " It declares none: an output is written as\n    output \"" + a + "\" { value = … }"
		}
		bad("Unknown output", "%s has no output %q.%s", upperFirst(u.Unit.what), a, hint)
	}
}

// stackRef resolves stack.NAME.present.
func (v *env) stackRef(t hcl.Traversal, bad func(string, string, ...any)) {
	name := ""
	if len(t) > 1 {
		name = attrName(t[1])
	}
	st := v.ld.pb.Stack(name)
	switch {
	case name == "" || len(t) < 3:
		bad("Incomplete reference", "Whether a host has a stack is written stack.NAME.present.")
	case v.broken["stack."+name] || v.ld.pb.broken["stack."+name] || st == nil && v.ld.partial:
		v.muted = true
	case st == nil:
		bad("Unknown stack", "The playbook declares no stack %q.%s", name, diag.DidYouMean(name, v.ld.pb.stackNames()))
	case attrName(t[2]) != "present":
		bad("Unknown attribute", "A stack has the attribute \"present\" and no %q.", attrName(t[2]))
	default:
		v.needs = append(v.needs, st)
	}
}

func keys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}

// attrName returns the name a traversal step selects, or "".
func attrName(s hcl.Traverser) string {
	switch s := s.(type) {
	case hcl.TraverseAttr:
		return s.Name
	case hcl.TraverseIndex:
		if s.Key.Type() == cty.String && s.Key.IsKnown() && !s.Key.IsNull() {
			return s.Key.AsString()
		}
	}
	return ""
}

func factNames() []string {
	defs := host.FactDefs()
	out := make([]string, len(defs))
	for i, d := range defs {
		out[i] = d.Name
	}
	return out
}

// declared returns the module's own results, nil if it has none.
func declared(i module.Info) *schema.Results {
	var r module.Reporter
	var ok bool
	if i.NewCheck != nil {
		r, ok = i.NewCheck().(module.Reporter)
	} else {
		r, ok = i.New().(module.Reporter)
	}
	if !ok {
		return nil
	}
	var out schema.Results
	r.Results(&out)
	return &out
}

// standardResults are what every task tells.
func standardResults(kind string) map[string]cty.Type {
	if kind == "check" {
		return map[string]cty.Type{"passed": cty.Bool, "skipped": cty.Bool, "findings": cty.List(cty.String)}
	}
	return map[string]cty.Type{"changed": cty.Bool, "skipped": cty.Bool, "failed": cty.Bool}
}

func resultNames(t *Task) []string {
	var out []string
	for n := range standardResults(t.Kind) {
		out = append(out, n)
	}
	if r := declared(t.Info); r != nil {
		for _, a := range r.Attrs() {
			out = append(out, a.Name)
		}
	}
	sort.Strings(out)
	return out
}

// unknownResult is what is known of a task's result before it has run.
func unknownResult(t *Task) cty.Value {
	if t.Meta.ForEach != nil {
		return cty.DynamicVal
	}
	attrs := map[string]cty.Value{}
	for n, ty := range standardResults(t.Kind) {
		attrs[n] = cty.UnknownVal(ty)
	}
	if r := declared(t.Info); r != nil {
		for n, v := range r.Unknown().AsValueMap() {
			attrs[n] = v
		}
	}
	return cty.ObjectVal(attrs)
}

// NullResults returns the results of a task as null values of their types.
func NullResults(t *Task) map[string]cty.Value {
	attrs := map[string]cty.Value{}
	for n, ty := range standardResults(t.Kind) {
		attrs[n] = cty.NullVal(ty)
	}
	if r := declared(t.Info); r != nil {
		for _, a := range r.Attrs() {
			attrs[a.Name] = cty.NullVal(a.Type)
		}
	}
	return attrs
}

// yesNo says how yes and no are written, to whoever knows them from other
// languages, or "" for any other name.
func yesNo(name string) string {
	switch strings.ToLower(name) {
	case "yes", "on":
		return " Yes is written true."
	case "no", "off":
		return " No is written false."
	case "true", "false":
		return " It is written " + strings.ToLower(name) + "."
	}
	return ""
}
