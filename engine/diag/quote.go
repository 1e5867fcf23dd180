package diag

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// HideSource keeps the quoted line of d out of every rendering, because it may
// hold a secret. The place is still given. It returns d.
func HideSource(d *hcl.Diagnostic) *hcl.Diagnostic {
	if d != nil && d.Extra == nil {
		d.Extra = hiddenSource{}
	}
	return d
}

type hiddenSource struct{}

// quotation is the place of a diagnostic and the lines to show for it.
type quotation struct {
	place   string // "main.hcl line 12"
	context string // `task "service" "sshd"`, "" if not known
	lines   []quotedLine
	values  []string // `var.release is "x"`
}

// quotedLine is one line of source, with what the diagnostic concerns in mid.
// All parts are safe to print.
type quotedLine struct {
	number             string // "" for a line that stands for left out ones
	before, mid, after string
	mark               bool // a marker line below helps
}

const (
	defaultQuoteColumns = 160 // how much of a long line is shown if no width is given
	maxQuotedLines      = 3
)

// quoter finds lines and blocks, indexing each file once however many
// diagnostics concern it.
type quoter struct {
	sources Sources
	lines   map[string][]int // offsets of line starts
	blocks  map[string][]block
}

func newQuoter(s Sources) *quoter {
	return &quoter{sources: s, lines: map[string][]int{}, blocks: map[string][]block{}}
}

func (q *quoter) quote(d *hcl.Diagnostic, width int) *quotation {
	rng := d.Subject
	if rng == nil || rng.Filename == "" {
		return nil
	}
	out := &quotation{place: cleanLine(rng.Filename)}
	if rng.Start.Line > 0 {
		out.place += " line " + strconv.Itoa(rng.Start.Line)
	}
	out.context = q.context(*rng)
	switch d.Extra.(type) {
	case hiddenSource, secretProblem:
		return out
	}
	limit := defaultQuoteColumns
	if width > 0 {
		limit = max(20, width-12)
	}
	out.lines = q.quoteLines(*rng, limit)
	out.values = values(d)
	return out
}

func (q *quoter) quoteLines(rng hcl.Range, limit int) []quotedLine {
	first, ok := q.line(rng.Filename, rng.Start.Line)
	if !ok {
		return nil
	}
	last := rng.End.Line
	if last > rng.Start.Line && rng.End.Column <= 1 {
		last-- // the range ends with the line feed
	}
	if last <= rng.Start.Line {
		end := rng.End.Column
		if rng.End.Line != rng.Start.Line {
			end = len(first) + 1
		}
		return []quotedLine{cut(rng.Start.Line, first, rng.Start.Column, end, limit, true)}
	}
	out := []quotedLine{cut(rng.Start.Line, first, rng.Start.Column, len(first)+1, limit, false)}
	from := rng.Start.Line + 1
	if last-rng.Start.Line >= maxQuotedLines {
		out = append(out, quotedLine{after: "  ..."})
		from = last
	}
	for n := from; n <= last; n++ {
		text, ok := q.line(rng.Filename, n)
		if !ok {
			break
		}
		end := len(text) + 1
		if n == last && rng.End.Column > 0 {
			end = rng.End.Column
		}
		start := 1 + len(text) - len(strings.TrimLeft(text, " \t"))
		out = append(out, cut(n, text, start, max(start, end), limit, false))
	}
	return out
}

// cut splits a line at the columns of a range (HCL columns: characters from 1)
// and leaves out what does not fit around it.
func cut(number int, line string, startCol, endCol, limit int, markable bool) quotedLine {
	start := columnOffset(line, startCol)
	end := max(start, columnOffset(line, endCol))
	before, mid, after := cleanLine(line[:start]), cleanLine(line[start:end]), cleanLine(line[end:])
	if columns(mid) > limit {
		mid = head(mid, limit-1) + "…"
	}
	if room := limit - columns(mid); columns(before)+columns(after) > room {
		keep := max(room-columns(after), room/2)
		if columns(before) > keep {
			before = "…" + tail(before, max(0, keep-1))
		}
		if rest := room - columns(before); columns(after) > rest {
			after = head(after, max(0, rest-1)) + "…"
		}
	}
	l := quotedLine{number: strconv.Itoa(number), before: before, mid: mid, after: after}
	// Marking a whole line says nothing that its number did not say.
	l.mark = markable && startCol > 0 && (strings.TrimSpace(before) != "" || strings.TrimSpace(after) != "")
	return l
}

// columnOffset is the byte at which a column starts. HCL counts grapheme
// clusters; combining characters are taken as part of the one before.
func columnOffset(line string, col int) int {
	n := 1
	for i, r := range line {
		if i > 0 && runeColumns(r) == 0 {
			continue
		}
		if n >= col {
			return i
		}
		n++
	}
	return len(line)
}

func head(s string, cols int) string {
	for i, r := range s {
		if cols -= runeColumns(r); cols < 0 {
			return s[:i]
		}
	}
	return s
}

func tail(s string, cols int) string {
	for i := len(s); i > 0; {
		r, n := utf8.DecodeLastRuneInString(s[:i])
		if cols -= runeColumns(r); cols < 0 {
			return s[i:]
		}
		i -= n
	}
	return s
}

// line returns line n (from 1) of a file, without its line end.
func (q *quoter) line(file string, n int) (string, bool) {
	src, ok := q.sources[file]
	if !ok || n < 1 {
		return "", false
	}
	starts, ok := q.lines[file]
	if !ok {
		starts = []int{0}
		for i, c := range src {
			if c == '\n' {
				starts = append(starts, i+1)
			}
		}
		q.lines[file] = starts
	}
	if n > len(starts) {
		return "", false
	}
	from, to := starts[n-1], len(src)
	if n < len(starts) {
		to = starts[n] - 1
	}
	// Only the neighbourhood of a range is ever shown, but the columns of a
	// range count from the start of its line.
	return strings.TrimSuffix(string(src[from:to]), "\r"), true
}

// values says what the variables in a failed expression were. Sensitive values
// and long ones are described, not shown.
func values(d *hcl.Diagnostic) []string {
	if d.Expression == nil || d.EvalContext == nil {
		return nil
	}
	const most = 5
	var out []string
	seen := map[string]bool{}
	for _, t := range d.Expression.Variables() {
		name := traversalName(t)
		if name == "" || seen[name] || len(out) == most {
			continue
		}
		seen[name] = true
		v, diags := t.TraverseAbs(d.EvalContext)
		if diags.HasErrors() {
			continue
		}
		out = append(out, fmt.Sprintf("%s is %s", name, describe(v)))
	}
	return out
}
