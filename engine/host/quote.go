package host

import (
	"encoding/base64"
	"strings"
)

// Quote makes s one word of a POSIX shell. It is the only quoting in ferry.
func Quote(s string) string {
	if s != "" && strings.IndexFunc(s, needsQuote) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// QuoteArgv joins argv into one line that a POSIX shell reads back as argv.
func QuoteArgv(argv []string) string {
	words := make([]string, len(argv))
	for i, a := range argv {
		words[i] = Quote(a)
	}
	return strings.Join(words, " ")
}

func needsQuote(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune("-_./:,+@%^", r)
}

// PrintText is shell text, a pipeline, that prints data. The writer's errors are
// silenced: a command need not read its input.
func PrintText(data []byte) string {
	if plain(data) {
		return "printf %s " + Quote(string(data)) + " 2>/dev/null"
	}
	var b strings.Builder
	b.WriteString("printf %s '")
	const line = 57 * 20 // whole groups, so the pieces join to one encoding
	for len(data) > 0 {
		n := min(line, len(data))
		b.WriteString(base64.StdEncoding.EncodeToString(data[:n]))
		b.WriteByte('\n')
		data = data[n:]
	}
	b.WriteString("' 2>/dev/null | base64 -d 2>/dev/null")
	return b.String()
}

// plain reports whether every shell carries data unchanged in single quotes:
// some mangle bytes outside ASCII, none carry NUL.
func plain(data []byte) bool {
	for _, c := range data {
		if (c < ' ' && c != '\n' && c != '\t') || c > '~' {
			return false
		}
	}
	return true
}
