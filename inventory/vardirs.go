package inventory

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/ferry-ops/ferry/engine/diag"
)

// varDirs remembers that group_vars and host_vars of a directory are to be
// read. That happens after all inventories, when the names are known.
func (l *loader) varDirs(dir string) {
	if !l.seenVars[dir] {
		l.seenVars[dir] = true
		l.dirs = append(l.dirs, dir)
	}
}

func (l *loader) readVarDirs() {
	for _, dir := range l.dirs {
		base := dirs{base: dir, home: l.o.Home}
		l.readVars(filepath.Join(dir, "group_vars"), "group", base, func(name string) *layer {
			if g := l.b.inv.groups[name]; g != nil {
				return &g.files
			}
			return nil
		})
		l.readVars(filepath.Join(dir, "host_vars"), "host", base, func(name string) *layer {
			if h := l.b.inv.hosts[name]; h != nil {
				return &h.files
			}
			return nil
		})
	}
}

// readVars reads a directory in which each file, or directory of files, has
// the variables of the group or host it is named after.
func (l *loader) readVars(dir, what string, base dirs, find func(string) *layer) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		if !os.IsNotExist(err) {
			l.b.report(cannotRead(dir, err))
		}
		return
	}
	for _, e := range entries {
		name := e.Name()
		if ignored(name) {
			continue
		}
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err != nil {
			l.b.report(cannotRead(path, err))
			continue
		}
		if info.IsDir() {
			l.varsOf(name, path, what, find, func(to *layer) { l.readVarsDir(path, to, base, 0) })
			continue
		}
		suffix := filepath.Ext(withoutAge(name))
		// A host may have dots in its name: the name as it stands comes first.
		owner := name
		if (isVarsExtension(suffix) || suffix == "" && withoutAge(name) != name) && find(name) == nil {
			owner = strings.TrimSuffix(withoutAge(name), suffix)
		} else if find(name) == nil && suffix != "" && find(withoutAge(name)) == nil && what == "group" {
			l.b.report(diag.Warningf("File not read", &hcl.Range{Filename: path}, "Variables are read from files with the extension .hcl, .yml, .yaml, .json or none; %s is left out.", path))
			continue
		}
		l.varsOf(owner, path, what, find, func(to *layer) { l.readVarsFile(path, to, base) })
	}
}

func isVarsExtension(ext string) bool {
	return slices.Contains([]string{".hcl", ".yml", ".yaml", ".json"}, ext)
}

func (l *loader) varsOf(owner, path, what string, find func(string) *layer, read func(*layer)) {
	to := find(owner)
	if to == nil {
		// Directories of variables are shared between inventories, so this is
		// no reason to stop.
		names := l.b.inv.groupNames()
		if what == "host" {
			names = l.b.inv.hostNames()
		}
		if hint := diag.DidYouMean(owner, names); hint != "" {
			l.b.report(diag.Warningf("Variables of nothing", &hcl.Range{Filename: path}, "%s has variables of the %s %q, which the inventory does not have.%s", path, what, owner, hint))
		}
		return
	}
	read(to)
}

func (l *loader) readVarsDir(dir string, to *layer, base dirs, depth int) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		l.b.report(cannotRead(dir, err))
		return
	}
	if depth > maxSourceDepth || len(entries) > maxSources {
		l.b.report(diag.Errorf("Directories too deep", &hcl.Range{Filename: dir}, "%s has more than %d files, or is more than %d directories deep. Does a symbolic link lead back to a directory above it?", dir, maxSources, maxSourceDepth))
		return
	}
	for _, e := range entries {
		if ignored(e.Name()) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			l.readVarsDir(path, to, base, depth+1)
			continue
		}
		if e := ext(path); e == "" || isVarsExtension(e) {
			l.readVarsFile(path, to, base)
		}
	}
}

func (l *loader) readVarsFile(path string, to *layer, base dirs) {
	data, d := readFile(path, maxYAMLSize)
	if d != nil {
		l.b.report(d)
		return
	}
	src := source{name: path, data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), dirs: base}
	if !l.b.addSource(&src) {
		return
	}
	if d = checkText(path, src.data); d == nil {
		d = checkTokens(src)
	}
	if d != nil {
		l.b.report(d)
		return
	}
	if ext(path) == ".hcl" {
		l.b.readVarsHCL(src, to)
		return
	}
	n, d := l.b.parseTree(src, ext(path) == ".json")
	if d != nil {
		l.b.report(d)
		return
	}
	(&treeReader{b: l.b, base: base}).vars(n, path, to)
}

// readVarsHCL reads a file of attributes, each a variable.
func (b *builder) readVarsHCL(src source, to *layer) {
	if d := diag.Bounds(src.data, src.name); d != nil {
		b.report(d)
		return
	}
	f, diags := hclsyntax.ParseConfig(src.data, src.name, hcl.InitialPos)
	b.report(diags...)
	if f == nil || diags.HasErrors() {
		return
	}
	body := f.Body.(*hclsyntax.Body)
	for _, blk := range body.Blocks {
		b.report(diag.Errorf("Unknown block", blk.TypeRange.Ptr(), "A file of variables has no blocks. Write a variable with an equals sign:\n    %s = {\n    }", blk.Type))
	}
	eval := b.evalContext(src.dirs.base)
	attrs := make([]*hclsyntax.Attribute, 0, len(body.Attributes))
	for _, a := range body.Attributes {
		attrs = append(attrs, a)
	}
	slices.SortFunc(attrs, func(x, y *hclsyntax.Attribute) int { return x.SrcRange.Start.Byte - y.SrcRange.Start.Byte })
	for _, a := range attrs {
		v, diags := a.Expr.Value(eval)
		if containsSecretName(a.Name) {
			for _, d := range diags {
				d.Expression, d.EvalContext = nil, nil
				diag.HideSource(d)
			}
		}
		b.report(diags...)
		if !diags.HasErrors() {
			b.setVar(to, a.Name, Variable{Value: v, Range: a.SrcRange}, src.dirs)
		}
	}
}
