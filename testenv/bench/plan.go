package main

import (
	"slices"
	"time"
)

// item is a work at a distance, with those that take part in it.
type item struct {
	work   *work
	rtt    time.Duration
	hosts  int
	rounds []entry
}

// entry is a contender and the number of rounds it takes part in.
type entry struct {
	contender string
	rounds    int
}

// plan lists what is measured, what the bars are about first. Contenders that
// take minutes take part in fewer rounds, and not where a run would take
// longer than anybody would wait: Ansible copies a tree file by file.
func plan(o options) (all []item) {
	add := func(id string, rtt time.Duration, hosts int, rounds ...entry) {
		w := find(id)
		if len(o.phases) > 0 && len(w.phases) > 1 {
			wanted := func(p string) bool { return slices.Contains(o.phases, p) }
			begin := slices.IndexFunc(w.phases, wanted)
			w.given, w.phases = w.phases[:begin], slices.DeleteFunc(slices.Clone(w.phases), func(p string) bool { return !wanted(p) })
		}
		if o.quick && (rtt > 0 || hosts == 1) { // what would take the minutes
			rounds = slices.DeleteFunc(rounds, func(e entry) bool { return slices.Contains([]string{ansible, mitogen, clush}, e.contender) })
		}
		if len(o.with) > 0 {
			rounds = slices.DeleteFunc(rounds, func(e entry) bool { return !slices.Contains(o.with, e.contender) })
		}
		it := item{w, rtt, min(hosts, o.hosts), rounds}
		twice := slices.ContainsFunc(all, func(x item) bool { return x.work.id == id && x.rtt == rtt && x.hosts == it.hosts })
		if len(rounds) > 0 && slices.Contains(o.only, w.letter) && !twice { // with --hosts 1 all are of one host
			all = append(all, it)
		}
	}
	n, slow := o.repeat, min(o.slow, o.repeat)
	for _, rtt := range o.rtts {
		if rtt == 0 {
			add("noop", 0, o.hosts, entry{floor, n}, entry{ferry, n}, entry{ferryLook, n}, entry{clush, slow}, entry{mitogen, slow}, entry{ansible, slow})
			add("mixed", 0, o.hosts, entry{floor, n}, entry{ferry, n}, entry{mitogen, 1}, entry{ansible, slow})
			add("mixed", 0, 1, entry{floor, n}, entry{ferry, n}, entry{mitogen, 1}, entry{ansible, 1})
			add("facts", 0, o.hosts, entry{ferry, n}, entry{mitogen, slow}, entry{ansible, slow})
			add("file", 0, o.hosts, entry{ferry, n}, entry{clush, n}, entry{mitogen, slow}, entry{ansible, slow})
			add("tree", 0, 1, entry{ferry, slow}, entry{clush, slow}, entry{mitogen, 1}, entry{ansible, 1})
			continue
		}
		some := min(4, o.hosts)
		add("noop", rtt, some, entry{floor, slow}, entry{ferry, slow}, entry{ferryLook, slow}, entry{clush, 1}, entry{mitogen, 1}, entry{ansible, 1})
		add("mixed", rtt, 1, entry{floor, slow}, entry{ferry, n}, entry{mitogen, 1}, entry{ansible, 1})
		add("facts", rtt, some, entry{ferry, slow}, entry{mitogen, 1}, entry{ansible, 1})
		add("file", rtt, some, entry{ferry, slow}, entry{clush, slow}, entry{mitogen, 1}, entry{ansible, 1})
		if !o.quick {
			add("tree", rtt, 1, entry{ferry, 1}, entry{clush, 1}, entry{mitogen, 1})
		}
	}
	return all
}

// order is who runs in a round, in which order: each round another begins.
func (it item) order(round int) (names []string) {
	for i := range it.rounds {
		e := it.rounds[(i+round)%len(it.rounds)]
		if round < e.rounds {
			names = append(names, e.contender)
		}
	}
	return names
}

// most is the number of rounds.
func (it item) most() (n int) {
	for _, e := range it.rounds {
		n = max(n, e.rounds)
	}
	return n
}
