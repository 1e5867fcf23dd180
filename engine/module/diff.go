package module

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/aymanbagabas/go-udiff"
)

// maxDiff bounds the texts that are compared line by line, in bytes.
const maxDiff = 256 << 10

// Diff is a unified diff of a file's content, or a line about it where the
// content is no text or too large.
func Diff(path string, have, want []byte) string {
	switch {
	case bytes.Equal(have, want):
		return ""
	case !isText(have) || !isText(want):
		return fmt.Sprintf("(binary content: %d bytes before, %d after)\n", len(have), len(want))
	case len(have)+len(want) > maxDiff:
		return fmt.Sprintf("(content too large to compare: %d bytes before, %d after)\n", len(have), len(want))
	}
	return udiff.Unified(path, path, string(have), string(want))
}

func isText(b []byte) bool { return utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 }
