package inventory

import (
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
)

// merge lets all that other says override l.
func (l *layer) merge(other layer) {
	if l.vars == nil {
		l.vars = make(map[string]Variable, len(other.vars))
	}
	maps.Copy(l.vars, other.vars)
	for _, s := range other.args {
		l.setArg(s)
	}
}

// textRange is the range of bytes from..to of a line.
func textRange(file, text string, line, offset, from, to int) hcl.Range {
	col := 1 + utf8.RuneCountInString(text[:from])
	return hcl.Range{
		Filename: file,
		Start:    hcl.Pos{Line: line, Column: col, Byte: offset + from},
		End:      hcl.Pos{Line: line, Column: col + utf8.RuneCountInString(text[from:to]), Byte: offset + to},
	}
}

// expand is expandHosts with checks and diagnostics.
func (b *builder) expand(pattern string, rng hcl.Range) []string {
	names, err := expandHosts(pattern, b.room())
	if err != nil {
		b.report(diag.Errorf("Invalid host", &rng, "%q cannot be read as a host or a range of hosts: %s.", pattern, err))
		return nil
	}
	if why := badHostName(names[0]); why != "" {
		b.report(diag.Errorf("Invalid host", &rng, "%q cannot be the name of a host: %s.", names[0], why))
		return nil
	}
	return names
}

// badHostName says why patterns or SSH could not deal with a name.
func badHostName(s string) string {
	switch {
	case s == "":
		return "it is empty"
	case len(s) > 255:
		return "it is longer than 255 characters"
	case strings.ContainsFunc(s, isSpaceOrControl):
		return "it contains spaces or control characters"
	case strings.ContainsAny(s, ",;&!*?[]{}()<>|\"'`\\$"):
		return "it contains a character that has a meaning in patterns or in the shell"
	case strings.ContainsAny(s[:1], "~@-"):
		return "its first character has a meaning in patterns or on a command line"
	case strings.Contains(s, ":") && !isIPv6(s):
		return "it contains a colon and is not an IPv6 address"
	case strings.Contains(s, "/"):
		return "it contains a slash"
	}
	return ""
}

// badGroupName says why patterns could not deal with a name.
func badGroupName(s string) string {
	if strings.Contains(s, ":") {
		return "it contains a colon"
	}
	return badHostName(s)
}

// checkGroupName warns where Ansible's files may have names that patterns
// cannot express.
func (b *builder) checkGroupName(name string, rng hcl.Range) {
	if why := badGroupName(name); why != "" {
		b.warnOnce("group "+name, diag.Warningf("Group cannot be named in a pattern", &rng,
			"The group %q is read, but no pattern can name it: %s.", name, why))
	}
}

// isSecret reports whether a variable of that name holds a password.
func (t *argTable) isSecret(name string) bool {
	a := t.ansible[name]
	return a != nil && a.Sensitive
}

// containsSecretName reports whether a line may hold a password.
func containsSecretName(line string) bool {
	l := strings.ToLower(line)
	for _, w := range []string{"pass", "secret", "token", "key="} {
		if strings.Contains(l, w) {
			return true
		}
	}
	return false
}

func hideIfSecret(d *hcl.Diagnostic, line string) *hcl.Diagnostic {
	if containsSecretName(line) {
		return diag.HideSource(d)
	}
	return d
}

// checkTemplate warns about the first variable of each file that has a
// template of Ansible in it: ferry does not evaluate those.
func (b *builder) checkTemplate(name string, v cty.Value, rng hcl.Range) {
	s, ok := stringOf(v)
	if !ok || !strings.Contains(s, "{{") || !strings.Contains(s, "}}") || b.args.ansible[name] != nil {
		return
	}
	b.warnOnce("template "+rng.Filename, hideIfSecret(diag.Warningf("Template not evaluated", &rng,
		"The variable %q contains a template of Ansible ({{ … }}). ferry does not evaluate it: the variable is this text as it stands. Other variables of this file may be the same. Compute such values in the playbook, in a locals block.", name), name))
}
