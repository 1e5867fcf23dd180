package diag

import (
	"encoding/json"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// SchemaVersion is raised when a consumer of the JSON form would have to
// change: new properties do not raise it.
const SchemaVersion = 1

// Document is the JSON form of a Set.
type Document struct {
	SchemaVersion int       `json:"schema_version"`
	Valid         bool      `json:"valid"` // no errors, though there may be warnings
	Errors        int       `json:"error_count"`
	Warnings      int       `json:"warning_count"`
	Diagnostics   []Message `json:"diagnostics"`
}

// Message is the JSON form of a diagnostic.
type Message struct {
	Severity string   `json:"severity"` // "error" or "warning"
	Summary  string   `json:"summary"`
	Detail   string   `json:"detail,omitempty"`
	Range    *Range   `json:"range,omitempty"`
	Context  string   `json:"context,omitempty"` // the block around the range
	Code     []string `json:"code,omitempty"`    // the lines as the text form quotes them
	Values   []string `json:"values,omitempty"`
	Run      *Run     `json:"run,omitempty"`
}

// Range is a place in a file; lines and columns count from 1, bytes from 0.
type Range struct {
	Filename string `json:"filename"`
	Start    Pos    `json:"start"`
	End      Pos    `json:"end"`
}

// Pos is one end of a Range.
type Pos struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

// Run is the JSON form of a RunFailure.
type Run struct {
	Hosts   []string `json:"hosts"`
	Address string   `json:"address,omitempty"`
	Phase   string   `json:"phase,omitempty"`
	Argv    []string `json:"argv,omitempty"`
	Exit    int      `json:"exit"`
	Output  string   `json:"output,omitempty"`
}

// JSON returns the set as one JSON document (see Document).
func JSON(set Set) ([]byte, error) {
	return json.MarshalIndent(NewDocument(set), "", "  ")
}

// NewDocument returns the set in the form that JSON writes.
func NewDocument(set Set) Document {
	doc := Document{SchemaVersion: SchemaVersion, Valid: !set.HasErrors(), Diagnostics: []Message{}}
	q := newQuoter(set.Sources)
	for _, d := range MergeRuns(set.Diags) {
		m := Message{Severity: "error", Summary: clean(d.Summary), Detail: cleanText(d.Detail)}
		if d.Severity == hcl.DiagWarning {
			m.Severity = "warning"
			doc.Warnings++
		} else {
			doc.Errors++
		}
		if r := d.Subject; r != nil {
			m.Range = &Range{Filename: strings.ToValidUTF8(r.Filename, "\ufffd"), Start: Pos(r.Start), End: Pos(r.End)}
		}
		if quote := q.quote(d, 0); quote != nil {
			m.Context, m.Values = quote.context, quote.values
			for _, l := range quote.lines {
				m.Code = append(m.Code, l.before+l.mid+l.after)
			}
		}
		if f, ok := runFailure(d); ok {
			m.Run = &Run{Hosts: append([]string{}, f.Hosts...), Address: f.Address, Phase: f.Phase, Exit: f.Exit, Output: clean(f.Output)}
			for _, a := range f.Argv {
				m.Run.Argv = append(m.Run.Argv, clean(a))
			}
		}
		doc.Diagnostics = append(doc.Diagnostics, m)
	}
	return doc
}
