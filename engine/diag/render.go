package diag

import (
	"bufio"
	"io"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Options says how Render writes.
type Options struct {
	Color bool // use ANSI colours, and underline what a diagnostic concerns
	Width int  // columns to wrap the text at; 0 means do not wrap
}

// Render writes the diagnostics of a set in their present order, equal
// failures of many hosts as one. It neither sorts nor changes the set.
func Render(w io.Writer, set Set, opts Options) error {
	r := &renderer{w: bufio.NewWriter(w), opts: opts, quoter: newQuoter(set.Sources)}
	for _, d := range MergeRuns(set.Diags) {
		r.diagnostic(d)
	}
	return r.w.Flush()
}

type renderer struct {
	w      *bufio.Writer
	opts   Options
	quoter *quoter
}

const (
	ansiReset     = "\x1b[0m"
	ansiBold      = "\x1b[1m"
	ansiRed       = "\x1b[31m"
	ansiYellow    = "\x1b[33m"
	ansiDim       = "\x1b[2m"
	ansiUnderline = "\x1b[4m"
)

func (r *renderer) diagnostic(d *hcl.Diagnostic) {
	word, color := "Error", ansiRed
	if d.Severity == hcl.DiagWarning {
		word, color = "Warning", ansiYellow
	}
	r.w.WriteString(r.paint(color, "╷") + "\n")
	rule := r.paint(color, "│")
	line := func(s string) {
		if s == "" {
			r.w.WriteString(rule + "\n")
			return
		}
		r.w.WriteString(rule + " " + s + "\n")
	}
	line(r.paint(ansiBold+color, word+":") + " " + r.paint(ansiBold, cleanLine(d.Summary)))
	if q := r.quoter.quote(d, r.opts.Width); q != nil {
		line("")
		for _, l := range r.quoteLines(q) {
			line(l)
		}
	}
	for _, text := range paragraphs(d) {
		line("")
		for _, l := range wrap(text, r.textWidth()) {
			line(l)
		}
	}
	r.w.WriteString(r.paint(color, "╵") + "\n")
}

// paragraphs is the text of d below its quotation.
func paragraphs(d *hcl.Diagnostic) []string {
	var out []string
	if f, ok := runFailure(d); ok {
		if t := f.text(); t != "" {
			out = append(out, t)
		}
	}
	if t := strings.TrimRight(cleanText(d.Detail), "\n "); t != "" {
		out = append(out, t)
	}
	return out
}

func (r *renderer) quoteLines(q *quotation) []string {
	head := "  on " + q.place
	if q.context != "" {
		head += ", in " + q.context
	}
	if len(q.lines) > 0 {
		head += ":"
	}
	out := []string{head}
	for _, l := range q.lines {
		prefix := "  " + l.number + ": "
		if l.number == "" {
			prefix = "  "
		}
		if r.opts.Color && l.mid != "" {
			out = append(out, prefix+l.before+ansiUnderline+l.mid+ansiReset+l.after)
			continue
		}
		out = append(out, strings.TrimRight(prefix+l.before+l.mid+l.after, " "))
		if l.mark {
			pad := columns(prefix) + columns(l.before)
			out = append(out, strings.Repeat(" ", pad)+strings.Repeat("^", max(1, columns(l.mid))))
		}
	}
	for _, v := range q.values {
		out = append(out, r.paint(ansiDim, "    where "+v))
	}
	return out
}

func (r *renderer) textWidth() int {
	if r.opts.Width <= 0 {
		return 0
	}
	return max(20, r.opts.Width-2) // the rule and a space
}

func (r *renderer) paint(code, s string) string {
	if !r.opts.Color {
		return s
	}
	return code + s + ansiReset
}
