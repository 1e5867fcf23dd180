package hosttest

import "fmt"

// Words splits a line as a POSIX shell would, as far as host.QuoteArgv needs
// it: single quotes, and a backslash before one character.
func Words(line string) ([]string, error) {
	var words []string
	var cur []byte
	in, any := false, false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case in && c == '\'':
			in = false
		case in:
			cur = append(cur, c)
		case c == '\'':
			in, any = true, true
		case c == '\\' && i+1 < len(line):
			i++
			cur, any = append(cur, line[i]), true
		case c == ' ' || c == '\t' || c == '\n':
			if any {
				words = append(words, string(cur))
			}
			cur, any = nil, false
		default:
			cur, any = append(cur, c), true
		}
	}
	if in {
		return nil, fmt.Errorf("a quote in %q is not closed", line)
	}
	if any {
		words = append(words, string(cur))
	}
	return words, nil
}

func openQuote(line string) bool {
	_, err := Words(line)
	return err != nil
}

// match reports whether words are those of a pattern, in which "…" is any word.
func match(pattern, words []string) bool {
	if len(pattern) != len(words) {
		return false
	}
	for i, p := range pattern {
		if p != "…" && p != words[i] {
			return false
		}
	}
	return true
}
