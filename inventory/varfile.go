package inventory

import (
	"bytes"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"

	"github.com/ferry-ops/ferry/engine/diag"
)

// NamedVariable is a variable of a file of variables.
type NamedVariable struct {
	Name string
	Variable
}

// ReadVariables reads a file of variables in YAML as Ansible has them, encrypted
// as a whole, in single values, or not at all. What was encrypted is marked
// sensitive. Names that mean a connection argument to Ansible mean nothing here.
func ReadVariables(name string, o Options) ([]NamedVariable, diag.Set) {
	b := newBuilder(o)
	vars := b.readVariables(name)
	b.set.Sort()
	return vars, b.set
}

func (b *builder) readVariables(name string) []NamedVariable {
	data, d := readFile(name, maxYAMLSize)
	if d != nil {
		b.report(d)
		return nil
	}
	src := source{name: name, data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), dirs: dirs{base: filepath.Dir(name)}}
	if !b.addSource(&src) {
		return nil
	}
	if d = checkText(name, src.data); d == nil {
		d = checkTokens(src)
	}
	var n *node
	if d == nil {
		n, d = b.parseTree(src, false)
	}
	if d != nil {
		b.report(d)
		return nil
	}
	if n == nil || n.isNull() {
		return nil
	}
	if n.kind != nodeMap {
		b.report(diag.Errorf("Invalid variables", &n.rng, "A file of variables must be a map of variables to values, not %s.", n.describe()))
		return nil
	}
	var out []NamedVariable
	for _, p := range n.pairs {
		v, ok := b.nodeValue(p.key, p.val)
		if !ok {
			continue
		}
		if b.hushed[name] {
			v = v.Mark(diag.SensitiveMark)
		}
		out = append(out, NamedVariable{Name: p.key, Variable: Variable{Value: v, Range: hcl.RangeBetween(p.rng, p.rng)}})
	}
	return out
}
