package lsp

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/inventory"
)

// kind is what a file is for.
type kind int

const (
	kindPlaybook kind = iota
	kindInventory
	kindValues // NAME = VALUE
	kindOther
)

// kindOf goes by the blocks in a file, and by its name where there are none yet.
func (s *server) kindOf(path string) kind {
	if filepath.Ext(path) != ".hcl" {
		return kindOther
	}
	parent := filepath.Base(filepath.Dir(path))
	if parent == "group_vars" || parent == "host_vars" || strings.HasSuffix(path, ".vars.hcl") {
		return kindValues
	}
	toks, _ := hclsyntax.LexConfig(s.text(path), path, hcl.InitialPos)
	depth, start, assigned := 0, true, false
	for _, t := range toks {
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen:
			depth--
		case hclsyntax.TokenNewline, hclsyntax.TokenComment:
			start = start || depth <= 0
			continue
		case hclsyntax.TokenEqual:
			assigned = assigned || depth == 0
		case hclsyntax.TokenIdent:
			if !start || depth > 0 {
				break
			}
			if _, ok := s.o.Language.Inventory.Blocks[string(t.Bytes)]; ok {
				return kindInventory
			}
			if _, ok := s.o.Language.Playbook.Blocks[string(t.Bytes)]; ok {
				return kindPlaybook
			}
		}
		start = false
	}
	switch {
	case assigned:
		return kindValues
	case strings.HasPrefix(filepath.Base(path), "inventory"):
		return kindInventory
	}
	return kindPlaybook
}

// diagnose loads what a file belongs to and tells the editor what is wrong.
func (s *server) diagnose(path string) {
	var set diag.Set
	switch s.kindOf(path) {
	case kindPlaybook:
		set = s.loadPlaybook(path)
	case kindInventory:
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, set = inventory.Load(ctx, []string{path}, inventory.Options{Buffers: s.buffers, SkipSecrets: true, Facts: s.facts()})
	case kindValues:
		if strings.HasSuffix(path, ".auto.vars.hcl") {
			_, set = playbook.Load(filepath.Dir(path), s.o.Registry, "", playbook.WithBuffers(s.buffers))
			break
		}
		_, diags := diag.ParseConfig(s.text(path), path)
		set.Extend(diags)
	default:
		return
	}
	s.publish(path, set)
}

// loadPlaybook loads the directory of a file as a playbook, and the file alone:
// nothing says which of the two it is, so the reading with fewer errors in this
// file is taken.
func (s *server) loadPlaybook(path string) diag.Set {
	_, dir := playbook.Load(filepath.Dir(path), s.o.Registry, s.o.Language.Version, playbook.WithBuffers(s.buffers))
	if !dir.HasErrors() {
		return dir
	}
	_, file := playbook.Load(path, s.o.Registry, s.o.Language.Version, playbook.WithBuffers(s.buffers))
	if errorsIn(file, path) < errorsIn(dir, path) {
		return file
	}
	return dir
}

// facts has the names of facts but no values: an editor is no place to ask hosts.
func (s *server) facts() inventory.RecordedFacts {
	f := inventory.RecordedFacts{Lenient: true}
	for _, d := range s.o.Language.Facts {
		f.Names = append(f.Names, d.Name)
	}
	return f
}

func errorsIn(set diag.Set, path string) int {
	n := 0
	for _, d := range set.Diags {
		if d.Severity == hcl.DiagError && (d.Subject == nil || d.Subject.Filename == path) {
			n++
		}
	}
	return n
}

// publish sends the diagnostics of each file, and takes back those of files
// that have none any more. What has no place is said at the top of path.
func (s *server) publish(path string, set diag.Set) {
	byFile := map[string][]diagnostic{path: {}}
	for _, d := range set.Diags {
		file, rng := path, span{}
		if d.Subject != nil && d.Subject.Filename != "" {
			file = d.Subject.Filename
			if file != path && s.kindOf(file) == kindInventory {
				continue // it was read as a part of the playbook, beside which it lies
			}
			if src := s.text(file); src != nil {
				rng = span{place(src, d.Subject.Start.Byte), place(src, d.Subject.End.Byte)}
			}
		}
		severity := 1
		if d.Severity == hcl.DiagWarning {
			severity = 2
		}
		byFile[file] = append(byFile[file], diagnostic{Range: rng, Severity: severity, Source: "ferry", Message: d.Summary + "\n\n" + d.Detail})
	}
	for old := range s.published {
		if _, ok := byFile[old]; !ok && filepath.Dir(old) == filepath.Dir(path) {
			byFile[old] = []diagnostic{}
		}
	}
	for file, list := range byFile {
		if len(list) == 0 {
			delete(s.published, file)
		} else {
			s.published[file] = true
		}
		s.notify("textDocument/publishDiagnostics", publishParams{URI: uriOf(file), Diagnostics: list})
	}
}
