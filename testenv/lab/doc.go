// Package lab boots hosts of the source distribution on this machine, serves
// both distributions to them, and takes all of it away again.
//
// A host is an overlay on the source's root file system, booted with real
// systemd by systemd-nspawn in a network namespace of its own. The lab's
// bridge connects the hosts to each other, to this machine and to the
// repository server; nothing leaves the machine.
//
// Everything a lab starts is recorded in its directory under StateDir before
// anything depends on it, and every process also sits in a control group of
// the lab's own. So Down removes exactly what Up made, also when Up or this
// process was killed half-way. The host's file system is mounted in the
// supervisor's private mount namespace, so it goes when the supervisor goes.
package lab
