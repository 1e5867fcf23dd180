package schema

import (
	"os"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/ferry-ops/ferry/engine/diag"
)

// maxTemplate bounds a template file, in bytes.
const maxTemplate = 4 << 20

// Files keeps the templates read from the controller's disk, so that many hosts
// share one parsed template. It may be used concurrently.
type Files struct {
	mu        sync.Mutex
	templates map[string]parsedTemplate
	sources   diag.Sources
	locals    map[string]*LocalFile
	trees     map[string]*LocalTree
}

type parsedTemplate struct {
	expr  hclsyntax.Expression
	diags hcl.Diagnostics
}

// NewFiles returns an empty Files.
func NewFiles() *Files {
	return &Files{templates: map[string]parsedTemplate{}, sources: diag.Sources{}}
}

// Sources returns a copy of the text of all templates read, for diagnostics.
func (f *Files) Sources() diag.Sources {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := diag.Sources{}
	for k, v := range f.sources {
		out[k] = v
	}
	return out
}

func (f *Files) template(path string) (hclsyntax.Expression, hcl.Diagnostics) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t, ok := f.templates[path]; ok {
		return t.expr, t.diags
	}
	var t parsedTemplate
	rng := hcl.Range{Filename: path, Start: hcl.InitialPos, End: hcl.InitialPos}
	st, err := os.Stat(path)
	if err == nil && st.Size() > maxTemplate {
		t.diags = hcl.Diagnostics{diag.Errorf("Template too large", &rng, "The template %s has %d bytes; at most %d are read. Use the module \"copy\" for content that needs no rendering.", path, st.Size(), maxTemplate)}
	} else if text, err := os.ReadFile(path); err != nil {
		t.diags = hcl.Diagnostics{diag.Errorf("File not readable", &rng, "The template cannot be read: %s.", err)}
	} else {
		f.sources[path] = text
		t.expr, t.diags = diag.ParseTemplate(text, path)
	}
	f.templates[path] = t
	return t.expr, t.diags
}

// Template returns a template that was read already, or nil.
func (f *Files) Template(path string) hclsyntax.Expression {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t := f.templates[path]; !t.diags.HasErrors() {
		return t.expr
	}
	return nil
}

// Expressions returns the templates read so far.
func (f *Files) Expressions() []hclsyntax.Expression {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []hclsyntax.Expression
	for _, t := range f.templates {
		if t.expr != nil {
			out = append(out, t.expr)
		}
	}
	return out
}

// Variables returns what the templates read so far refer to.
func (f *Files) Variables() []hcl.Traversal {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []hcl.Traversal
	for _, t := range f.templates {
		if t.expr != nil {
			out = append(out, t.expr.Variables()...)
		}
	}
	return out
}
