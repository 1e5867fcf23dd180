package playbook

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/source"
)

var stringType = cty.String

// setKind is what a directory is used as.
type setKind string

const (
	roleKind  setKind = "role"
	stackKind setKind = "stack"
)

// parsedSet is the files of a used directory.
type parsedSet struct {
	files   []sourceFile
	version string    // its own, "" if it does not say
	rng     hcl.Range // of the version
	ok      bool
}

// locate returns the directory of a source and the fetched tree it lies in.
func (ld *loader) locate(s site, a source.Address, constraint string) (dir, tree string, err error) {
	from := filepath.Dir(s.expr("source").Range().Filename)
	switch a.Kind {
	case source.Builtin:
		dir, err = source.Library(ld.pb.library, ld.pb.Dir, a.Place)
		return dir, "", err
	case source.Dir:
		dir = a.Place
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(from, dir)
		}
		if t := s.unit.tree; t != "" {
			if rel, err := filepath.Rel(canonical(t), canonical(dir)); err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
				return "", "", &source.Error{Summary: "Source outside of what was fetched", Detail: "The set was fetched, and what it uses must come with it or from a source of its own; " + dir + " is elsewhere on this machine."}
			}
		}
		return dir, s.unit.tree, nil
	}
	tree, err = ld.pb.sources.Tree(source.Request{Name: s.name, Address: a.Whole(), Constraint: constraint, From: from})
	if err != nil {
		return "", "", err
	}
	return filepath.Join(tree, filepath.FromSlash(a.Subdir)), tree, nil
}

// parse reads the files of a directory, once however often it is used.
func (ld *loader) parse(s site, dir, real string, kind setKind) (*parsedSet, bool) {
	if p := ld.sets[real]; p != nil {
		return p, p.ok
	}
	p := &parsedSet{}
	ld.sets[real] = p
	rng := s.expr("source").Range()
	st, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		s.set.Append(diag.Errorf("Directory not found", &rng, "The source of %s is %s, which does not exist.%s Paths are relative to the file they are written in.", s.what, dir, siblings(dir)))
		return p, false
	case err != nil:
		s.set.Append(diag.Errorf("Directory not readable", &rng, "The source of %s is %s, which cannot be read: %s.", s.what, dir, cause(err)))
		return p, false
	case !st.IsDir():
		s.set.Append(diag.Errorf("Not a directory", &rng, "The source of %s is %s, which is a file. A source is the directory that holds the .hcl files.", s.what, dir))
		return p, false
	}
	if found, _ := filepath.Glob(filepath.Join(globSafe(dir), "[^.]*.hcl")); len(found) == 0 {
		s.set.Append(diag.Errorf("Empty directory", &rng, "The source of %s is %s, which holds no .hcl file.", s.what, dir))
		return p, false
	}
	at := &Unit{usedAt: append([]hcl.Range{s.rng}, s.unit.usedAt...)}
	p.ok = true
	ld.in(at, func(set *diag.Set) {
		set.Sources = maps.Clone(ld.buffers)
		p.files = readFiles(dir, set)
		for _, f := range p.files {
			if f.encrypted {
				set.Append(diag.Errorf("Values in a set", &hcl.Range{Filename: f.name}, "The file %s gives variables values, which only a playbook can. The variables of a set get theirs from who uses it, or have a default.", f.name))
				continue
			}
			checkVersion(f.body, ld.version, set)
			p.readVersion(f.body, set)
			if f.vars {
				rng := f.body.SrcRange
				set.Append(diag.Errorf("Values in a set", &rng, "The file %s gives variables values, which only a playbook can. The variables of a set get theirs from who uses it, or have a default.", f.name))
			}
		}
		p.ok = !set.HasErrors()
	})
	return p, p.ok
}

// siblings suggests a directory beside one that does not exist.
func siblings(dir string) string {
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil {
		return ""
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return diag.DidYouMean(filepath.Base(dir), names)
}

// globSafe quotes what filepath.Glob would understand.
func globSafe(dir string) string {
	return strings.NewReplacer("*", "\\*", "?", "\\?", "[", "\\[", "\\", "\\\\").Replace(dir)
}

// readVersion reads ferry { version = "…" }.
func (p *parsedSet) readVersion(body *hclsyntax.Body, set *diag.Set) {
	for _, b := range body.Blocks {
		if b.Type != "ferry" {
			continue
		}
		r := reader{what: "The block \"ferry\"", body: b.Body, set: set}
		if r.expr("version") == nil {
			continue
		}
		rng := r.expr("version").Range()
		v := r.str("version")
		if v == "" {
			continue
		}
		if _, err := version.NewVersion(v); err != nil {
			set.Append(diag.Errorf("Invalid version", &rng, "%q is not a version; write for example \"1.2.0\".", v))
			continue
		}
		p.version, p.rng = v, rng
	}
}

// constraint reads a version constraint and reports whether it can be used.
func (r reader) constraint(name string) (string, bool) {
	if r.expr(name) == nil {
		return "", true
	}
	v, ok := r.constant(name, cty.String)
	if !ok {
		return "", false
	}
	rng := r.expr(name).Range()
	if _, err := version.NewConstraint(v.AsString()); err != nil {
		r.set.Append(diag.Errorf("Invalid version constraint", &rng, "%q is not a version constraint; write for example \"~> 1.2\" or \">= 1.2, < 2\".", v.AsString()))
		return "", false
	}
	return v.AsString(), true
}

// checkSetVersion holds a set's own version against what its user wants. For a
// git repository without a ref the version has chosen the tag already.
func (ld *loader) checkSetVersion(s site, a source.Address, p *parsedSet, constraint string) bool {
	if constraint == "" || a.Kind == source.Git && a.Ref == "" {
		return true
	}
	rng := s.expr("version").Range()
	c, err := version.NewConstraint(constraint)
	if err != nil {
		return false
	}
	if p.version == "" {
		s.set.Append(diag.Errorf("No version", &rng, "%s is wanted as %s, and it does not say which version it is. It would say so in one of its files:\n    ferry { version = \"1.0.0\" }", upperFirst(s.what), constraint))
		return false
	}
	if v, err := version.NewVersion(p.version); err == nil && !c.Check(v) {
		s.set.Append(diag.Errorf("Wrong version", &rng, "%s is wanted as %s, and it is %s (%s).", upperFirst(s.what), constraint, p.version, place(p.rng)))
		return false
	}
	return true
}
