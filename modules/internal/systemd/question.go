package systemd

import (
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
)

// showKind is the kind of questions that one "systemctl show" answers.
type showKind struct{}

// question asks about units. It may be asked with others.
func question(units []string) host.Question {
	return host.Question{Kind: showKind{}, Item: strings.Join(units, host.WordSep), Split: splitBlocks, Command: func(items []string) host.Command {
		return host.Command{Argv: showArgv(host.WordsOf(items))}
	}}
}

// splitBlocks gives each item the blocks of its units, which come in the order
// asked for.
func splitBlocks(items []string, r host.Result) []*host.Result {
	units, blocks := host.WordsOf(items), blocksOf(r)
	if r.Code != 0 || len(blocks) != len(units) { // one of them is no name of a unit
		return nil
	}
	of := map[string]string{}
	for i, u := range units {
		of[u] = blocks[i]
	}
	out := make([]*host.Result, len(items))
	for i, it := range items {
		var own []string
		for u := range strings.SplitSeq(it, host.WordSep) {
			own = append(own, of[u])
		}
		out[i] = &host.Result{Stdout: []byte(strings.Join(own, "\n\n") + "\n"), Stderr: r.Stderr}
	}
	return out
}
