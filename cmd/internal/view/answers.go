package view

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/ferry-ops/ferry/engine"
	"github.com/ferry-ops/ferry/engine/host"
)

// Answers shows what hosts answered to an ad-hoc question, equal answers once.
// Add must not be called concurrently.
type Answers struct {
	w      io.Writer
	json   bool
	st     style
	groups map[string][]string
	order  []string
}

// NewAnswers returns a view that writes to w.
func NewAnswers(w io.Writer, asJSON, color bool) *Answers {
	return &Answers{w: w, json: asJSON, st: style(color), groups: map[string][]string{}}
}

type answerJSON struct {
	SchemaVersion int        `json:"schema_version"`
	Host          string     `json:"host"`
	Exit          *int       `json:"exit,omitempty"`
	Stdout        string     `json:"stdout,omitempty"`
	Stderr        string     `json:"stderr,omitempty"`
	Facts         host.Facts `json:"facts,omitempty"`
	Error         string     `json:"error,omitempty"`
	DurationNS    int64      `json:"duration_ns"`
}

// Add takes one host's answer.
func (v *Answers) Add(r engine.HostResult) {
	if v.json {
		j := answerJSON{SchemaVersion: 1, Host: r.Host, Facts: r.Facts, DurationNS: int64(r.Duration)}
		if r.Err != nil {
			j.Error = r.Err.Error()
		} else if r.Facts == nil {
			j.Exit, j.Stdout, j.Stderr = &r.Result.Code, string(r.Result.Stdout), string(r.Result.Stderr)
		}
		_ = json.NewEncoder(v.w).Encode(j)
		return
	}
	text := v.text(r)
	if _, ok := v.groups[text]; !ok {
		v.order = append(v.order, text)
	}
	v.groups[text] = append(v.groups[text], r.Host)
}

func (v *Answers) text(r engine.HostResult) string {
	var b strings.Builder
	var ce *host.ConnectError
	switch {
	case errors.As(r.Err, &ce):
		fmt.Fprintf(&b, "%s\n", v.st.status("failed", strings.TrimSpace(ce.What+" "+ce.Cure)))
	case r.Err != nil:
		fmt.Fprintf(&b, "%s\n", v.st.status("failed", r.Err.Error()))
	case r.Facts != nil:
		names := make([]string, 0, len(r.Facts))
		for n := range r.Facts {
			names = append(names, n)
		}
		sort.Strings(names)
		for _, n := range names {
			fmt.Fprintf(&b, "%-16s %v\n", n, r.Facts[n])
		}
	default:
		for _, line := range lines(string(r.Result.Stdout)) {
			fmt.Fprintln(&b, clean(line))
		}
		for _, line := range lines(string(r.Result.Stderr)) {
			fmt.Fprintf(&b, "%s %s\n", v.st.dim("stderr:"), clean(line))
		}
		if r.Result.Code != 0 {
			fmt.Fprintf(&b, "%s\n", v.st.status("failed", fmt.Sprintf("exit code %d", r.Result.Code)))
		}
	}
	return b.String()
}

func lines(s string) []string {
	s = strings.TrimRight(s, "\n")
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// Close prints the groups, the largest first.
func (v *Answers) Close() {
	sort.SliceStable(v.order, func(i, j int) bool { return len(v.groups[v.order[i]]) > len(v.groups[v.order[j]]) })
	for _, text := range v.order {
		hosts := v.groups[text]
		fmt.Fprintf(v.w, "%s\n", v.st.bold(HostList(hosts)+":"))
		for _, line := range lines(text) {
			fmt.Fprintf(v.w, "  %s\n", line)
		}
	}
}
