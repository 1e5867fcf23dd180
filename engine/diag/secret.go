package diag

import (
	"errors"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// ErrSecret is what errors about a secret that cannot be read are (errors.Is).
// It is declared here because it decides about ferry's exit code.
var ErrSecret = errors.New("secret not readable")

// SecretErrorf returns an error about a secret that could not be read.
func SecretErrorf(summary string, rng *hcl.Range, format string, args ...any) *hcl.Diagnostic {
	d := Errorf(summary, rng, format, args...)
	d.Extra = secretProblem{}
	return d
}

// secretProblem marks the diagnostic of a secret that could not be read.
type secretProblem struct{}

// SecretProblem reports whether an error of the set is a secret that could not
// be read: found by SecretErrorf, or an ErrSecret that a function returned.
func (s *Set) SecretProblem() bool {
	for _, d := range s.Diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		if _, ok := d.Extra.(secretProblem); ok {
			return true
		}
		if call, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d); ok && errors.Is(call.FunctionCallError(), ErrSecret) {
			return true
		}
	}
	return false
}
