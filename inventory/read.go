package inventory

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"github.com/ferry-ops/ferry/engine/diag"
)

// Limits on what is read, so that a wrong path is a message and not a machine
// out of memory.
const (
	maxFileSize    = 32 << 20
	maxYAMLSize    = 16 << 20 // a YAML tree takes many times the memory of its text
	maxTokens      = 3 << 20  // of a file in YAML or JSON; each costs up to 300 bytes
	maxTokensHCL   = 3 << 19  // in HCL each costs up to 700 bytes
	maxSources     = 1000     // files of one directory
	maxSourceDepth = 8        // directories within directories
)

// source is a file that has been read.
type source struct {
	name string
	data []byte
	dirs dirs
}

// readFile reads a regular file of limited size. Opening a FIFO or a device
// could block for ever, so what it is is looked at first.
func readFile(path string, limit int64) ([]byte, *hcl.Diagnostic) {
	at := &hcl.Range{Filename: path}
	info, err := os.Stat(path)
	if err != nil {
		return nil, cannotRead(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, diag.Errorf("Not a regular file", at, "%s is %s, and an inventory is read from regular files. Write its content to a file first.", path, fileKind(info.Mode()))
	}
	if info.Size() > limit {
		return nil, tooLarge(path, limit)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, cannotRead(path, err)
	}
	defer f.Close()
	// It may grow while it is read.
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, cannotRead(path, err)
	}
	if int64(len(data)) > limit {
		return nil, tooLarge(path, limit)
	}
	return data, nil
}

func tooLarge(path string, limit int64) *hcl.Diagnostic {
	return diag.Errorf("File too large", &hcl.Range{Filename: path}, "%s is larger than %d MiB, which no inventory file needs to be. Is it the right file? Hosts with like names are one line, for example web[001:500].", path, limit>>20)
}

// checkTokens refuses a file that is within the limit of size but would take
// gigabytes as a tree, going by the punctuation in it.
func checkTokens(src source) *hcl.Diagnostic {
	n := 0
	for i, c := range src.data {
		switch c {
		case ',', '[', ']', '{', '}', '(', ')', '"', '=', '\n', ':', '+', '*', '/', '%', '!', '?', '&', '|', '<', '>', '$', '~':
			n++
		case '-':
			if i+1 < len(src.data) && src.data[i+1] <= ' ' {
				n++
			}
		}
	}
	limit := maxTokens
	if strings.HasSuffix(src.name, ".hcl") || detect(src) == formatHCL {
		limit = maxTokensHCL
	}
	if n <= limit {
		return nil
	}
	return diag.Errorf("File too large", &hcl.Range{Filename: src.name}, "%s has more than %d thousand values and names, which no inventory file needs. Is it the right file? Hosts with like names are one line, for example web[001:500].", src.name, limit/1000)
}

func cannotRead(path string, err error) *hcl.Diagnostic {
	at := &hcl.Range{Filename: path}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		near := ""
		if entries, e := os.ReadDir(filepath.Dir(path)); e == nil && len(entries) <= maxSources {
			var names []string
			for _, entry := range entries {
				names = append(names, entry.Name())
			}
			near = diag.DidYouMean(filepath.Base(path), names)
		}
		return diag.Errorf("File not found", at, "There is no file or directory %s.%s", path, near)
	case errors.Is(err, fs.ErrPermission):
		return diag.Errorf("File not readable", at, "The user who runs ferry may not read %s. Its owner can allow it:\n    chmod +r %s", path, path)
	}
	return diag.Errorf("File not readable", at, "%s cannot be read: %s.", path, err)
}

func fileKind(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	case m.IsDir():
		return "a directory"
	}
	return "a special file"
}

// readPath reads a file or a directory of them.
func (l *loader) readPath(ctx context.Context, path string, depth int) {
	if ctx.Err() != nil {
		return
	}
	if text, ok := l.o.Buffers[path]; ok {
		l.readText(path, text)
		return
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		l.b.report(cannotRead(path, err))
	case info.IsDir():
		l.readDir(ctx, path, depth)
	default:
		l.readOne(ctx, path, info)
	}
}

func (l *loader) readDir(ctx context.Context, dir string, depth int) {
	at := &hcl.Range{Filename: dir}
	if depth > maxSourceDepth {
		l.b.report(diag.Errorf("Directories too deep", at, "Inventory directories are read %d levels deep, and %s is below that. Does a symbolic link lead back to a directory above it?", maxSourceDepth, dir))
		return
	}
	real, err := filepath.EvalSymlinks(dir)
	if err == nil {
		if l.seenDirs[real] {
			l.b.report(diag.Warningf("Directory read before", at, "%s was already read, perhaps by another name (a symbolic link). It is left out here.", dir))
			return
		}
		l.seenDirs[real] = true
	}
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		l.b.report(cannotRead(dir, err))
		return
	}
	n := 0
	for _, e := range entries {
		if ignored(e.Name()) || e.Name() == "group_vars" || e.Name() == "host_vars" {
			continue
		}
		if ext := strings.ToLower(filepath.Ext(e.Name())); !e.IsDir() && (ext == ".ini" || ext == ".cfg") {
			path := filepath.Join(dir, e.Name())
			l.b.report(diag.Warningf("File left out", &hcl.Range{Filename: path}, "%s is not read: in a directory, Ansible takes files that end in %s for the configuration of programs. If it is an inventory, give it a name without this extension:\n    mv %s %s", path, ext, path, strings.TrimSuffix(path, filepath.Ext(path))))
			continue
		}
		if n++; n > maxSources {
			l.b.report(diag.Errorf("Too many files", at, "%s has more than %d files. Is it an inventory directory?", dir, maxSources))
			return
		}
		l.readPath(ctx, filepath.Join(dir, e.Name()), depth+1)
	}
	if n == 0 {
		l.b.report(diag.Warningf("Empty inventory directory", at, "%s has no inventory files.", dir))
	}
	l.varDirs(dir)
}

// ignored reports whether a file of an inventory directory is no inventory:
// hidden files and what editors and package managers leave behind.
func ignored(name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") || strings.HasPrefix(name, "#") {
		return true
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".orig", ".bak", ".swp", ".swo", ".rpm", ".rpmnew", ".rpmsave", ".rpmorig", ".retry", ".pyc", ".pyo", ".md", ".txt", ".csv", ".pub", ".pem", ".key":
		return true
	}
	return false
}

// checkText reports what no text file contains.
func checkText(name string, data []byte) *hcl.Diagnostic {
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return diag.HideSource(diag.Errorf("Not a text file", lineAt(name, data, i), "%s contains NUL characters, so it is not an inventory. Is it the right file? An inventory is text with the encoding UTF-8.", name))
	}
	if !utf8.Valid(data) {
		for i := 0; i < len(data); {
			r, n := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && n == 1 {
				return diag.Errorf("Invalid UTF-8", lineAt(name, data, i), "This line is not valid UTF-8 text. Save the file with the encoding UTF-8.")
			}
			i += n
		}
	}
	return nil
}

// lineAt is the place of byte i.
func lineAt(name string, data []byte, i int) *hcl.Range {
	line := 1 + bytes.Count(data[:i], []byte{'\n'})
	col := 1 + utf8.RuneCount(data[bytes.LastIndexByte(data[:i], '\n')+1:i])
	p := hcl.Pos{Line: line, Column: col, Byte: i}
	return &hcl.Range{Filename: name, Start: p, End: hcl.Pos{Line: line, Column: col + 1, Byte: i + 1}}
}
