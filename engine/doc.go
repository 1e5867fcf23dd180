// Package engine is the façade that the command line uses: it turns a loaded
// playbook and an inventory into a run.
//
// The map of what is below it:
//
//	schema    arguments of modules: declaration, decoding, documentation
//	module    the contract between engine and modules
//	host      what a module sees of a host; jobs, reboots, facts
//	ssh       the transport: dialling, the framed shell, file transfer
//	local     the same for this machine
//	playbook  the language: loading, static checks, evaluation
//	run       the scheduler: plays, batches, tasks, handlers
//	journal   the durable record of runs
//	event     the one stream of what happens
//	diag      diagnostics with sources, and their rendering
//	format    the layout of HCL files
//	rpmver    rpm's comparison of versions
//
// Imports point downwards: modules see module, schema and host only; nothing
// here sees the modules or the command line.
package engine
