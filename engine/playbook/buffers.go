package playbook

import (
	"maps"

	"github.com/ferry-ops/ferry/engine/diag"
)

// WithBuffers takes the content of files from here where it has them, and not
// from the disk: what an editor has not saved yet. The names are those Load
// gives files in its diagnostics.
func WithBuffers(buffers diag.Sources) Option {
	return func(pb *Playbook) { pb.Sources = maps.Clone(buffers) }
}
