package system

import (
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
)

// entryKind is the kind of questions that one getent answers.
type entryKind struct{ database string }

func entryArgv(database string, names ...string) []string {
	return append([]string{"getent", database, "--"}, names...)
}

// entryQuestion asks for one name of a database. It may be asked with others.
func entryQuestion(database, name string) host.Question {
	return host.Question{Kind: entryKind{database}, Item: name, Split: splitEntries, Command: func(names []string) host.Command {
		return host.Command{Argv: entryArgv(database, names...)}
	}}
}

// splitEntries gives each name its line. A line of another name, such as one that
// the database writes in other letters, may belong to any of them.
func splitEntries(names []string, r host.Result) []*host.Result {
	lines := map[string]string{}
	for line := range strings.Lines(string(r.Stdout)) {
		name, _, _ := strings.Cut(line, ":")
		if lines[name] != "" || !strings.HasSuffix(line, "\n") {
			return nil
		}
		lines[name] = line
	}
	out := make([]*host.Result, len(names))
	code, found := 0, 0
	for i, n := range names {
		out[i] = &host.Result{Stderr: r.Stderr}
		if line := lines[n]; line != "" {
			out[i].Stdout = []byte(line)
			found++
		} else {
			out[i].Code, code = 2, 2 // getent: not found
		}
	}
	if code != r.Code || found != len(lines) {
		return nil
	}
	return out
}
