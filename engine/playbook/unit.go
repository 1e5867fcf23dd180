package playbook

import (
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty/function"
)

// Unit is a scope of names: the playbook itself, a set that a use brings in, a
// stack, or a hook of a stack. Expressions in it see its own variables, local
// values and results, the host and its facts, and nothing of who uses it.
type Unit struct {
	Body      // what it holds; empty for the playbook itself, whose tasks are in plays
	Dir       string
	Variables []*Variable
	Outputs   []*Output
	// Become is the word of the nearest use or stack around the unit's tasks; nil
	// leaves it to the play.
	Become *bool

	what      string      // how diagnostics name it, in lower case: `the set "web"`
	prefix    string      // of the addresses of its tasks: "use.web."
	usedAt    []hcl.Range // where it is used, innermost first; empty for the playbook
	locals    []*local
	functions map[string]function.Function
	static    map[string]function.Function // the same, for checks without a host
	chain     []link                       // the directories that lead here, the playbook's first
	tree      string                       // the fetched tree it is in, which it cannot leave; "" if there is none
	classes   *classes                     // what its expressions gave; nil keeps nothing
}

// link is one step of a chain of uses.
type link struct {
	dir  string // absolute, without symbolic links
	name string // as diagnostics show it
}

// Body is a list of items with the handlers they may notify.
type Body struct {
	Items    []Item
	Handlers []*Task

	// broken are the addresses of what could not be read; what refers to them is
	// not reported a second time.
	broken map[string]bool
}

// Output is a value a set gives to who uses it.
type Output struct {
	Name        string
	Description string
	Sensitive   bool
	Range       hcl.Range

	expr hclsyntax.Expression
}

// Use is an item that runs the tasks of a set.
type Use struct {
	Name    string
	Unit    *Unit
	Outer   *Unit                           // in which the use is written
	Args    map[string]*hclsyntax.Attribute // values of the set's variables
	When    hclsyntax.Expression
	ForEach hclsyntax.Expression
	Tags    []string
	Range   hcl.Range
	Needs   []*Stack // whose presence the expressions mention

	unresolved bool // it mentions something there is not

	given *kept[unitValues] // what Args gave; nil keeps nothing
}

func (*Use) item() {}

// Address names the use within its play.
func (u *Use) Address() string { return u.Unit.prefix[:len(u.Unit.prefix)-1] }

// UsedAt says where the unit is used, "FILE:LINE, which is used at FILE:LINE",
// or "" for the playbook itself.
func (u *Unit) UsedAt() string {
	s := ""
	for i, r := range u.usedAt {
		if i > 0 {
			s += ", which is used at "
		}
		s += place(r)
	}
	return s
}

func (u *Unit) output(name string) *Output {
	for _, o := range u.Outputs {
		if o.Name == name {
			return o
		}
	}
	return nil
}

func (u *Unit) outputNames() []string {
	out := make([]string, len(u.Outputs))
	for i, o := range u.Outputs {
		out[i] = o.Name
	}
	return out
}

// Instance returns a copy of the use for one element of its for_each, whose
// tasks and handlers are its own: addresses, results and notifications of the
// elements do not mix.
func (u *Use) Instance(key string) *Use {
	c := *u
	c.ForEach = nil
	c.Unit = u.Unit.copied(u.Address() + "[" + strconv.Quote(key) + "].")
	return &c
}

// copied returns the unit with tasks and handlers of its own.
func (u *Unit) copied(prefix string) *Unit {
	c := *u
	c.prefix = prefix
	made := map[*Task]*Task{}
	task := func(t *Task) *Task {
		n := *t
		n.Unit, n.origin = &c, t
		made[t] = &n
		return &n
	}
	c.Handlers = nil
	for _, h := range u.Handlers {
		c.Handlers = append(c.Handlers, task(h))
	}
	var items func([]Item) []Item
	items = func(list []Item) []Item {
		var out []Item
		for _, it := range list {
			switch it := it.(type) {
			case *Task:
				out = append(out, task(it))
			case *Block:
				b := *it
				b.Unit = &c
				b.Items, b.Rescue, b.Always = items(it.Items), items(it.Rescue), items(it.Always)
				out = append(out, &b)
			case *Use:
				n := *it
				n.Outer = &c
				n.Unit = it.Unit.copied(prefix + it.Unit.prefix[len(u.prefix):])
				out = append(out, &n)
			default: // what belongs to no unit
				out = append(out, it)
			}
		}
		return out
	}
	c.Items = items(u.Items)
	for old, n := range made {
		n.Meta.Notify = nil
		for _, h := range old.Meta.Notify {
			if own := made[h]; own != nil { // the handlers of a stack stay those of all its hooks
				h = own
			}
			n.Meta.Notify = append(n.Meta.Notify, h)
		}
	}
	return &c
}

// uses lists the uses among items, in the order written, not those inside them.
func uses(items []Item) []*Use {
	var out []*Use
	for _, it := range items {
		switch it := it.(type) {
		case *Use:
			out = append(out, it)
		case *Block:
			out = append(append(append(out, uses(it.Items)...), uses(it.Rescue)...), uses(it.Always)...)
		}
	}
	return out
}

// own calls f for the tasks among items that belong to the same unit.
func own(items []Item, f func(*Task)) {
	for _, it := range items {
		switch it := it.(type) {
		case *Task:
			f(it)
		case *Block:
			own(it.Items, f)
			own(it.Rescue, f)
			own(it.Always, f)
		}
	}
}

// Units lists the sets and stacks among items, with those that sets use in turn,
// in the order written.
func Units(items []Item) []*Unit {
	var out []*Unit
	seen := map[*Unit]bool{}
	add := func(u *Unit) {
		if !seen[u] {
			seen[u] = true
			out = append(out, u)
		}
	}
	var walk func([]Item)
	walk = func(items []Item) {
		for _, it := range items {
			switch it := it.(type) {
			case *Block:
				walk(it.Items)
				walk(it.Rescue)
				walk(it.Always)
			case *Use:
				add(it.Unit)
				walk(it.Unit.Items)
			case *Call:
				for i, st := range it.Stacks {
					add(st.Unit)
					walk(it.Units[i].Items)
				}
			}
		}
	}
	walk(items)
	return out
}

// UseNames lists the names of the uses among items.
func UseNames(items []Item) []string {
	var out []string
	for _, u := range uses(items) {
		out = append(out, u.Name)
	}
	return out
}
