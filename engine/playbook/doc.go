// Package playbook loads HCL playbooks: it reads files, checks everything that
// can be checked without a host, and evaluates expressions for one.
//
// Loading is static. Every name an expression mentions (variable, local, fact,
// task, module, argument, function) is resolved when the playbook is loaded, so
// a spelling mistake costs a second and not a maintenance window. It knows
// neither hosts' connections nor how tasks are scheduled.
package playbook
