// Package verify holds the checks: modules that can only look. A check passes
// or reports findings; if it cannot tell, that is an error and never a pass.
package verify
