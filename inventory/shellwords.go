package inventory

import (
	"errors"
	"strings"
)

var (
	errQuote  = errors.New("a quotation mark has no counterpart")
	errEscape = errors.New("nothing follows the last backslash")
)

// shellSplit splits a line into words the way a POSIX shell, and an Ansible
// INI inventory, quotes: 'as is', "with \" and \\", and \ before any other
// character. With comments set, an unquoted # ends the line, also within a
// word.
func shellSplit(line string, comments bool) ([]string, error) {
	var words []string
	var cur strings.Builder
	inWord := false
	end := func() {
		if inWord {
			words = append(words, cur.String())
			cur.Reset()
			inWord = false
		}
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			end()
		case c == '#' && comments:
			end()
			return words, nil
		case c == '\'':
			j := strings.IndexByte(line[i+1:], '\'')
			if j < 0 {
				return nil, errQuote
			}
			cur.WriteString(line[i+1 : i+1+j])
			i += 1 + j
			inWord = true
		case c == '"':
			n, err := doubleQuoted(line[i+1:], &cur)
			if err != nil {
				return nil, err
			}
			i += n
			inWord = true
		case c == '\\':
			if i++; i == len(line) {
				return nil, errEscape
			}
			cur.WriteByte(line[i])
			inWord = true
		default:
			cur.WriteByte(c)
			inWord = true
		}
	}
	end()
	return words, nil
}

// doubleQuoted writes what is quoted and returns its length with the closing
// mark.
func doubleQuoted(s string, w *strings.Builder) (int, error) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return i + 1, nil
		case c == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			w.WriteByte(s[i])
		default:
			w.WriteByte(c)
		}
	}
	return 0, errQuote
}
