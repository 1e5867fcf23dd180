package diag

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean makes s safe to write to a terminal: control characters (escape
// sequences from a host, a bidirectional override in a file) and invalid UTF-8
// become U+FFFD, tabs become two spaces. Line feeds stay.
func clean(s string) string {
	if !needsCleaning(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		b.WriteString(cleanRune(r, s[i:]))
		i += n
	}
	return b.String()
}

func needsCleaning(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 0x20 && c != '\n') || c >= 0x7f {
			return true
		}
	}
	return false
}

func cleanRune(r rune, rest string) string {
	switch {
	case r == '\n':
		return "\n"
	case r == '\t':
		return "  "
	case r == '\r' && strings.HasPrefix(rest, "\r\n"):
		return ""
	case r == '\u200d', r == utf8.RuneError, !unicode.IsGraphic(r):
		return "\ufffd"
	}
	return string(r)
}

// cleanLine is clean for what must stay on one line.
func cleanLine(s string) string {
	return strings.ReplaceAll(clean(s), "\n", " ")
}

// columns is how many terminal columns s takes, near enough for a marker line:
// East Asian wide characters take two, combining ones none.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60,
		r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

// wrap breaks text at spaces so that no line is wider than width. Lines that
// start with a space are commands or output and stay as they are.
func wrap(text string, width int) []string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		if width <= 0 || columns(line) <= width || strings.HasPrefix(line, " ") {
			out = append(out, strings.TrimRight(line, " "))
			continue
		}
		cur, n := "", 0
		for _, word := range strings.Fields(line) {
			w := columns(word)
			if cur != "" && n+1+w > width {
				out = append(out, cur)
				cur, n = "", 0
			}
			if cur != "" {
				cur, n = cur+" ", n+1
			}
			cur, n = cur+word, n+w
		}
		out = append(out, cur)
	}
	return out
}

// maxText is the longest detail that is shown, in bytes: some repeat what
// somebody wrote, however long.
const maxText = 6000

// cleanText is clean for a detail; what is too long loses its middle.
func cleanText(s string) string {
	if len(s) <= maxText {
		return clean(s)
	}
	head, tail := s[:maxText/2], s[len(s)-maxText/2:]
	return clean(strings.ToValidUTF8(head, "")) + " […] " + clean(strings.ToValidUTF8(tail, ""))
}
