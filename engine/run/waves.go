package run

import "github.com/ferry-ops/ferry/engine/playbook"

// wave is one batch to come.
type wave struct {
	n     int // counted from 1
	hosts []*hostState
	last  bool
}

// waves splits the hosts of a play that are not done: canaries first, then by
// the sizes of the rollout. A resumed play begins with the batch that was under
// way, together with the hosts of earlier ones that were not done.
func waves(ro playbook.Rollout, hosts []*hostState, canary map[string]bool, before *ResumedPlay) []wave {
	var out []wave
	size := 0 // index into the sizes
	n := 1
	total := len(hosts)
	rest := hosts
	if before != nil && before.Batch > 0 {
		total += len(before.Done)
		w := wave{n: before.Batch}
		w.hosts, rest = split(rest, before.Begun)
		out = append(out, w)
		n, size = before.Batch+1, before.Batch
		if len(canary) > 0 {
			size--
		}
	} else if len(canary) > 0 {
		w := wave{n: n}
		if w.hosts, rest = split(rest, canary); len(w.hosts) > 0 {
			out = append(out, w)
			n++
		}
	}
	for _, k := range ro.Waves(len(rest), total, size) {
		out = append(out, wave{n: n, hosts: rest[:k]})
		rest = rest[k:]
		n++
	}
	if len(out) > 0 {
		out[len(out)-1].last = true
	}
	return out
}

// split separates the hosts with these names from the others.
func split(hosts []*hostState, names map[string]bool) (in, out []*hostState) {
	for _, st := range hosts {
		if names[st.info.Name] {
			in = append(in, st)
		} else {
			out = append(out, st)
		}
	}
	return in, out
}
