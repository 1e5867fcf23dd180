package report

import (
	"fmt"
	"strings"
)

// table writes a Markdown table. Columns but the first are aligned right where
// right says so.
func table(head []string, right bool, rows [][]string) string {
	var b strings.Builder
	b.WriteString("| " + strings.Join(head, " | ") + " |\n|---|")
	for range head[1:] {
		if right {
			b.WriteString("---:|")
		} else {
			b.WriteString("---|")
		}
	}
	b.WriteString("\n")
	for _, row := range rows {
		for i := range row {
			row[i] = strings.ReplaceAll(strings.ReplaceAll(row[i], "\n", " "), "|", `\|`)
		}
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
	}
	return b.String()
}

// seriesTable is what all contenders did at one work in one setting.
func (r *Results) seriesTable(work, phase string, at setting) string {
	var rows [][]string
	for _, c := range contenders {
		s := r.Find(work, phase, at.rtt, at.hosts, c)
		if s == nil {
			continue
		}
		if len(s.Rounds) == 0 {
			rows = append(rows, []string{c, "0", s.without(), "", "", "", "", ""})
			continue
		}
		times := "1"
		if c != "ferry" {
			times = "–"
			if s.Ratio > 0 {
				times = number(s.Ratio)
			}
		}
		rows = append(rows, []string{c, fmt.Sprint(len(s.Rounds)), number(s.Median), times, number(s.CPU), megabytes(s.Memory), number(s.HCPU), megabytes(s.HMem)})
	}
	return table([]string{"", "rounds", "seconds", "times ferry's", "controller CPU s", "controller MB", "CPU s of a host", "MB of a host"}, true, rows)
}

// measuredIn says when the series of a table were measured and of what, where not
// all of the page are of one time.
func (r *Results) measuredIn(work, phase string, at setting) string {
	of := map[string][]string{}
	var order []string
	for _, c := range contenders {
		s := r.Find(work, phase, at.rtt, at.hosts, c)
		if s == nil {
			continue
		}
		when := fmt.Sprintf("%s, %s", s.Taken.Format("2 January 2006 15:04"), s.Ferry)
		if of[when] == nil {
			order = append(order, when)
		}
		of[when] = append(of[when], c)
	}
	switch {
	case len(order) == 1 && !r.mixed():
		return ""
	case len(order) == 1:
		return "\nMeasured " + order[0] + ".\n"
	}
	var parts []string
	for _, when := range order {
		parts = append(parts, strings.Join(of[when], ", ")+" "+when)
	}
	return "\nMeasured: " + strings.Join(parts, "; ") + ".\n"
}

// mixed reports whether the series are of several versions.
func (r *Results) mixed() bool {
	for _, s := range r.Series {
		if s.Ferry != r.Versions["ferry"] {
			return true
		}
	}
	return false
}

func megabytes(n int64) string {
	if n < 0 {
		return "–"
	}
	return number(float64(n) / (1 << 20))
}

// voids are the reasons of figures that are missing.
func (r *Results) voids() (rows [][]string) {
	for _, s := range r.Series {
		if s.Void != "" && (s.Phase != "converged" || len(s.Rounds) > 0) {
			rows = append(rows, []string{strings.TrimSpace(s.Work + " " + s.Phase), s.RTT.String(), s.Contender, s.Void})
		}
	}
	return rows
}
