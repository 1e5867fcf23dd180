package inventory

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/ferry-ops/ferry/engine/diag"
)

// Options changes how Load works. The zero value is what people want.
type Options struct {
	// Home is what ~ stands for; that of the user who runs ferry if empty.
	Home string
	// ProgramTimeout is how long an inventory program may take; 60 s if zero.
	ProgramTimeout time.Duration
	// Facts are what constructed groups see of facts.
	Facts RecordedFacts
	// Buffers has the content of files that is taken instead of what is on the
	// disk: what an editor has not saved yet.
	Buffers diag.Sources
	// Secrets decrypts what is encrypted. Without it, that is left out with a
	// warning.
	Secrets Decrypter
	// SkipSecrets leaves out what is encrypted and says nothing: for those who
	// only want to know the names of hosts and groups.
	SkipSecrets bool
}

// Load reads inventories and merges them in order: later ones add to, and
// override, earlier ones. Each path is a file, a directory, or host names with
// commas ("web1,web2" or "web1,").
//
// The Inventory is never nil, but should only be used if the set has no
// errors. The set's Sources has every file that was read.
func Load(ctx context.Context, paths []string, o Options) (*Inventory, diag.Set) {
	if o.Home == "" {
		o.Home, _ = os.UserHomeDir() // without one, ~ gives a diagnostic where it is used
	}
	if o.ProgramTimeout == 0 {
		o.ProgramTimeout = time.Minute
	}
	l := &loader{b: newBuilder(o), o: o, seenDirs: map[string]bool{}, seenVars: map[string]bool{}}
	for _, p := range paths {
		if _, err := os.Stat(p); err != nil && strings.Contains(p, ",") {
			l.readList(p)
			continue
		}
		l.readPath(ctx, p, 0)
	}
	if err := ctx.Err(); err != nil {
		l.b.report(diag.Errorf("Interrupted", nil, "The inventory was not read to its end: %s.", err))
	}
	l.readVarDirs()
	return l.b.finish()
}

type loader struct {
	b        *builder
	o        Options
	seenDirs map[string]bool
	seenVars map[string]bool
	dirs     []string // directories beside which group_vars and host_vars are read
}

// readList reads host names with commas, as given on a command line.
func (l *loader) readList(list string) {
	rng := hcl.Range{Filename: "the list of hosts", Start: hcl.InitialPos, End: hcl.InitialPos}
	for _, name := range strings.Split(list, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		host, port := splitHostPort(name)
		for _, hn := range l.b.expand(host, rng) {
			h := l.b.host(hn, rng)
			if port != 0 {
				h.inline.setArg(setting{name: argPort, val: port, rng: rng})
			}
		}
	}
	l.varDirs(".")
}

func (l *loader) readOne(ctx context.Context, path string, info fs.FileInfo) {
	if info.Mode().IsRegular() && info.Mode()&0o111 != 0 && !hasDataExtension(path) {
		l.readProgram(ctx, path)
		l.varDirs(filepath.Dir(path))
		return
	}
	data, d := readFile(path, maxFileSize)
	if d != nil {
		l.b.report(d)
		return
	}
	l.readText(path, data)
}

func (l *loader) readText(path string, data []byte) {
	src := source{name: path, data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), dirs: dirs{base: filepath.Dir(path), home: l.o.Home}}
	if !l.b.addSource(&src) {
		return
	}
	l.readSource(src)
	l.varDirs(filepath.Dir(path))
}

// readSource finds out which format a file has, and reads it.
func (l *loader) readSource(src source) {
	f := detect(src)
	if f != formatINI { // an INI file may have comments in any encoding
		d := checkText(src.name, src.data)
		if d == nil {
			d = checkTokens(src)
		}
		if d != nil {
			l.b.report(d)
			return
		}
	} else if bytes.IndexByte(src.data, 0) >= 0 {
		l.b.report(checkText(src.name, src.data))
		return
	}
	switch f {
	case formatHCL:
		l.b.readHCL(src)
	case formatYAML, formatJSON:
		l.b.readYAML(src, f)
	case formatSSHConfig:
		l.b.readSSHConfig(src)
	default:
		l.b.readINI(src)
	}
}

type format int

const (
	formatINI format = iota
	formatHCL
	formatYAML
	formatJSON
	formatSSHConfig
)

// hasDataExtension: these are never programs, whatever their mode says (file
// systems without modes make everything executable).
func hasDataExtension(path string) bool {
	switch ext(path) {
	case ".hcl", ".ini", ".cfg", ".conf", ".yml", ".yaml", ".json":
		return true
	}
	return false
}

// detect goes by the extension, and otherwise by the first line that is no
// comment.
func detect(src source) format {
	switch ext(src.name) {
	case ".hcl":
		return formatHCL
	case ".yml", ".yaml":
		return formatYAML
	case ".json":
		return formatJSON
	case ".ini", ".cfg":
		return formatINI
	}
	for line := range bytes.Lines(src.data) {
		s := strings.TrimSpace(string(line[:min(len(line), 200)]))
		switch {
		case s == "" || s[0] == '#' || s[0] == ';' || strings.HasPrefix(s, "//"):
			continue
		case s == "---" || strings.HasPrefix(s, "%YAML") || s == "all:":
			return formatYAML
		case s[0] == '{':
			return formatJSON
		case isHCLStart(s):
			return formatHCL
		case isHostLine(s):
			return formatSSHConfig
		}
		return formatINI
	}
	return formatINI
}

func isHCLStart(s string) bool {
	word, rest, _ := strings.Cut(s, " ")
	rest = strings.TrimSpace(rest)
	return (word == "group" || word == "host" || word == "constructed" || word == "keyed") && strings.HasPrefix(rest, `"`)
}

// isHostLine recognizes the first line of an SSH configuration. In an INI
// inventory the second word would have an equals sign.
func isHostLine(s string) bool {
	f := strings.Fields(s)
	return len(f) >= 2 && f[0] == "Host" && !strings.Contains(s, "=")
}
