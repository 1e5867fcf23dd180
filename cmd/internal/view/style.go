package view

import "github.com/ferry-ops/ferry/engine/event"

// style colours text where the output is a terminal that wants it.
type style bool

func (s style) paint(code, text string) string {
	if !s {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s style) bold(text string) string { return s.paint("1", text) }
func (s style) dim(text string) string  { return s.paint("2", text) }

func (s style) status(st event.Status, text string) string {
	switch st {
	case event.OK:
		return s.paint("32", text)
	case event.Changed, event.Planned, event.Undecided:
		return s.paint("33", text)
	case event.Failed, event.Unreachable, event.Interrupted:
		return s.paint("1;31", text)
	case event.Ignored:
		return s.paint("35", text)
	}
	return s.dim(text)
}

// diffLine colours a line of a unified diff.
func (s style) diffLine(line string) string {
	if line == "" {
		return line
	}
	switch line[0] {
	case '+':
		return s.paint("32", line)
	case '-':
		return s.paint("31", line)
	case '@':
		return s.paint("36", line)
	}
	return line
}

// incomplete is a host that took part in some plays and was passed by in others.
const incomplete event.Status = "incomplete"

// word is what people read for a status.
func word(st event.Status) string {
	switch st {
	case event.Undecided:
		return "not decided"
	case event.Planned:
		return "would change"
	case event.NotRun:
		return "not run"
	}
	return string(st)
}
