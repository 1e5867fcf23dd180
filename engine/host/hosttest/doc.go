// Package hosttest is a fake host: what a module sees of a host, from a text.
//
// The text says what the host shows (facts, files, the output of commands) and,
// in stages, what it shows after something was done to it. Every call is
// recorded, and any call can be made to fail, so that a test can prove that a
// module never mistakes "cannot tell" for "nothing to do".
package hosttest
