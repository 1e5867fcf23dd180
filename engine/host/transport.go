package host

import (
	"context"
	"io"
	"strings"
	"time"
)

// Transport carries commands to one host. Its methods may be called
// concurrently; commands asked for concurrently share round trips where the
// transport can pipeline.
//
// A command that ran and exited non-zero is a Result. An error means that the
// command could not be run or its result could not be learned; it wraps one of
// the errors of this package (see errors.go), so callers can tell "never
// started" from "unknown".
type Transport interface {
	// Run runs one command to its end. If c.Repeats, the transport may run it again
	// after a reconnect; otherwise a connection lost while the command may have been
	// running gives ErrUnknown.
	Run(ctx context.Context, c Command) (Result, error)
	// Upload writes size bytes of r to path (mode 0600), which must not be a
	// path anything else reads: callers move it into place. It is for content
	// too large to ride in a command's standard input.
	Upload(ctx context.Context, path string, r io.Reader, size int64) error
	// Download copies the content of path to w.
	Download(ctx context.Context, path string, w io.Writer) error
	// Reconnect gives up the present connection and opens a new one. It
	// returns ErrUnreachable if that does not work before ctx ends.
	Reconnect(ctx context.Context) error
	// Lock makes this controller the only one that changes the host until
	// Close or the end of the process; epoch is the number of the run (a later
	// run has a higher one). ErrLocked says who holds the host.
	Lock(ctx context.Context, epoch int64, owner string) error
	// Close ends the connection.
	Close() error
}

// Superuser is implemented by transports that may know without asking that
// commands run as root: by the name the host was asked to log in or become.
type Superuser interface {
	Superuser() bool
}

// Command is one command for a host.
type Command struct {
	Argv  []string          // program and arguments; quoted by the transport, in one place
	Stdin []byte            // what the command reads; empty means /dev/null
	Env   map[string]string // added to the environment; values are not visible in the host's process list
	Dir   string            // working directory; empty means /
	User  string            // become this user for the command; empty means the connection's (become) user

	// Script, if set, is run instead of a program, with Argv as its arguments $1, $2
	// … : a text for a POSIX shell that the engine itself brings, so a transport that
	// has a shell may run it there, in a subshell, and start no other. It takes what
	// Stdin holds by calling "input", once, and must not read otherwise; it must not
	// signal $$, nor rely on it being its own.
	Script string

	// Limit is how long the command may run on the host before it is killed, which is
	// a LimitError; zero is without limit. What it starts in the background is killed
	// with it. Host's methods keep it; a Transport does not look at it.
	Limit time.Duration

	// ReadOnly promises that the command only asks: it changes nothing, so it may run
	// beside others, without the host's lock, and again after a lost connection.
	ReadOnly bool
	// Repeatable promises that running the command twice is the same as once, so it
	// may run again after a lost connection. Like everything that acts it keeps the
	// host's lock, by which a reconnect waits for its end.
	Repeatable bool
	// Private keeps the text of "sh -c TEXT" out of the host's process list.
	Private bool
	// Sensitive keeps Argv, Stdin and the output out of logs, events and errors. It implies
	// Private.
	Sensitive bool
}

// Repeats reports whether the command may be run again when it is not known whether
// it ran.
func (c Command) Repeats() bool { return c.ReadOnly || c.Repeatable }

// Program returns c as a program with arguments, for where nobody runs scripts
// but a shell that is started for it.
func (c Command) Program() Command {
	if c.Script == "" {
		return c
	}
	text := c.Script
	if strings.Contains(text, "input") {
		text = "input() { cat; }\n" + text
	}
	c.Argv = append([]string{"/bin/sh", "-c", text, "sh"}, c.Argv...)
	c.Script = ""
	return c
}

// Result is what a command that ran to its end left behind.
type Result struct {
	Stdout []byte
	Stderr []byte
	// Code is the exit status, 128+n if signal n ended the command.
	Code int
	// Truncated says that a stream was longer than the transport keeps
	// (the end is dropped; the command still ran to its end).
	Truncated bool
	Duration  time.Duration
}

// OK reports whether the command exited with status 0.
func (r Result) OK() bool { return r.Code == 0 }
