package diag

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Sources maps the name of each loaded file to its content, so that a
// diagnostic can quote the line it concerns. Loaders fill it, also for files
// they could not make sense of.
type Sources map[string][]byte

// Set is diagnostics together with the sources they point into. The zero value
// is an empty set, ready to use. It is not safe for concurrent use.
type Set struct {
	Diags   hcl.Diagnostics
	Sources Sources
}

// Append adds diagnostics, HCL's own in plain words (see Plain); nil ones are
// dropped.
func (s *Set) Append(diags ...*hcl.Diagnostic) {
	for _, d := range diags {
		if d != nil {
			s.Diags = append(s.Diags, Plain(d))
		}
	}
}

// Extend adds all of diags.
func (s *Set) Extend(diags hcl.Diagnostics) { s.Append(diags...) }

// Merge adds the diagnostics and the sources of other.
func (s *Set) Merge(other Set) {
	s.Append(other.Diags...)
	if len(other.Sources) > 0 {
		if s.Sources == nil {
			s.Sources = Sources{}
		}
		maps.Copy(s.Sources, other.Sources)
	}
}

// AddSource remembers the content of a file.
func (s *Set) AddSource(name string, content []byte) {
	if s.Sources == nil {
		s.Sources = Sources{}
	}
	s.Sources[name] = content
}

// HasErrors reports whether a diagnostic is an error rather than a warning.
func (s *Set) HasErrors() bool { return s.Diags.HasErrors() }

// Sort orders the diagnostics by file, line and column and keeps the order of
// those at the same place. Those without a place come first.
func (s *Set) Sort() { slices.SortStableFunc(s.Diags, byPlace) }

// Err returns the set as an error (an *Error), or nil if it has no errors.
func (s *Set) Err() error {
	if !s.HasErrors() {
		return nil
	}
	return &Error{Set: *s}
}

// Error is a Set with at least one error. Code that shows errors to people
// should find it with errors.As and render the Set instead.
type Error struct{ Set Set }

// Error gives the first error on one line and says how many more there are.
func (e *Error) Error() string {
	var first *hcl.Diagnostic
	n := 0
	for _, d := range e.Set.Diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		if first == nil {
			first = d
		}
		n++
	}
	if first == nil {
		return "no errors"
	}
	var b strings.Builder
	if first.Subject != nil {
		b.WriteString(cleanLine(first.Subject.Filename))
		if first.Subject.Start.Line > 0 {
			fmt.Fprintf(&b, ":%d", first.Subject.Start.Line)
		}
		b.WriteString(": ")
	}
	b.WriteString(cleanLine(first.Summary))
	if first.Detail != "" {
		b.WriteString(": " + strings.Join(strings.Fields(cleanText(first.Detail)), " "))
	}
	if n > 1 {
		fmt.Fprintf(&b, " (and %d more)", n-1)
	}
	return b.String()
}

// Errorf returns an error. The range may be nil where there is no file to
// point at.
func Errorf(summary string, rng *hcl.Range, format string, args ...any) *hcl.Diagnostic {
	return newDiag(hcl.DiagError, summary, rng, format, args)
}

// Warningf returns a warning.
func Warningf(summary string, rng *hcl.Range, format string, args ...any) *hcl.Diagnostic {
	return newDiag(hcl.DiagWarning, summary, rng, format, args)
}

func newDiag(sev hcl.DiagnosticSeverity, summary string, rng *hcl.Range, format string, args []any) *hcl.Diagnostic {
	d := &hcl.Diagnostic{Severity: sev, Summary: summary, Detail: fmt.Sprintf(format, args...)}
	if rng != nil {
		r := *rng // callers reuse theirs
		d.Subject = &r
	}
	return d
}

func byPlace(a, b *hcl.Diagnostic) int {
	switch {
	case a.Subject == nil && b.Subject == nil:
		return 0
	case a.Subject == nil:
		return -1
	case b.Subject == nil:
		return 1
	}
	if c := strings.Compare(a.Subject.Filename, b.Subject.Filename); c != 0 {
		return c
	}
	if c := a.Subject.Start.Line - b.Subject.Start.Line; c != 0 {
		return c
	}
	return a.Subject.Start.Column - b.Subject.Start.Column
}

// Same reports whether two diagnostics say the same about the same place.
func Same(a, b *hcl.Diagnostic) bool {
	if a.Severity != b.Severity || a.Summary != b.Summary || a.Detail != b.Detail || (a.Subject == nil) != (b.Subject == nil) {
		return false
	}
	return a.Subject == nil || *a.Subject == *b.Subject
}
