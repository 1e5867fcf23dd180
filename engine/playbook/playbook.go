package playbook

import (
	"io/fs"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Playbook is a loaded playbook. It is not changed after Load and may be used
// concurrently.
type Playbook struct {
	Name    string // base name of its directory or file
	Unit           // its variables, local values and directory (an absolute path)
	Plays   []*Play
	Stacks  []*Stack
	Sources diag.Sources
	Files   *schema.Files
	// Facts are the names of all facts the playbook mentions, sorted; nothing
	// else is gathered.
	Facts []string

	autoVars []assignment
	units    []*Unit // all of them, the playbook's own first
	secrets  *secrets
	// usesGroups and groupRefs are what expressions mention of the inventory.
	usesGroups bool
	groupRefs  []groupRef
	sources    Sources // of WithSources
	library    fs.FS   // of WithLibrary

	keep, partial bool // see Keep; whether a file could not be read
	everyHost     bool // see EveryHost
}

// Variable is a declared input.
type Variable struct {
	Name        string
	Description string
	Sensitive   bool
	Range       hcl.Range

	typ         cty.Type
	defaults    typeDefaults
	def         *cty.Value
	validations []validation

	kept *keptVariable // nil where its value costs nothing
}

type validation struct {
	condition hclsyntax.Expression
	message   hclsyntax.Expression
}

type local struct {
	name   string
	expr   hclsyntax.Expression
	nested bool // it mentions other local values
}

// Play is one pass over a set of hosts.
type Play struct {
	Name        string
	Description string
	Hosts       hclsyntax.Expression // gives a host pattern
	Become      *bool                // nil leaves it to the inventory
	BecomeUser  string
	Rollout     Rollout
	Tags        []string
	Body
	Range hcl.Range

	rollout *hclsyntax.Block // read again when the values of variables are known
}

// Item is a *Task, a *Block, a *Use, a *Call or a *Flush.
type Item interface{ item() }

// Task is one use of a module: a task, a check or a handler.
type Task struct {
	Kind   string // "task", "check" or "handler"
	Module string
	Name   string
	Info   module.Info
	Attrs  map[string]*hclsyntax.Attribute // the module's arguments
	Meta   Meta
	Range  hcl.Range // of the block's header
	Unit   *Unit     // whose names its expressions see
	Needs  []*Stack  // whose presence its expressions mention

	unresolved bool // it mentions something there is not

	origin *Task // of which this is a copy

	// ResultUsed says that something in the play mentions the task's result.
	ResultUsed bool
	// SeesFacts says that the task's arguments, or whether and how often it runs,
	// may depend on facts.
	SeesFacts bool

	fixed map[string]cty.Value // arguments that are the same for every host
	args  *keptArgs            // those that are the same for hosts of a class; nil if none is
}

// Address names the task within its play: task.service.sshd, with what uses its
// set in front, use.web.task.service.nginx.
func (t *Task) Address() string { return t.Unit.prefix + t.local() }

// In reports whether a set holds the task, or the one it is a copy of for one
// element of a for_each.
func (t *Task) In(set map[*Task]bool) bool {
	for ; t != nil; t = t.origin {
		if set[t] {
			return true
		}
	}
	return false
}

// local names the task within its unit, as in references.
func (t *Task) local() string { return t.Kind + "." + t.Module + "." + t.Name }

// Meta holds the arguments every task takes. Nil expressions were not given.
type Meta struct {
	Description     string
	When            hclsyntax.Expression
	ForEach         hclsyntax.Expression
	ChangedWhen     hclsyntax.Expression
	FailedWhen      hclsyntax.Expression
	Environment     hclsyntax.Expression
	BecomeUser      hclsyntax.Expression
	Become          *bool
	DelegateTo      hclsyntax.Expression // the name of the host that does it, or "controller"
	IgnoreErrors    bool
	Sensitive       bool
	PointOfNoReturn bool
	RunOnce         bool // on one host of the play, for all of them
	Throttle        int  // hosts in this task at once; 0 means no limit
	Timeout         time.Duration
	Tags            []string
	Notify          []*Task // handlers of the play
	Retry           *Retry

	notify []notifyRef // resolved into Notify after the play is read
}

type notifyRef struct {
	module, name string
	rng          hcl.Range
}

// Retry says how often a task is tried.
type Retry struct {
	Attempts int
	Delay    time.Duration
	Backoff  float64              // factor on Delay after each attempt; 1 keeps it
	Until    hclsyntax.Expression // may mention self; nil means "until it does not fail"
}

// Block is a group of items with what to do when one of them fails.
type Block struct {
	Name   string
	Items  []Item
	Rescue []Item
	Always []Item
	When   hclsyntax.Expression
	Tags   []string
	Range  hcl.Range
	Unit   *Unit    // whose names its condition sees
	Needs  []*Stack // whose presence its condition mentions
}

// Flush runs the handlers notified so far, where it stands.
type Flush struct{ Range hcl.Range }

func (*Flush) item() {}
func (*Task) item()  {}
func (*Block) item() {}

// Walk calls f for every task of the items, also those in blocks, rescue and
// always, and those of sets and hooks, in the order written.
func Walk(items []Item, f func(*Task)) {
	for _, it := range items {
		switch it := it.(type) {
		case *Task:
			f(it)
		case *Block:
			Walk(it.Items, f)
			Walk(it.Rescue, f)
			Walk(it.Always, f)
		case *Use:
			Walk(it.Unit.Items, f)
		case *Call:
			for _, u := range it.Units {
				Walk(u.Items, f)
			}
		}
	}
}
