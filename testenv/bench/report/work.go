package report

import (
	"fmt"
	"slices"
	"time"
)

// about says what a work is, in the order of the page.
var works = []struct{ id, phase, label, about string }{
	{"noop", "", "(a) 50 no-op commands", "`/bin/true`, 50 times one after the other, as root. For Ansible a task `command`; for ferry a task `command` that counts as an action, so that intent and outcome of each are on disk before the next; *ferry (read_only)* says of the same tasks that they only look, and may ask them together. clush runs `sudo -n /bin/true` 50 times over connections that ssh keeps open. The floor is a loop over ferry's own shell on the host: no playbook, journal or output."},
	{"mixed", "first", "(b) 50 mixed tasks, first run", "One list of tasks, written out for both languages: 7 directories, 10 files of 2 KB, 6 templates, 11 lines in files (3 of them kernel settings), 5 services, 5 packages (3 to be installed by dnf from the lab's repository), 4 users, 2 commands that only look. Before each first run all of it is undone on the hosts. The floor is a shell text for each task, as somebody writes it who knows these hosts, with all packages in one call of dnf and nothing looked at again: what the hosts themselves need."},
	{"mixed", "converged", "(b) the same, converged", "The same play again: nothing has to change, and every contender must say that nothing did."},
	{"facts", "", "(c) facts only", "Each contender gathers all facts it knows, and they are not the same: Ansible's `setup` knows many more."},
	{"file", "", "(d) a file of 10 MB", "Random content, to a place where nothing is. clush copies with scp and without root."},
	{"tree", "", "(d) a tree of 1,000 files", "1 KB each, in ten directories, to one host. ferry: the module `tree`. Ansible: `copy` of a directory. clush: `scp -r`, without root."},
}

// contenders in the order of the page.
var contenders = []string{"floor", "ferry", "ferry (read_only)", "clush", "mitogen", "ansible"}

// setting is where a work was measured.
type setting struct {
	rtt   time.Duration
	hosts int
}

// settings of a work in the results, near before distant, many hosts before few.
func (r *Results) settings(work, phase string) (all []setting) {
	for _, s := range r.Series {
		x := setting{s.RTT, s.Hosts}
		if s.Work == work && s.Phase == phase && !slices.Contains(all, x) {
			all = append(all, x)
		}
	}
	slices.SortFunc(all, func(a, b setting) int {
		if a.rtt != b.rtt {
			return int(a.rtt - b.rtt)
		}
		return b.hosts - a.hosts
	})
	return all
}

// distances in the results.
func (r *Results) distances() (all []time.Duration) {
	for _, s := range r.Series {
		if !slices.Contains(all, s.RTT) {
			all = append(all, s.RTT)
		}
	}
	slices.Sort(all)
	return all
}

// groups are the bars of the plot of one distance.
func (r *Results) groups(rtt time.Duration) (all []Group) {
	for _, w := range works {
		for _, at := range r.settings(w.id, w.phase) {
			if at.rtt != rtt {
				continue
			}
			g := Group{Label: fmt.Sprintf("%s, %s", w.label, plural(at.hosts, "host"))}
			ferry := r.Find(w.id, w.phase, rtt, at.hosts, "ferry")
			for _, c := range contenders {
				switch s := r.Find(w.id, w.phase, rtt, at.hosts, c); {
				case s == nil:
				case ferry != nil && !s.Taken.Equal(ferry.Taken): // the machine was another one, as far as speed goes
					g.Bars = append(g.Bars, ChartBar{Label: c, Without: "not measured at the same time"})
				case len(s.Rounds) == 0:
					g.Bars = append(g.Bars, ChartBar{Label: c, Without: s.without()})
				default:
					g.Bars = append(g.Bars, ChartBar{Label: c, Seconds: s.Median})
				}
			}
			all = append(all, g)
		}
	}
	return all
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%s %ss", thousands(n), word)
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
