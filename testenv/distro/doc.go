// Package distro builds the two Linux distributions the lab migrates between.
//
// No CentOS or openEuler mirror is needed. Two Debian releases stand in: the
// older one is the source, the newer one the target. Their root file systems
// are made with mmdebstrap and repackaged, file by file, into signed RPMs that
// are named, versioned and related to each other the way the real
// distributions are: dist tags, Requires and Provides on sonames and symbol
// versions, Obsoletes, %config(noreplace), scriptlets, release packages.
// What dnf and rpm then do on a host is the real thing.
//
// Build is the entry point. It is cached: the result lives in a directory
// named by the hash of its Recipe and is never changed once it is complete.
package distro
