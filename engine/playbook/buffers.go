package playbook

import (
	"maps"

	"github.com/ferry-ops/ferry/engine/diag"
)

// Option changes how a playbook is loaded.
type Option func(*loader)

// loader is one loading of a playbook.
type loader struct {
	set *diag.Set
}

// WithBuffers takes the content of files from here where it has them, and not
// from the disk: what an editor has not saved yet. The names are those Load
// gives files in its diagnostics.
func WithBuffers(buffers diag.Sources) Option {
	return func(ld *loader) { ld.set.Sources = maps.Clone(buffers) }
}
