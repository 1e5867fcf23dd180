package source

import "fmt"

// Error is a problem with a source as a user reads it: what is wrong in a few
// words, and in whole sentences why and what to do.
type Error struct {
	Summary string
	Detail  string
	err     error
}

func (e *Error) Error() string { return e.Summary + ": " + e.Detail }

// Unwrap returns what the error came from, if anything.
func (e *Error) Unwrap() error { return e.err }

func errorf(summary, format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	return &Error{Summary: summary, Detail: wrapped.Error(), err: wrapped}
}
