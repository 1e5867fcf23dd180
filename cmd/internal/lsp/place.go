package lsp

import (
	"bytes"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// offset is the byte at a position; a position behind the end of its line is
// its end.
func offset(src []byte, p position) int {
	at := 0
	for range p.Line {
		i := bytes.IndexByte(src[at:], '\n')
		if i < 0 {
			return len(src)
		}
		at += i + 1
	}
	for units := 0; units < p.Character && at < len(src) && src[at] != '\n'; {
		r, n := utf8.DecodeRune(src[at:])
		units += utf16Units(r)
		at += n
	}
	return at
}

// place is the position of a byte.
func place(src []byte, at int) position {
	at = max(0, min(at, len(src)))
	start := bytes.LastIndexByte(src[:at], '\n') + 1
	p := position{Line: bytes.Count(src[:start], []byte("\n"))}
	for _, r := range string(src[start:at]) {
		p.Character += utf16Units(r)
	}
	return p
}

func utf16Units(r rune) int {
	if r > 0xffff {
		return 2
	}
	return 1
}

// pathOf is the file of a URI; only files are known.
func pathOf(uri string) (string, error) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" || u.Path == "" {
		return "", fmt.Errorf("%q is not the URI of a file", uri)
	}
	return filepath.Clean(filepath.FromSlash(u.Path)), nil
}

func uriOf(path string) string {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	if !strings.HasPrefix(u.Path, "/") {
		u.Path = "/" + u.Path
	}
	return u.String()
}
