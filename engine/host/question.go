package host

import "strings"

// Question is a question that may share a command with others of its kind.
// Starting a process is most of what a small question costs a host, and sixteen
// tasks that are looked at together ask for sixteen files, not for sixteen
// processes.
type Question struct {
	// Kind is all of the question but its item: questions whose kinds are equal
	// can be answered together. It is of a type of the asker's own, so that it
	// meets no other's.
	Kind any
	// Item is what is asked about. Askers of one item get the same answer.
	Item string
	// Command is the command that asks about items, none of which is there twice.
	// For one item it is the question as it is asked alone.
	Command func(items []string) Command
	// Split takes the result for several items apart: for each of them what
	// Command would have left for it alone. An item is asked alone if it is given
	// nil, and all are if Split returns nil: where one cannot tell, it must not
	// guess. Without Split only askers of the same item share a command.
	Split func(items []string, r Result) []*Result
}

const (
	// maxTogether is how many items one command asks about: what is too much for
	// one process is done by two at the same time.
	maxTogether = 64
	// maxTogetherBytes bounds their length, since arguments are bounded.
	maxTogetherBytes = 32 << 10
)

// alone is the command that asks q and nothing else.
func (q Question) alone() Command { return q.Command([]string{q.Item}) }

// fits reports whether q can be asked with items of n bytes.
func (q Question) fits(items []string, n int) bool {
	return q.Split != nil && len(items) < maxTogether && n+len(q.Item) <= maxTogetherBytes
}

// split is q.Split for untrusted output: an answer that Split cannot cope with is
// no answer.
func (q Question) split(items []string, r Result) []*Result {
	if q.Split == nil || r.Truncated {
		return nil
	}
	if out := q.Split(items, r); len(out) == len(items) {
		return out
	}
	return nil
}

// WordSep stands between the words of an item, where all that one asker wants to
// know together is its item. No argument of a command holds it.
const WordSep = "\x00"

// WordsOf lists the words of all items, each once.
func WordsOf(items []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, it := range items {
		for w := range strings.SplitSeq(it, WordSep) {
			if !seen[w] {
				seen[w] = true
				out = append(out, w)
			}
		}
	}
	return out
}
