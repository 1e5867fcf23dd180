package playbook

import (
	"path/filepath"
	"strings"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Load reads the playbook at path, a directory or a file, and checks all that
// can be checked without a host. The set holds every problem found and the text
// of every file read; the playbook is nil if there were errors. ferryVersion is
// compared with required_version; empty skips that. Nothing is fetched: a remote
// source must be where Option Sources finds it.
func Load(path string, reg *module.Registry, ferryVersion string, opts ...Option) (*Playbook, diag.Set) {
	var set diag.Set
	abs, err := filepath.Abs(path)
	if err != nil {
		abs = path
	}
	pb := &Playbook{Name: filepath.Base(abs), Unit: Unit{Dir: abs, what: "the playbook"}, Files: schema.NewFiles(), secrets: &secrets{}}
	for _, o := range opts {
		o(pb)
	}
	set.Sources = pb.Sources // of WithBuffers
	if strings.HasSuffix(abs, ".hcl") {
		pb.Name = strings.TrimSuffix(pb.Name, ".hcl")
		pb.Dir = filepath.Dir(abs)
	} else {
		pb.chain = []link{{canonical(abs), path}}
	}
	ld := newLoader(pb, reg, ferryVersion, &set)
	pb.functions, pb.static = ld.functionsOf(pb.Dir)
	pb.units = []*Unit{&pb.Unit}

	files := readFiles(path, &set)
	ld.partial = set.HasErrors()
	unreadable := len(set.Diags)
	for _, f := range files { // "your ferry is too old" beats every other message
		if f.encrypted {
			continue
		}
		checkVersion(f.body, ferryVersion, &set)
	}
	if len(files) == 0 || len(set.Diags) > unreadable && set.HasErrors() {
		set.Sort()
		return nil, set
	}
	for _, f := range files { // those that could be read, so that one look shows every problem
		switch {
		case f.encrypted:
			pb.autoVars = append(pb.autoVars, assignment{file: f.name})
		case f.vars:
			pb.autoVars = append(pb.autoVars, assignments(f.body, &set)...)
		default:
			ld.readTop(f.body, &set)
		}
	}
	for _, f := range files { // whatever calls a stack must know them all
		if !f.vars && !f.encrypted {
			ld.readPlays(f.body, &set)
		}
	}
	if len(pb.Plays) == 0 && !set.HasErrors() {
		set.Append(diag.Errorf("Empty playbook", nil, "The playbook %s declares no play, so there is nothing to run. A play is written as\n    play \"NAME\" {\n      hosts = \"all\"\n    }", path))
	}
	ld.check() // also after errors, so that one look shows every problem
	for name, src := range pb.Files.Sources() {
		set.AddSource(name, src)
	}
	set.Sort()
	pb.Sources = set.Sources
	if set.HasErrors() && !pb.keep {
		return nil, set
	}
	pb.partial = ld.partial
	return pb, set
}

// Keep makes Load return the playbook also if it has errors, as far as it could
// be read: enough for Globals, not for a run. It is nil if nothing was readable.
func Keep() Option { return func(pb *Playbook) { pb.keep = true } }

var topBlocks = []string{"ferry", "variable", "locals", "stack", "play"}

// readTop reads all of a file of the playbook but its plays.
func (ld *loader) readTop(body *hclsyntax.Body, set *diag.Set) {
	reader{what: "A playbook file", body: body, set: set}.only(nil, topBlocks)
	for _, b := range body.Blocks {
		switch b.Type {
		case "variable":
			ld.pb.readVariable(b, set)
		case "locals":
			if labels(b, set) {
				ld.pb.readLocals(b, set)
			}
		case "stack":
			ld.readStack(b, set)
		}
	}
}

func (ld *loader) readPlays(body *hclsyntax.Body, set *diag.Set) {
	for _, b := range body.Blocks {
		if b.Type == "play" {
			ld.readPlay(b, set)
		}
	}
}

// checkVersion enforces ferry { required_version = "…" }.
func checkVersion(body *hclsyntax.Body, have string, set *diag.Set) {
	for _, b := range body.Blocks {
		if b.Type != "ferry" {
			continue
		}
		if !labels(b, set) {
			continue
		}
		r := reader{what: "The block \"ferry\"", body: b.Body, set: set}
		r.only([]string{"required_version", "version"}, nil)
		want := r.str("required_version")
		if want == "" {
			continue
		}
		rng := r.expr("required_version").Range()
		c, err := version.NewConstraint(want)
		if err != nil {
			set.Append(diag.Errorf("Invalid version constraint", &rng, "%q is not a version constraint; write for example \">= 0.1\".", want))
			continue
		}
		if v, err := version.NewVersion(have); err == nil && !c.Check(v.Core()) {
			set.Append(diag.Errorf("Wrong version of ferry", &rng, "This playbook needs ferry %s, and this is ferry %s. Install a fitting version of ferry.", want, have))
		}
	}
}

func (u *Unit) readLocals(b *hclsyntax.Block, set *diag.Set) {
	reader{what: "The block \"locals\"", body: b.Body, set: set}.only(attrNames(b.Body), nil)
	for _, a := range sortedAttrs(b.Body) {
		if u.local(a.Name) != nil {
			set.Append(diag.Errorf("Duplicate local", &a.NameRange, "The local value %q is declared twice.", a.Name))
			continue
		}
		l := &local{name: a.Name, expr: a.Expr}
		for _, t := range a.Expr.Variables() {
			l.nested = l.nested || t.RootName() == "local"
		}
		u.locals = append(u.locals, l)
	}
}

func (u *Unit) local(name string) *local {
	for _, l := range u.locals {
		if l.name == name {
			return l
		}
	}
	return nil
}

func (u *Unit) localNames() []string {
	out := make([]string, len(u.locals))
	for i, l := range u.locals {
		out[i] = l.name
	}
	return out
}

func attrNames(b *hclsyntax.Body) []string {
	var out []string
	for n := range b.Attributes {
		out = append(out, n)
	}
	return out
}

// mark marks v sensitive if the variable is.
func (v *Variable) mark(val cty.Value) cty.Value {
	if v.Sensitive {
		return val.Mark(schema.SensitiveMark)
	}
	return val
}
