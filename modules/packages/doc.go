// Package packages holds the modules for packages, repositories, signing keys
// and the rpm database, and with distro_sync the one that replaces a
// distribution.
//
// Package transactions run as detached jobs: they survive a lost connection and
// the death of ferry. What rpm and dnf print is read by the parsers in rpm.go,
// transaction.go and repofile.go, which are fuzzed.
package packages
