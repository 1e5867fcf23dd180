package diag

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// RunFailure is the Extra of a diagnostic about something that failed on
// hosts. The diagnostic's Subject is the task or the argument concerned.
type RunFailure struct {
	Hosts   []string // names in the inventory, in the order they failed
	Address string   // the task's address, for example task.service.sshd
	Phase   string   // what ferry was doing: "probing", "applying", "connecting"
	Argv    []string // the command that failed; empty if none did
	Exit    int      // its exit status
	Output  string   // the end of what it printed
}

// MergeRuns returns diags with equal failures of different hosts made one that
// lists all the hosts. It keeps the order of first appearance and does not
// change the diagnostics it was given.
func MergeRuns(diags hcl.Diagnostics) hcl.Diagnostics {
	out := make(hcl.Diagnostics, 0, len(diags))
	seen := map[string]int{}
	for _, d := range diags {
		f, ok := runFailure(d)
		if !ok {
			out = append(out, d)
			continue
		}
		key := mergeKey(d, f)
		i, dup := seen[key]
		if !dup {
			copied, fc := *d, *f
			fc.Hosts = slices.Clone(f.Hosts)
			copied.Extra = &fc
			seen[key] = len(out)
			out = append(out, &copied)
			continue
		}
		merged := out[i].Extra.(*RunFailure)
		merged.Hosts = append(merged.Hosts, f.Hosts...)
	}
	return out
}

func mergeKey(d *hcl.Diagnostic, f *RunFailure) string {
	place := ""
	if d.Subject != nil {
		place = fmt.Sprint(*d.Subject)
	}
	return fmt.Sprintf("%d\x00%q\x00%q\x00%s\x00%q\x00%q\x00%q\x00%d\x00%q",
		d.Severity, d.Summary, d.Detail, place, f.Address, f.Phase, f.Argv, f.Exit, f.Output)
}

// runFailure finds the RunFailure of d, given by value or by pointer.
func runFailure(d *hcl.Diagnostic) (*RunFailure, bool) {
	switch x := d.Extra.(type) {
	case *RunFailure:
		return x, x != nil
	case RunFailure:
		return &x, true
	}
	return nil, false
}

// text is the paragraph about the failure:
//
//	web03 (and 4 more), applying: systemctl start -- sshd.service exited 1:
//	    Job for sshd.service failed
func (f *RunFailure) text() string {
	var b strings.Builder
	b.WriteString(HostList(f.Hosts))
	if f.Phase != "" {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(cleanLine(f.Phase))
	}
	if len(f.Argv) > 0 {
		if b.Len() > 0 {
			b.WriteString(": ")
		}
		fmt.Fprintf(&b, "%s exited %d", showArgv(f.Argv), f.Exit)
	}
	out := strings.TrimRight(clean(f.Output), "\n ")
	if out == "" {
		if b.Len() > 0 {
			b.WriteString(".")
		}
		return b.String()
	}
	if b.Len() > 0 {
		b.WriteString(":\n")
	}
	for i, line := range strings.Split(out, "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString("    " + line)
	}
	return b.String()
}

// HostList names one or two hosts, and the first of more: the full list is in
// the JSON form, where it does not push the cause off the screen.
func HostList(hosts []string) string {
	switch len(hosts) {
	case 0:
		return ""
	case 1:
		return cleanLine(hosts[0])
	case 2:
		return cleanLine(hosts[0]) + " and " + cleanLine(hosts[1])
	}
	return fmt.Sprintf("%s (and %d more)", cleanLine(hosts[0]), len(hosts)-1)
}

// showArgv is argv for the eye, quoted where a word would otherwise not be
// seen to be one.
func showArgv(argv []string) string {
	words := make([]string, len(argv))
	for i, a := range argv {
		a = cleanLine(a)
		if a == "" || strings.ContainsAny(a, " \"'\\$&|;<>()*?[]#`") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		words[i] = a
	}
	return strings.Join(words, " ")
}
