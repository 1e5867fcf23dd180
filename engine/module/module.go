package module

import (
	"context"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Info describes a module to the registry, the loader and the documentation.
type Info struct {
	Name    string // as written in a playbook
	Summary string // one line, for lists
	Doc     string // Markdown: behaviour worth knowing, in the user's words
	Example string // HCL: a task or check that loads and decodes
	Effects Effects

	// Exactly one of New and NewCheck is set. They return a value whose fields
	// hold the defaults of the arguments; it is used for one host and one task.
	New      func() Step
	NewCheck func() Check
}

// Kind is the block the module is used with: "task" or "check".
func (i Info) Kind() string {
	if i.NewCheck != nil {
		return "check"
	}
	return "task"
}

// Effects are what a module may do to a host beyond its arguments. They are
// shown in a plan.
type Effects uint

// The effects.
const (
	// Action: the module does something each time it is used (a command, a
	// reboot), instead of bringing about a state. The engine does not probe
	// again afterwards.
	Action Effects = 1 << iota
	// Local: the module never talks to the host.
	Local
	Reboots
	RestartsServices
	ReplacesPackages
	MayLoseConnection
	// ChangesFacts: what was gathered about the host may be different afterwards.
	ChangesFacts
)

// Has reports whether all effects of f are set.
func (e Effects) Has(f Effects) bool { return e&f == f }

// Names returns the effects in words, for plans and documentation.
func (e Effects) Names() []string {
	var out []string
	for _, n := range []struct {
		f Effects
		s string
	}{
		{Action, "acts each time it runs"}, {Local, "runs on the controller"}, {Reboots, "reboots the host"},
		{RestartsServices, "restarts services"}, {ReplacesPackages, "replaces packages"},
		{MayLoseConnection, "may interrupt the connection"},
	} {
		if e.Has(n.f) {
			out = append(out, n.s)
		}
	}
	return out
}

// Step is one use of a module. Its fields hold the block's arguments.
type Step interface {
	Schema(*schema.Block)
	// Probe compares the host with the arguments and returns what must change.
	// If it cannot tell, it returns an error, never an empty plan.
	Probe(context.Context, host.Reader) (Plan, error)
	// Apply makes the changes of a plan that Probe returned for this host.
	// Running it again after it was interrupted anywhere must be safe.
	Apply(context.Context, host.Host, Plan) error
}

// Check is one use of a module that can only look. It passes with no findings.
type Check interface {
	Schema(*schema.Block)
	// Check returns what it found wrong. If it cannot tell, it returns an error,
	// never an empty list.
	Check(context.Context, host.Reader) ([]Finding, error)
}

// Plan is the changes a step needs; empty means the host already complies.
type Plan []Change

// Change is one difference between a host and the arguments.
type Change struct {
	// Argument is the argument the change belongs to, or a short name of the
	// thing that changes ("package nginx").
	Argument string `json:"argument"`
	// From and To are the values before and after, in the user's words.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Diff is a unified diff where the values are texts.
	Diff string `json:"diff,omitempty"`
	// Sensitive changes are shown without their values.
	Sensitive bool `json:"sensitive,omitempty"`
}

// Line is the change in one line, without its diff.
func (c Change) Line() string {
	switch {
	case c.Sensitive:
		return c.Argument + ": (sensitive)"
	case c.From == "" && c.To == "":
		return c.Argument
	case c.From == "":
		return c.Argument + ": " + c.To
	}
	return c.Argument + ": " + c.From + " -> " + c.To
}

// Finding is one thing a check noticed.
type Finding struct {
	Summary string `json:"summary"` // one line
	Detail  string `json:"detail,omitempty"`
	Cure    string `json:"cure,omitempty"` // what to do about it
	// Inhibitor findings forbid migrating; see the survey.
	Inhibitor bool `json:"inhibitor,omitempty"`
}

// Validator is implemented by steps and checks with rules across arguments. It
// is called when all arguments are known. The error is a full sentence.
type Validator interface {
	Validate() error
}

// Reporter is implemented by steps and checks that tell later tasks something.
// The bound variables are read after Apply (or after Probe, if nothing changed).
type Reporter interface {
	Results(*schema.Results)
}

// Reverter is implemented by steps that can undo what they did.
type Reverter interface {
	Revert(context.Context, host.Host, Plan) error
}

// Joiner is implemented by steps whose change can be made in one go with that of
// the steps of the same module that follow: packages in one transaction. The
// engine joins only steps that were probed and are used in the same way (host,
// user, environment), and probes each of them again when its turn comes.
type Joiner interface {
	// Join returns a step whose Apply does what both would do one after the other,
	// whether or not next had something to change. It returns false if that cannot
	// be, or if one could alter what another was seen to need. The Probe of the
	// step it returns is asked only after a lost connection. Neither the receiver
	// nor next is changed.
	Join(next Step) (Step, bool)
}

// Progress is implemented by steps whose Apply takes long; the engine sets the
// function before Apply. It may be called from any goroutine.
type Progress interface {
	SetProgress(func(line string))
}

// Speaker is implemented by steps that have something to say to the user.
type Speaker interface {
	// Message is read after Probe and Apply.
	Message() string
}

// Named is implemented by steps that take the name of their task as a default.
// SetName is called before Schema.
type Named interface {
	SetName(name string)
}

// Actor is implemented by steps that, with some arguments, act each time they
// run instead of bringing about a state ("restarted"). See Action.
type Actor interface {
	Acts() bool
}

// Solitary is implemented by steps and checks whose looking must not run beside
// that of others, because it takes a lock of the host (the package manager's) or
// very long.
type Solitary interface {
	Solitary() bool
}
