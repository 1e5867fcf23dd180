package source

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
)

// LockName is the name of the lock file beside a playbook.
const LockName = "ferry.lock.hcl"

// maxLock bounds a lock file, in bytes.
const maxLock = 1 << 20

// Entry pins one remote source.
type Entry struct {
	Source     string // Address.Whole, as text; local archives relative to the playbook
	Constraint string // as the playbook writes it, "" if it does not
	Version    string // that fits it; "" where no version was chosen
	Commit     string // git
	Hash       string // of the tree: "h1:…", as golang.org/x/mod/sumdb/dirhash has it
}

// Lock is the content of a lock file, sorted by source and constraint.
type Lock struct{ Entries []Entry }

var (
	treeHash = regexp.MustCompile(`^h1:[A-Za-z0-9+/]{43}=$`)
	commitID = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
)

// Find returns the entry of a source under a constraint.
func (l Lock) Find(source, constraint string) (Entry, bool) {
	for _, e := range l.Entries {
		if e.Source == source && e.Constraint == constraint {
			return e, true
		}
	}
	return Entry{}, false
}

// has reports whether the source is pinned under any constraint.
func (l Lock) has(source string) bool {
	for _, e := range l.Entries {
		if e.Source == source {
			return true
		}
	}
	return false
}

// Keep adds an entry unless the source is pinned already.
func (l *Lock) Keep(e Entry) { l.add(e) }

func (l *Lock) add(e Entry) {
	if _, ok := l.Find(e.Source, e.Constraint); !ok {
		l.Entries = append(l.Entries, e)
	}
	sort.Slice(l.Entries, func(i, j int) bool {
		a, b := l.Entries[i], l.Entries[j]
		return a.Source < b.Source || a.Source == b.Source && a.Constraint < b.Constraint
	})
}

// ParseLock reads the text of a lock file. A lock with errors is not to be used.
func ParseLock(text []byte, name string) (Lock, hcl.Diagnostics) {
	var l Lock
	f, diags := hclsyntax.ParseConfig(text, name, hcl.InitialPos)
	if diags.HasErrors() {
		return l, diags
	}
	bad := func(rng hcl.Range, format string, args ...any) {
		diags = append(diags, diag.Errorf("Invalid lock file", &rng, format+" The command that writes the file anew is\n    ferry get PLAYBOOK", args...))
	}
	body := f.Body.(*hclsyntax.Body)
	for _, a := range body.Attributes {
		bad(a.SrcRange, "A lock file has no argument %q.", a.Name)
	}
	for _, b := range body.Blocks {
		if b.Type != "source" || len(b.Labels) != 1 || len(b.Body.Blocks) > 0 {
			bad(b.DefRange(), "A lock file holds blocks written source \"ADDRESS\" { … } and nothing else.")
			continue
		}
		e, ok := parseEntry(b, bad)
		if !ok {
			continue
		}
		if _, twice := l.Find(e.Source, e.Constraint); twice {
			bad(b.DefRange(), "The source %q is pinned twice.", e.Source)
			continue
		}
		l.add(e)
	}
	return l, diags
}

func parseEntry(b *hclsyntax.Block, bad func(hcl.Range, string, ...any)) (Entry, bool) {
	e := Entry{Source: b.Labels[0]}
	ok := true
	fail := func(rng hcl.Range, format string, args ...any) { bad(rng, format, args...); ok = false }
	to := map[string]*string{"constraint": &e.Constraint, "version": &e.Version, "commit": &e.Commit, "hash": &e.Hash}
	for name, a := range b.Body.Attributes {
		p := to[name]
		if p == nil {
			fail(a.NameRange, "There is no %q in a lock file.", name)
			continue
		}
		v, diags := a.Expr.Value(nil)
		if diags.HasErrors() || v.IsNull() || v.Type() != cty.String || !v.IsKnown() {
			fail(a.Expr.Range(), "The argument %q must be a string.", name)
			continue
		}
		*p = v.AsString()
	}
	a, err := Parse(e.Source)
	switch {
	case !ok:
	case err != nil || !a.Remote() || a.Subdir != "" || a.String() != e.Source:
		fail(b.LabelRanges[0], "%q is not the address of a remote source as ferry writes it.", e.Source)
	case !treeHash.MatchString(e.Hash):
		fail(b.DefRange(), "The source %q has no valid hash of its files.", e.Source)
	case a.Kind == Git && !commitID.MatchString(e.Commit):
		fail(b.DefRange(), "The git repository %q has no valid commit.", e.Source)
	}
	if e.Constraint != "" && ok {
		if _, err := version.NewConstraint(e.Constraint); err != nil {
			fail(b.DefRange(), "%q is not a version constraint.", e.Constraint)
		}
	}
	return e, ok
}

// Bytes is the text of the lock file.
func (l Lock) Bytes() []byte {
	f := hclwrite.NewEmptyFile()
	for i, e := range l.Entries {
		if i > 0 {
			f.Body().AppendNewline()
		}
		b := f.Body().AppendNewBlock("source", []string{e.Source}).Body()
		for _, kv := range [][2]string{{"constraint", e.Constraint}, {"version", e.Version}, {"commit", e.Commit}, {"hash", e.Hash}} {
			if kv[1] != "" {
				b.SetAttributeValue(kv[0], cty.StringVal(kv[1]))
			}
		}
	}
	return append([]byte("# Written by ferry get. It belongs into version control, beside the playbook.\n\n"), hclwrite.Format(f.Bytes())...)
}

// ReadLock reads the lock file of a playbook's directory. No file is an empty lock.
func ReadLock(dir string) (Lock, error) {
	name := filepath.Join(dir, LockName)
	st, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Lock{}, nil
	case err != nil:
		return Lock{}, errorf("Lock file not readable", "%w.", err)
	case !st.Mode().IsRegular() || st.Size() > maxLock:
		return Lock{}, errorf("Lock file not readable", "%s is not a regular file of at most %d bytes.", name, maxLock)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return Lock{}, errorf("Lock file not readable", "%w.", err)
	}
	l, diags := ParseLock(text, name)
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			at := name
			if d.Subject != nil {
				at = d.Subject.String()
			}
			return Lock{}, errorf("Invalid lock file", "%s: %s", at[:strings.LastIndexByte(at+":", ':')], diag.Plain(d).Detail)
		}
	}
	return l, nil
}
