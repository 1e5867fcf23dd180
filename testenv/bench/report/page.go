package report

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// WritePage writes the plots into dir and the page beside it, as dir.md. Text
// in dir/remarks.md, written by hand, becomes the page's end.
func WritePage(r *Results, dir string) error {
	remarks, err := os.ReadFile(filepath.Join(dir, "remarks.md"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, rtt := range r.distances() {
		if err := os.WriteFile(filepath.Join(dir, plotName(rtt)), []byte(Chart(plotTitle(rtt), r.groups(rtt))), 0o644); err != nil { //nolint:gosec // documentation
			return err
		}
	}
	return os.WriteFile(filepath.Clean(dir)+".md", []byte(Page(r, filepath.Base(dir), string(remarks))), 0o644) //nolint:gosec // documentation
}

func plotName(rtt time.Duration) string {
	if rtt == 0 {
		return "near.svg"
	}
	return fmt.Sprintf("rtt-%s.svg", rtt)
}

func plotTitle(rtt time.Duration) string {
	if rtt == 0 {
		return "Hosts on the same machine, no added delay"
	}
	return fmt.Sprintf("Hosts %v away (round-trip time)", rtt)
}

// Page is the page: where plots are, and remarks to end with.
func Page(r *Results, plots, remarks string) string {
	var b strings.Builder
	b.WriteString("<!-- Written by `make bench`. Change testenv/bench or " + plots + "/remarks.md, not this page. -->\n# Benchmarks\n\n")
	fmt.Fprintf(&b, "The same work on the same hosts, done by ferry, Ansible (pipelining, a fork per host), Ansible with Mitogen, clush, and by ferry's own *floor*: a bare loop\nover its shell on the host. Measured on %s in %v", r.Taken.Format("2 January 2006"), r.Duration)
	if r.mixed() {
		b.WriteString(", in parts on several days")
	} else if r.Machine.Load != "" {
		fmt.Fprintf(&b, "; load of the machine before: %s", r.Machine.Load)
	}
	b.WriteString(".\n")
	if r.Quick {
		b.WriteString("\n**This was a quick run: few hosts, few rounds. Its figures are a check that the benchmark works, not more.**\n")
	}
	r.writeBars(&b)
	for _, rtt := range r.distances() {
		fmt.Fprintf(&b, "\n![%s](%s/%s)\n", plotTitle(rtt), plots, plotName(rtt))
	}
	r.writeTables(&b)
	r.writeFleet(&b)
	r.writeMethod(&b, plots)
	if remarks = strings.TrimSpace(remarks); remarks != "" {
		b.WriteString("\n## Remarks\n\n" + remarks + "\n")
	}
	return b.String()
}

func (r *Results) writeBars(b *strings.Builder) {
	b.WriteString("\n## What we want to reach\n\n")
	var rows [][]string
	for _, x := range r.Bars {
		of := ""
		if x.Rounds > 0 {
			of = x.Of.Format("2 January")
		}
		rows = append(rows, []string{x.What, x.Want, x.Got, fmt.Sprint(x.Rounds), of, x.Reached})
	}
	b.WriteString(table([]string{"", "wanted", "measured", "rounds", "on", "reached"}, false, rows))
	if r.mixed() {
		b.WriteString("\nThe figures are of the days beside them, when the machine was not always as fast nor ferry the same; the remarks at the end say what that means for which.\n")
	}
	b.WriteString("\nRatios are medians of the ratios of single rounds. Round trips are what a run takes longer at 150 ms than without delay, divided by 150 ms:\nconnecting, the handshake and logging in are in it. `TestConvergedRoundTrips` in `engine` counts them exactly, in virtual time, for 50 tasks on a host inside the process: 12, asserted.\n")
}

func (r *Results) writeTables(b *strings.Builder) {
	for _, w := range works {
		at := r.settings(w.id, w.phase)
		if len(at) == 0 {
			continue
		}
		fmt.Fprintf(b, "\n## %s\n\n%s\n", w.label, w.about)
		for _, s := range at {
			where := plural(s.hosts, "host") + ", no added delay"
			if s.rtt > 0 {
				where = fmt.Sprintf("%s, %v round-trip time", plural(s.hosts, "host"), s.rtt)
			}
			fmt.Fprintf(b, "\n%s:\n\n%s%s", where, r.seriesTable(w.id, w.phase, s), r.measuredIn(w.id, w.phase, s))
		}
	}
	if rows := r.voids(); len(rows) > 0 {
		b.WriteString("\n## Void\n\nA run counts only if the contender reported every task of every host and the hosts show the result. These did not, and ended there:\n\n" + table([]string{"work", "round-trip time", "contender", "why"}, false, rows))
	}
}

func (r *Results) writeFleet(b *strings.Builder) {
	if len(r.Fleet) == 0 && r.FleetError == "" {
		return
	}
	b.WriteString("\n## Thousands of hosts\n\nferry alone, against SSH servers inside two processes on the same machine (`testenv/bench/fleet`): a real handshake and login each, an interpreted\nshell, all hosts at once. Half of the tasks look, a quarter act, a quarter are decided on the controller. The servers take their share of the processors.\n\n")
	var rows [][]string
	for _, s := range r.fleets() {
		rows = append(rows, []string{fmt.Sprintf("%s × %d tasks", thousands(s.Hosts), s.Tasks), fmt.Sprint(s.rounds), number(s.Wall.Seconds()), number(s.CPU.Seconds()), megabytes(s.Memory), fmt.Sprintf("%.3f", s.memoryPerHost())})
	}
	b.WriteString(table([]string{"hosts", "rounds", "seconds", "controller CPU s", "controller MB", "MB per host"}, true, rows))
	if len(r.Fleet) > 0 && r.mixed() {
		fmt.Fprintf(b, "\nMeasured %s, %s.\n", r.Fleet[0].Taken.Format("2 January 2006 15:04"), r.Fleet[0].Ferry)
	}
	if r.FleetError != "" {
		b.WriteString("\nFailed: " + strings.ReplaceAll(r.FleetError, "\n", " ") + "\n")
	}
}

func (r *Results) writeMethod(b *strings.Builder, plots string) {
	m := r.Machine
	b.WriteString("\n## How it was measured\n\n")
	rows := [][]string{
		{"command", "`" + r.Command + "`"},
		{"machine", fmt.Sprintf("%s, %s, %s MB", m.CPU, plural(m.Cores, "core"), thousands(int(m.MemoryMB)))},
		{"system", m.System + ", Linux " + m.Kernel},
		{"counting", m.Counting},
	}
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		rows = append(rows, []string{name, r.Versions[name]})
	}
	b.WriteString(table([]string{"", ""}, false, rows))
	b.WriteString(method)
	fmt.Fprintf(b, "\n## How to repeat it\n\n```sh\nsudo make bench                                          # everything: an hour on two quiet cores, several on slow ones\nsudo make bench BENCH=--quick                            # a check in a few minutes, written to dist/\nsudo go run ./testenv/bench --only a --rtt 0 --hosts 20  # one work\ngo run ./testenv/bench --page                            # this page again, from %s/results.json\n```\n", plots)
	b.WriteString("\nIt needs Debian with its package sources, root, Go, and 20 lab hosts' memory (about 2 GB). Every single run is in `" + plots + "/results.json`.\n")
}

const method = `
- Controller and hosts share this machine's processors, so what costs the hosts CPU costs everyone time. On real hosts, whoever makes them work hard
  (a Python start per task) looks better than here.
- The hosts are lab hosts ([testenv](../testenv/README.md)): systemd, sshd, sudo, dnf and Python 3.9 of Debian 11, presented as a CentOS 8.
- In each round every contender runs once, another one first each time. Slow contenders take part in fewer rounds; the tables say in how many.
- Every run begins without a connection and includes connecting; ssh's kept connections end with the run. ferry starts with an empty journal on disk.
- A run counts only if the contender reported every task of every host, and the hosts, asked behind its back, show the result.
- Delay is added by a TCP proxy of our own: half of the round-trip time in each direction, a whole one for opening a connection, no limit on throughput.
- ` + "`gather_facts: false`" + ` but for (c); ` + "`interpreter_python`" + ` is set, which saves Ansible a round trip. Ansible's module ` + "`sysctl`" + ` is not in ansible-core and a lab
  host's kernel settings are read-only: all contenders write the lines of a file in /etc/sysctl.d instead. Ansible uses ` + "`dnf`" + ` rather than ` + "`package`" + `, with which this Mitogen fails.
- CPU and memory of a host are averages over the hosts; memory is what came on top of what was there before.
`
