package inventory

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
)

// iniReader reads an inventory in Ansible's INI form:
//
//	host [variable=value …]        # before any section: in no group
//	[group]                        members, as above; host:port, ranges
//	[group:children]               names of groups
//	[group:vars]                   variable = value
type iniReader struct {
	b     *builder
	file  string
	base  dirs
	group *Group
	kind  string // "", "children", "vars", or "skip" after a bad header
	// Sections may be about groups that come later.
	declared map[string]bool
	vars     []iniSection
}

type iniSection struct {
	group string
	rng   hcl.Range
}

func (b *builder) readINI(src source) {
	r := &iniReader{b: b, file: src.name, base: src.dirs, declared: map[string]bool{}}
	r.group = b.inv.groups[groupUngrouped]
	data, offset, line := src.data, 0, 0
	for len(data) > 0 && !b.tooManyProblems(src.name) {
		raw := data
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			raw, data = data[:i], data[i+1:]
		} else {
			data = nil
		}
		line++
		r.line(strings.TrimSuffix(string(raw), "\r"), line, offset)
		offset += len(raw) + 1
	}
	for _, s := range r.vars {
		if !r.declared[s.group] && s.group != groupAll && s.group != groupUngrouped {
			b.report(diag.Errorf("Unknown group", &s.rng, "The section [%s:vars] sets variables of a group that has no section of its own.%s Add a section with its members:\n    [%s]",
				s.group, diag.DidYouMean(s.group, b.inv.groupNames()), s.group))
		}
	}
}

func (r *iniReader) line(text string, line, offset int) {
	indent := len(text) - len(strings.TrimLeft(text, " \t\f\v"))
	body := strings.TrimSpace(text)
	if body == "" || body[0] == '#' || body[0] == ';' {
		return
	}
	rng := textRange(r.file, text, line, offset, indent, indent+len(body))
	if !utf8.ValidString(body) {
		r.b.report(diag.Errorf("Invalid UTF-8", &rng, "This line is not valid UTF-8 text. Save the file with the encoding UTF-8."))
		return
	}
	switch {
	case body[0] == '[' && r.header(body, rng):
	case r.kind == "children":
		r.child(body, rng)
	case r.kind == "vars":
		r.variable(body, rng)
	case r.kind == "skip":
	default:
		r.host(body, rng)
	}
}

// header reads [group] and [group:kind]; a line such as [::1]:22 is a host.
func (r *iniReader) header(body string, rng hcl.Range) bool {
	end := strings.IndexByte(body, ']')
	if end > 0 {
		rest := strings.TrimSpace(body[end+1:])
		if rest != "" && rest[0] != '#' && rest[0] != ';' {
			return false // perhaps a host: [::1]:22, [a:c].example
		}
		if isIPv6(body[1:end]) {
			return false
		}
	} else {
		r.b.report(diag.Errorf("Invalid section", &rng, "The section header has no closing bracket. A header is one of:\n    [group]\n    [group:children]\n    [group:vars]"))
		r.kind = "skip"
		return true
	}
	name, kind, _ := strings.Cut(body[1:end], ":")
	r.kind = kind
	if name == "" || strings.ContainsAny(name, " \t]") {
		r.b.report(diag.Errorf("Invalid section", &rng, "%q is not the name of a group. A header is one of:\n    [group]\n    [group:children]\n    [group:vars]", name))
		r.kind = "skip"
		return true
	}
	switch kind {
	case "", "hosts", "children":
		if kind == "hosts" {
			r.kind = ""
		}
		r.declared[name] = true
		r.group = r.b.group(name, rng)
		r.b.checkGroupName(name, rng)
	case "vars":
		if r.b.inv.groups[name] == nil { // an earlier file may have it
			r.vars = append(r.vars, iniSection{group: name, rng: rng})
		}
		r.group = r.b.group(name, rng)
	default:
		r.b.report(diag.Errorf("Invalid section", &rng, "There is no kind of section called %q; there are \"children\" and \"vars\".%s", kind, diag.DidYouMean(kind, []string{"children", "vars"})))
		r.kind = "skip"
	}
	return true
}

func (r *iniReader) child(body string, rng hcl.Range) {
	name, rest, _ := strings.Cut(body, "#")
	name = strings.TrimSpace(name)
	if name == "" || strings.ContainsAny(name, " \t:]=") {
		r.b.report(diag.Errorf("Invalid child group", &rng, "A section [%s:children] has the name of one group on each line, not %q. Hosts belong into the section [%s].",
			r.group.Name, strings.TrimSpace(strings.TrimSuffix(body, "#"+rest)), r.group.Name))
		return
	}
	rng.End.Column -= utf8.RuneCountInString(body) - utf8.RuneCountInString(name)
	rng.End.Byte -= len(body) - len(name)
	r.b.pending = append(r.b.pending, pendingRef{parent: r.group, name: name, rng: rng})
}

func (r *iniReader) variable(body string, rng hcl.Range) {
	name, value, ok := strings.Cut(body, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !ok || name == "" {
		d := diag.Errorf("Invalid variable", &rng, "A section [%s:vars] has lines of the form:\n    variable = value", r.group.Name)
		r.b.report(hideIfSecret(d, body))
		return
	}
	r.set(&r.group.inline, name, value, rng)
}

func (r *iniReader) set(l *layer, name, value string, rng hcl.Range) {
	v := iniValue(value)
	if r.b.args.isSecret(name) {
		v = cty.StringVal(value) // a password 0123 is no number
		if s, ok := stringOf(iniValue(value)); ok {
			v = cty.StringVal(s)
		}
	}
	r.b.checkTemplate(name, v, rng)
	r.b.setVar(l, name, Variable{Value: v, Range: rng}, r.base)
}

func (r *iniReader) host(body string, rng hcl.Range) {
	words, err := shellSplit(body, true)
	if err != nil {
		r.b.report(hideIfSecret(diag.Errorf("Invalid quoting", &rng, "This line cannot be read: %s. Put a value with spaces or quotation marks in quotation marks:\n    host variable=\"it's a value\"", err), body))
		return
	}
	if len(words) == 0 {
		return
	}
	if words[0] == "---" {
		r.b.report(diag.Errorf("YAML in an INI inventory", &rng, "This line begins a YAML document, but the file is read as INI. Give it the extension .yml or .yaml."))
		return
	}
	name, port := splitHostPort(words[0])
	if strings.HasSuffix(words[0], ":") && !isIPv6(words[0]) {
		r.b.report(diag.Errorf("Invalid host", &rng, "The host %q ends with a colon, as in YAML. Write the name alone, or host:port.", words[0]))
		return
	}
	hosts := r.b.expand(name, rng)
	for _, w := range words[1:] {
		if !strings.Contains(w, "=") || w[0] == '=' {
			d := diag.Errorf("Invalid variable", &rng, "Variables of a host are written variable=value, with no space around the \"=\", and %q is not. One line is for one host or one range of hosts.", w)
			if containsSecretName(body) {
				d = diag.HideSource(diag.Errorf("Invalid variable", &rng, "Variables of a host are written variable=value, with no space around the \"=\", and a word of this line is not. (The line is not shown: it contains a password.)"))
			}
			r.b.report(d)
			return
		}
	}
	for _, hn := range hosts {
		h := r.b.host(hn, rng)
		r.b.addMember(r.group, h)
		if port != 0 {
			p := cty.NumberIntVal(int64(port))
			r.b.setVar(&h.inline, "ansible_port", Variable{Value: p, Range: rng}, r.base)
		}
	}
	if len(words) == 1 || len(hosts) == 0 {
		return
	}
	// The hosts of a range share their variables: one value, many hosts.
	var shared layer
	for _, w := range words[1:] {
		k, v, _ := strings.Cut(w, "=")
		r.set(&shared, k, v, wordRange(rng, body, k+"="))
	}
	for _, hn := range hosts {
		h := r.b.inv.hosts[hn]
		h.inline.merge(shared)
	}
}

// wordRange is the range of the word of a line that begins with prefix, or
// that of the line if quoting hides it.
func wordRange(line hcl.Range, body, prefix string) hcl.Range {
	i := strings.Index(body, " "+prefix)
	if i < 0 {
		return line
	}
	i++
	end := len(body)
	if n := strings.IndexAny(body[i:], " \t"); n >= 0 && !strings.ContainsAny(body[i:], "'\"\\") {
		end = i + n
	}
	at := func(n int) hcl.Pos {
		return hcl.Pos{Line: line.Start.Line, Column: line.Start.Column + utf8.RuneCountInString(body[:n]), Byte: line.Start.Byte + n}
	}
	return hcl.Range{Filename: line.Filename, Start: at(i), End: at(end)}
}
