// Package commands holds the modules that run commands and those that only
// speak: print, assert, fail.
package commands
