// Command bench measures ferry beside Ansible, Ansible with Mitogen, clush and
// a bare loop over ferry's own SSH shell ("floor"), on the same lab hosts, and
// writes docs/benchmarks.md. It needs root and Debian and installs what it
// needs. "go run ./testenv/bench --help" lists its flags.
//
// A contender (ansible.go, clush.go, ferry.go, floor.go) turns work into a
// command line; a work (noop.go, mixed.go, facts.go, files.go) says what is to be
// done, how it is undone on a host and how to see there that it was done.
// Packages: meter counts, delay makes hosts distant, report writes the page,
// fleet measures thousands of hosts.
package main
