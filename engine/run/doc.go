// Package run executes a playbook: it moves plays over hosts in batches, runs
// each host's tasks (probe, plan, apply, probe again), keeps the failure budget
// and tells everything as events.
//
// A host is one goroutine; hosts do not wait for each other within a batch. The
// package knows neither SSH nor the inventory: it is given hosts and a function
// that connects to one.
package run
