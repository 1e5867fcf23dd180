package rpm

import (
	"slices"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
)

// queryKind is the kind of questions that one "rpm -q" answers.
type queryKind struct{}

// QueryArgv is the command that lists those of the named packages that are
// installed, and says of each other one that it is not.
func QueryArgv(names []string) []string {
	return append([]string{"rpm", "-q", "--qf", QueryFormat, "--"}, names...)
}

// Question asks what QueryArgv does. It may be asked with others: opening the database takes rpm longer than looking up a name.
func Question(names []string) host.Question {
	return host.Question{Kind: queryKind{}, Item: strings.Join(names, host.WordSep), Split: splitQuery, Command: func(items []string) host.Command {
		if len(items) == 1 {
			return host.Command{Argv: QueryArgv(strings.Split(items[0], host.WordSep)), Limit: Limit}
		}
		return host.Command{Argv: QueryArgv(host.WordsOf(items)), Limit: Limit}
	}}
}

// splitQuery gives each item the lines of its names. Where a line is not
// understood, it may belong to any of them.
func splitQuery(items []string, r host.Result) []*host.Result {
	lines, ok := linesOf(host.WordsOf(items), r)
	if !ok {
		return nil
	}
	out := make([]*host.Result, len(items))
	for i, it := range items {
		out[i] = &host.Result{Stderr: r.Stderr}
		for name := range strings.SplitSeq(it, host.WordSep) {
			own := lines[name]
			if len(own) == 0 {
				return nil
			}
			if own[0] == notInstalled(name) {
				out[i].Code++ // as rpm counts
			}
			out[i].Stdout = append(out[i].Stdout, strings.Join(own, "")...)
		}
	}
	return out
}

func notInstalled(name string) string { return "package " + name + " is not installed\n" }

// linesOf are the lines that rpm printed about each of names.
func linesOf(names []string, r host.Result) (map[string][]string, bool) {
	missing := map[string]string{}
	for _, n := range names {
		missing[notInstalled(n)] = n
	}
	named, spelt, absent := map[string][]string{}, map[string][]string{}, 0
	for line := range strings.Lines(string(r.Stdout)) {
		if n := missing[line]; n != "" {
			named[n] = append(named[n], line)
			absent++
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 6 || !strings.HasSuffix(line, "\n") {
			return nil, false
		}
		known := false
		for _, n := range spellings(Package{f[0], f[1], f[2], f[3], f[4], f[5]}) {
			to := spelt
			if n == f[0] {
				to = named
			}
			if slices.Contains(names, n) {
				known = true
				if !slices.Contains(to[n], line) { // asked for in two ways, it is printed twice
					to[n] = append(to[n], line)
				}
			}
		}
		if !known {
			return nil, false
		}
	}
	for n, l := range spelt {
		if named[n] == nil { // a package of this very name comes first
			named[n] = l
		}
	}
	return named, absent == r.Code
}

// spellings are the names by which rpm knows p, its own first.
func spellings(p Package) (out []string) {
	for _, v := range []string{"", "-" + p.Version, "-" + p.Version + "-" + p.Release, "-" + p.Epoch + ":" + p.Version, "-" + p.Epoch + ":" + p.Version + "-" + p.Release} {
		out = append(out, p.Name+v, p.Name+v+"."+p.Arch)
	}
	return out
}
