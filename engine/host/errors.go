package host

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// These errors are wrapped by everything that fails between ferry and a host.
// A module passes them on; the engine decides what they mean for the run.
var (
	// ErrUnreachable: no connection could be made; nothing was started.
	ErrUnreachable = errors.New("host unreachable")
	// ErrUnknown: the connection was lost while a command may have been
	// running; what the host shows decides what happened.
	ErrUnknown = errors.New("connection lost, result unknown")
	// ErrLocked: another controller works on this host.
	ErrLocked = errors.New("host is locked by another run")
)

// LockedError says that another run has a host. It is ErrLocked.
type LockedError struct {
	Host  string // name in the inventory
	Epoch int64  // of the run that holds the lock; 0 if it left no name
	What  string // who holds it and what to do, sentences without the last full stop
}

func (e *LockedError) Error() string { return fmt.Sprintf("%s: %s: %s", e.Host, ErrLocked, e.What) }

// Unwrap makes every LockedError an ErrLocked.
func (e *LockedError) Unwrap() error { return ErrLocked }

// Holder reads the line in which the holder of a host's lock names itself: epoch,
// owner with the run's name after a colon, token, process, time. process is what the
// process is called.
func Holder(line, process string) (epoch int64, who string) {
	f := strings.Fields(line)
	if len(f) < 5 {
		return 0, "it is held by a process that left no name"
	}
	epoch, _ = strconv.ParseInt(f[0], 10, 64)
	owner, run, named := strings.Cut(f[1], ":")
	if !named {
		run = f[0]
	}
	return epoch, fmt.Sprintf("it is held by %s (run %s, %s %s) since %s", owner, run, process, f[3], f[4])
}

// ConnectError is a failed attempt to reach or log in to a host. It always
// says what a person can do about it.
type ConnectError struct {
	Host    string // name in the inventory
	Address string // what was dialled, with user and port
	What    string // what went wrong, a full sentence
	Cure    string // what to do about it, a full sentence; commands on their own lines
	Err     error  // the cause, may be nil
	// Permanent says that trying again cannot help (a wrong key, a changed
	// host key, a wrong sudo password).
	Permanent bool
	// Passing says that the host is there and broke off before a login was
	// decided, as it does while its sshd is replaced or restarted.
	Passing bool
}

func (e *ConnectError) Error() string {
	s := fmt.Sprintf("%s (%s): %s", e.Host, e.Address, e.What)
	if e.Cure != "" {
		s += " " + e.Cure
	}
	return s
}

// Unwrap makes every ConnectError an ErrUnreachable as well as its cause.
func (e *ConnectError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrUnreachable}
	}
	return []error{ErrUnreachable, e.Err}
}

// CommandError says that a command a module relies on exited with an
// unexpected status.
type CommandError struct {
	Argv      []string
	Result    Result
	Sensitive bool
}

func (e *CommandError) Error() string {
	if e.Sensitive {
		return fmt.Sprintf("a command with sensitive arguments exited %d", e.Result.Code)
	}
	s := fmt.Sprintf("%s exited %d", Shorten(QuoteArgv(e.Argv), 200), e.Result.Code)
	if t := e.Output(); t != "" {
		s += ": " + t
	}
	return s
}

// Output returns the last lines of standard error, or of standard output if
// there are none.
func (e *CommandError) Output() string {
	if e.Sensitive {
		return ""
	}
	t := strings.TrimSpace(string(e.Result.Stderr))
	if t == "" {
		t = strings.TrimSpace(string(e.Result.Stdout))
	}
	lines := strings.Split(t, "\n")
	if len(lines) > 12 {
		lines = lines[len(lines)-12:]
	}
	return strings.Join(lines, "\n")
}

// Must turns a Result with a non-zero code into a CommandError.
func Must(argv []string, r Result, err error) (Result, error) {
	if err != nil {
		return r, err
	}
	if r.Code != 0 {
		return r, &CommandError{Argv: argv, Result: r}
	}
	return r, nil
}

// Shorten cuts s to at most n runes, marking the cut.
func Shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

// ErrTooLarge is returned by ReadFile for a file over MaxReadFile.
var ErrTooLarge = errors.New("file too large to read into memory")

// MaxReadFile is the largest file ReadFile returns, in bytes.
const MaxReadFile = 2 << 20
