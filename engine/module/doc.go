// Package module is the contract between the engine and its modules.
//
// A module is one Go file: an Info, and a struct whose fields are its
// arguments. The engine decodes the arguments, asks Probe what must change,
// shows that as a plan or calls Apply, and probes again to see that it is so.
// Dry run, convergence, diffs, retries, timeouts, become and redaction are the
// engine's work, not the modules'.
package module
