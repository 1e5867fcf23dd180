package cli

import (
	"errors"
	"fmt"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/event"
)

// Exit codes. The table is documented in docs/exit-codes.md; codes are added,
// never given another meaning.
const (
	exitDone        = 0
	exitFailed      = 1
	exitHostsFailed = 3 // 2 is what the Go runtime uses for a crash
	exitUnreachable = 4
	exitPending     = 5 // plan --detailed-exitcode
	exitGate        = 6
	exitInvalid     = 10
	exitLocked      = 11
	exitSecret      = 12
	exitInterrupted = 130
)

// exitMeaning is the documented table. docs/exit-codes.md has the same lines.
func exitMeaning() map[int]string {
	return map[int]string{
		exitDone:        "done",
		exitFailed:      "ferry could not do what was asked (usage, journal, a bug); `fmt --check`: a file is not laid out",
		2:               "reserved: a crash of the program",
		exitHostsFailed: "some hosts failed, or their turn never came",
		exitUnreachable: "some hosts were unreachable, none failed",
		exitPending:     "there are changes to make (`plan --detailed-exitcode`)",
		exitGate:        "the run stopped at a gate; `ferry resume` goes on from there",
		exitLocked:      "the run is under way in another process",
		exitInvalid:     "the playbook or the inventory is invalid; no connection was made",
		exitSecret:      "a secret that is needed cannot be decrypted; no connection was made",
		exitInterrupted: "interrupted",
	}
}

// codeError is an error with the exit code it leads to. A nil cause means that
// everything has been said already.
type codeError struct {
	code    int
	summary string // a constant phrase
	err     error
}

// failf returns an error with its exit code, the summary and the detail of the
// diagnostic it is shown as.
func failf(code int, summary, format string, args ...any) error {
	return &codeError{code: code, summary: summary, err: fmt.Errorf(format, args...)}
}

func (e *codeError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *codeError) Unwrap() error { return e.err }

func exitCode(err error) int {
	var ce *codeError
	var de *diag.Error
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &ce):
		return ce.code
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.Is(err, diag.ErrSecret):
		return exitSecret
	case errors.As(err, &de):
		if de.Set.SecretProblem() {
			return exitSecret
		}
		return exitInvalid
	}
	return exitFailed
}

// summaryCode is the exit code of a run.
func summaryCode(s event.Summary, interrupted bool) int {
	code := exitDone
	if s.Stopped != nil && !interrupted {
		return exitGate
	}
	for _, h := range s.Hosts {
		switch h.Status {
		case event.Failed, event.NotRun:
			code = exitHostsFailed
		case event.Interrupted:
			interrupted = true
		case event.Unreachable:
			if code == exitDone {
				code = exitUnreachable
			}
		}
	}
	if interrupted {
		return exitInterrupted
	}
	return code
}
