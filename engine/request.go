package engine

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/ferry-ops/ferry/engine/journal"
	"github.com/ferry-ops/ferry/engine/playbook"
)

// Request is what a run was asked to do, as the journal keeps it: enough to do
// it again. Paths are absolute.
type Request struct {
	Playbook    string        `json:"playbook"`
	Inventories []string      `json:"inventories"`
	Vars        []string      `json:"vars,omitempty"` // NAME=VALUE
	VarFiles    []string      `json:"var_files,omitempty"`
	Limit       []string      `json:"limit,omitempty"`
	Tags        []string      `json:"tags,omitempty"`
	SkipTags    []string      `json:"skip_tags,omitempty"`
	StartAt     string        `json:"start_at,omitempty"`
	Parallel    int           `json:"parallel,omitempty"`
	Patience    time.Duration `json:"patience_ns,omitempty"`
	// Withheld are sensitive variables that were given on the command line. Their
	// values are not kept.
	Withheld []string `json:"withheld,omitempty"`
	// Plan is the saved plan that was applied, "" if none was.
	Plan string `json:"plan,omitempty"`
	// Sources is the digest of the playbook's files as they were.
	Sources string `json:"sources,omitempty"`
}

// Changed reports whether the playbook is another one than a run was asked to do.
func (r Request) Changed(pb *playbook.Playbook) bool {
	return r.Sources != "" && r.Sources != sourcesDigest(pb)
}

// Absolute returns the request with paths that do not depend on the present
// directory.
func (r Request) Absolute() Request {
	abs := func(p string) string {
		if a, err := filepath.Abs(p); err == nil {
			return a
		}
		return p
	}
	all := func(in []string, f func(string) string) []string {
		out := make([]string, len(in))
		for i, p := range in {
			out[i] = f(p)
		}
		return out
	}
	r.Playbook = abs(r.Playbook)
	r.Inventories, r.VarFiles = all(r.Inventories, abs), all(r.VarFiles, abs)
	r.Limit = all(r.Limit, func(l string) string {
		if f, ok := strings.CutPrefix(l, "@"); ok {
			return "@" + abs(f)
		}
		return l
	})
	return r
}

// withheld returns the request without the values of sensitive variables.
func (r Request) withheld(pb *playbook.Playbook) Request {
	var vars []string
	for _, s := range r.Vars {
		name, _, _ := strings.Cut(s, "=")
		if v := pb.Variable(strings.TrimSpace(name)); v != nil && v.Sensitive {
			r.Withheld = append(r.Withheld[:len(r.Withheld):len(r.Withheld)], v.Name)
			continue
		}
		vars = append(vars, s)
	}
	r.Vars = vars
	return r
}

// RequestOf returns what a run of the journal was asked to do.
func RequestOf(j *journal.Journal, id string) (Request, error) {
	o, err := j.Origin(id)
	if err != nil {
		return Request{}, err
	}
	var r Request
	if len(o.Request) == 0 {
		return r, fmt.Errorf("the journal does not hold what the run %s was asked to do", id)
	}
	if err := json.Unmarshal(o.Request, &r); err != nil {
		return r, fmt.Errorf("what the run %s was asked to do cannot be read from the journal: %w", id, err)
	}
	return r, nil
}
