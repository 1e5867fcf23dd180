// Package ssh is ferry's transport: it reaches a host over SSH and carries
// commands and files to it. It is the only package that knows the SSH
// protocol; what it offers is a host.Transport.
//
// # One connection, two shells
//
// A Conn keeps one TCP connection to its host and on it at most two long-lived
// shells, become once. The first answers questions (host.Command.ReadOnly),
// the second, opened when first needed, acts. So a long action never makes a
// question wait, and a background process left behind by an action cannot
// print into the answer of a question. A question that finds the first shell
// busy for more than two seconds is asked in the second.
//
// # Frames
//
// Every command is one frame, written to the shell's standard input: it runs
// in a subshell with its own standard input and is followed, on both output
// streams, by a marker with a nonce, the number of the frame and the exit
// status. Frames are written without waiting for earlier answers, so what is
// asked concurrently costs one round trip. Nothing of a frame is in any
// process's arguments except those of the command itself.
//
// # When things go wrong
//
// Every failed attempt to connect or log in is a *host.ConnectError that says
// what to do about it. A connection lost under a command gives host.ErrUnknown,
// unless the command is ReadOnly: then it is asked again after a reconnect.
// Where no shell can be had (a forced command) each command gets its own
// channel.
package ssh
