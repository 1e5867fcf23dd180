package playbook

import (
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/source"
)

// Bounds on what one playbook may bring in, so that sets that use each other
// twice and twice again end.
const (
	maxDepth = 16
	maxUnits = 2000
)

// Sources finds the directories of remote sources.
type Sources interface {
	// Tree returns the directory that holds what the address names as a whole,
	// without its subdirectory. Errors that are *source.Error are shown as they are.
	Tree(source.Request) (dir string, err error)
}

// WithSources finds remote sources with s instead of with the lock file beside
// the playbook.
func WithSources(s Sources) Option { return func(pb *Playbook) { pb.sources = s } }

// WithLibrary makes the sets and stacks that are part of ferry known: a source
// "ferry//stacks/nginx" is the directory stacks/nginx of library.
func WithLibrary(library fs.FS) Option { return func(pb *Playbook) { pb.library = library } }

// loader is one loading of a playbook.
type loader struct {
	pb      *Playbook
	reg     *module.Registry
	version string
	set     *diag.Set
	buffers diag.Sources // of WithBuffers
	partial bool         // a file could not be read, so names may be missing

	sets      map[string]*parsedSet // by canonical directory
	functions map[string]dirFunctions
	told      map[string]bool // problems of sets, which may be used twice
}

func newLoader(pb *Playbook, reg *module.Registry, version string, set *diag.Set) *loader {
	if pb.sources == nil {
		pb.sources = source.Locked{Dir: pb.Dir}
	}
	return &loader{
		pb: pb, reg: reg, version: version, set: set, buffers: maps.Clone(pb.Sources),
		sets: map[string]*parsedSet{}, functions: map[string]dirFunctions{}, told: map[string]bool{},
	}
}

// dirFunctions are the functions of the language for one directory.
type dirFunctions struct{ real, static map[string]function.Function }

// functionsOf returns the functions of the language with relative paths taken
// from dir, and those that decrypt nothing.
func (ld *loader) functionsOf(dir string) (real, static map[string]function.Function) {
	f := ld.functions[dir]
	if f.real == nil {
		f = dirFunctions{functions(dir, ld.pb.secrets, false), functions(dir, ld.pb.secrets, true)}
		ld.functions[dir] = f
	}
	return f.real, f.static
}

// in runs f for a unit and reports what it finds, each problem once however
// often its set is used, with the place of the use.
func (ld *loader) in(u *Unit, f func(*diag.Set)) {
	var sub diag.Set
	f(&sub)
	for _, d := range sub.Diags {
		if d.Subject == nil || len(u.usedAt) == 0 {
			ld.set.Append(d)
			continue
		}
		key := fmt.Sprintf("%d %s %s", d.Severity, d.Subject, d.Summary)
		if ld.told[key] {
			continue
		}
		ld.told[key] = true
		d.Detail += "\n\nUsed at " + u.UsedAt() + "."
		ld.set.Append(d)
	}
	for name, text := range sub.Sources {
		ld.set.AddSource(name, text)
	}
}

// canonical is the one name of a directory.
func canonical(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	return dir
}

// site is where something is used: a block with a source.
type site struct {
	reader
	name   string
	what   string // how diagnostics name what is used, in lower case: `the set "web"`
	prefix string // of its addresses
	unit   *Unit  // in which the block is written
}

// siteArgs are the arguments of a use or stack that are not variables.
var siteArgs = []string{"source", "version", "description", "when", "for_each", "tags", "become"}

// used is the directory a site names, with its files.
type used struct {
	*parsedSet
	dir   string // absolute
	chain []link
	tree  string
}

// open finds and parses what a site names, or reports why it cannot.
func (ld *loader) open(s site, kind setKind) (used, bool) {
	none := used{}
	bad := func(rng hcl.Range, summary, format string, args ...any) (used, bool) {
		s.set.Append(diag.Errorf(summary, &rng, format, args...))
		return none, false
	}
	if s.expr("source") == nil {
		return bad(s.rng, "Missing argument", "%s needs the argument \"source\": where %s is, for example \"./%ss/%s\".", upperFirst(s.reader.what), s.what, kind, s.name)
	}
	text, ok := s.constant("source", stringType)
	if !ok {
		return none, false
	}
	constraint, ok := s.constraint("version")
	if !ok {
		return none, false
	}
	rng := s.expr("source").Range()
	a, err := source.Parse(text.AsString())
	if err != nil {
		return bad(rng, "Invalid source", "%s", err.(*source.Error).Detail) //nolint:errorlint // Parse returns nothing else
	}
	dir, tree, err := ld.locate(s, a, constraint)
	if err != nil {
		summary, detail := source.Explain(err)
		return bad(rng, summary, "%s", detail)
	}
	if len(s.unit.chain) > maxDepth {
		return bad(rng, "Too many levels", "The %s is %d levels of use below the playbook, and %d are possible.", s.what[4:], len(s.unit.chain), maxDepth)
	}
	if len(ld.pb.units) > maxUnits {
		return bad(rng, "Too many uses", "The playbook uses more than %d sets, counted with those that sets use in turn.", maxUnits)
	}
	real := canonical(dir)
	for i, l := range s.unit.chain {
		if l.dir == real {
			names := ""
			for _, step := range s.unit.chain[i:] {
				names += step.name + " → "
			}
			return bad(rng, "Cycle of sets", "A set cannot use itself, also not by way of others: %s.", names+l.name)
		}
	}
	out := used{dir: dir, tree: tree, chain: append(s.unit.chain[:len(s.unit.chain):len(s.unit.chain)], link{real, dir})}
	if abs, err := filepath.Abs(dir); err == nil {
		out.dir = abs
	}
	out.parsedSet, ok = ld.parse(s, dir, real, kind)
	if ok {
		ok = ld.checkSetVersion(s, a, out.parsedSet, constraint)
	}
	return out, ok
}
