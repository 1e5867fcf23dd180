// Package schema declares the arguments and results of modules.
//
// One declaration, bound to a Go variable like in the flag package, gives
// decoding from HCL, diagnostics at the right place, defaults and the
// reference documentation:
//
//	b.String(&s.State, "state", "State the unit must be in.", schema.OneOf("running", "stopped"))
//
// The default of an argument is the value its variable has when it is declared.
// The package knows nothing of hosts, playbooks or modules.
package schema
