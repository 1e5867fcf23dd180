package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
)

// View is a sink that has something to finish.
type View interface {
	event.Sink
	Close() error
}

// Duration shows a length of time with the precision a person wants.
func Duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}

// Count is "1 host", "3 hosts".
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// allHosts is "both hosts", "all 3 hosts".
func allHosts(n int) string {
	if n == 2 {
		return "both hosts"
	}
	return "all " + Count(n, "host")
}

// Few are the first lines, sorted, and how many more there are.
func Few(lines []string, most int) string {
	slices.Sort(lines)
	if len(lines) > most {
		lines = append(lines[:most:most], fmt.Sprintf("    and %d more", len(lines)-most))
	}
	return strings.Join(lines, "\n")
}

// HostList names a few hosts, or counts many.
func HostList(hosts []string) string {
	if len(hosts) <= fewHosts {
		return hostNames(hosts)
	}
	return fmt.Sprintf("%s (%s)", Count(len(hosts), "host"), hostNames(hosts))
}

// fewHosts is how many hosts are all named.
const fewHosts = 4

// hostNames is "a, b, c", "a, b and 3 more".
func hostNames(hosts []string) string {
	sorted := slices.Sorted(slices.Values(hosts))
	if len(sorted) <= fewHosts {
		return strings.Join(sorted, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(sorted[:2], ", "), len(sorted)-2)
}

// fold breaks a line at spaces, or where it must, so that no part is wider than
// width.
func fold(line string, width int) []string {
	width = max(width, 20)
	var out []string
	for rest := []rune(line); ; {
		if len(rest) <= width {
			return append(out, string(rest))
		}
		at := width
		for i := width; i > width/2; i-- {
			if rest[i] == ' ' {
				at = i
				break
			}
		}
		out = append(out, string(rest[:at]))
		rest = []rune(strings.TrimLeft(string(rest[at:]), " "))
	}
}

// clean makes text from hosts safe for a terminal: no control characters but
// tab, which becomes spaces.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0:
			return '·'
		}
		return r
	}, s)
}
