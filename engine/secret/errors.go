package secret

import (
	"errors"

	"github.com/ferry-ops/ferry/engine/diag"
)

// Reason is why something encrypted cannot be read.
type Reason string

// The reasons.
const (
	NoKey       Reason = "no key"      // no key, passphrase or password was at hand
	Wrong       Reason = "wrong key"   // what was at hand does not fit
	Damaged     Reason = "damaged"     // the text is not what was written
	Unsupported Reason = "unsupported" // a format or version ferry does not read
)

// Error says why something encrypted cannot be read. It is diag.ErrSecret, and
// holds nothing of the plain text or of a key.
type Error struct {
	Name   string // the file, or what else was to be decrypted
	Reason Reason
	What   string // why, as the end of "Cannot decrypt NAME: "
	Cure   string // what to do: whole sentences
	Err    error  // may be nil
}

func (e *Error) Error() string {
	s := "Cannot decrypt " + e.Name + ": " + e.What + "."
	if e.Cure != "" {
		s += " " + e.Cure
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes every Error a diag.ErrSecret, which decides about the exit code.
func (e *Error) Is(target error) bool { return target == diag.ErrSecret }

// Prompt asks a person for a secret, without showing what is typed. It returns
// an error if the person gives up. A nil Prompt means that nobody can be asked.
type Prompt func(question string) (Text, error)

// errNobody says that a passphrase is needed and there is no terminal.
var errNobody = errors.New("nobody can be asked for it: there is no terminal")
