package playbook

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/source"
)

// maxFile bounds one playbook file, in bytes.
const maxFile = 8 << 20

// varsSuffix ends the names of files that give variables values.
const varsSuffix = ".auto.vars.hcl"

type sourceFile struct {
	name string
	body *hclsyntax.Body
	vars bool // *.auto.vars.hcl

	encrypted bool // *.auto.vars.hcl.age; not parsed
}

// readFiles parses the .hcl files of a directory, or one file.
func readFiles(path string, set *diag.Set) []sourceFile {
	st, err := os.Stat(path)
	if err != nil {
		set.Append(diag.Errorf("Playbook not found", nil,
			"%s cannot be read: %s. Give the directory that holds the playbook's .hcl files, or one such file.", path, cause(err)))
		return nil
	}
	names := []string{path}
	if st.IsDir() {
		entries, err := os.ReadDir(path)
		if err != nil {
			set.Append(diag.Errorf("Playbook not readable", nil, "%s cannot be read: %s.", path, cause(err)))
			return nil
		}
		names = nil
		for _, e := range entries {
			hcl := strings.HasSuffix(e.Name(), ".hcl") || strings.HasSuffix(e.Name(), varsSuffix+ageSuffix)
			if hcl && !strings.HasPrefix(e.Name(), ".") && e.Name() != source.LockName {
				names = append(names, filepath.Join(path, e.Name()))
			}
		}
		for name := range set.Sources { // an editor's, see WithBuffers
			if filepath.Dir(name) == filepath.Clean(path) && strings.HasSuffix(name, ".hcl") && filepath.Base(name) != source.LockName && !contains(names, name) {
				names = append(names, name)
			}
		}
		sort.Strings(names)
		if len(names) == 0 {
			set.Append(diag.Errorf("Empty playbook", nil, "The directory %s holds no .hcl file, so there is nothing to run.", path))
			return nil
		}
	}
	var out []sourceFile
	for _, name := range names {
		if strings.HasSuffix(name, ageSuffix) {
			out = append(out, sourceFile{name: name, encrypted: true})
			continue
		}
		if body := readFile(name, set); body != nil {
			out = append(out, sourceFile{name: name, body: body, vars: strings.HasSuffix(name, varsSuffix)})
		}
	}
	return out
}

// readFile parses one HCL file. It refuses what is not a text file of sensible
// size, so that a FIFO cannot hang and a disk image cannot exhaust memory.
func readFile(name string, set *diag.Set) *hclsyntax.Body {
	src, ok := set.Sources[name]
	if !ok {
		var err error
		if src, err = readText(name); err != nil {
			set.Append(diag.Errorf("File not readable", nil, "%s cannot be read: %s.", name, err))
			return nil
		}
		set.AddSource(name, src)
	}
	f, diags := diag.ParseConfig(src, name)
	if diags.HasErrors() {
		first := firstError(diags) // what follows is mostly its echo
		if isYAML(name, src) {
			first = diag.Errorf("Not a ferry playbook", first.Subject, "This looks like YAML, perhaps a playbook of another tool. Ferry's playbooks are written in HCL: play \"NAME\" { … }. What becomes what is in docs/coming-from-ansible.md; inventories, variable files and vaults in YAML are read as they are.")
		}
		set.Append(first)
		return nil
	}
	set.Extend(diags)
	if f == nil {
		return nil
	}
	body, _ := f.Body.(*hclsyntax.Body)
	return body
}

// isYAML tells a file that cannot be HCL and by name or first line is YAML.
func isYAML(name string, src []byte) bool {
	ext := strings.ToLower(filepath.Ext(name))
	for line := range bytes.Lines(src) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		return ext == ".yml" || ext == ".yaml" || bytes.HasPrefix(line, []byte("---")) || bytes.HasPrefix(line, []byte("- "))
	}
	return false
}

func firstError(diags hcl.Diagnostics) *hcl.Diagnostic {
	var first *hcl.Diagnostic
	for _, d := range diags {
		if d.Severity == hcl.DiagError && (first == nil || d.Subject != nil && first.Subject != nil && d.Subject.Start.Byte < first.Subject.Start.Byte) {
			first = d
		}
	}
	return first
}

func readText(name string) ([]byte, error) {
	src, err := readBytes(name)
	if err != nil {
		return nil, err
	}
	return src, checkUTF8(src)
}

// readBytes reads a regular file of sensible size.
func readBytes(name string) ([]byte, error) {
	st, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, cause(err)
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("it is not a regular file")
	case st.Size() > maxFile:
		return nil, fmt.Errorf("it has %d bytes, and at most %d are read", st.Size(), maxFile)
	}
	src, err := os.ReadFile(name)
	if err != nil {
		return nil, cause(err)
	}
	return src, nil
}

func checkUTF8(src []byte) error {
	if !utf8.Valid(src) {
		line := 1
		for i := 0; i < len(src); {
			r, n := utf8.DecodeRune(src[i:])
			if r == utf8.RuneError && n == 1 {
				line += bytes.Count(src[:i], []byte("\n"))
				break
			}
			i += n
		}
		return fmt.Errorf("line %d is not valid UTF-8", line)
	}
	return nil
}

// cause drops the path that os errors repeat.
func cause(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
