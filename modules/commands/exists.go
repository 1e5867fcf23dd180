package commands

import (
	"context"
	"errors"
	"io/fs"
	"regexp"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
)

var exitCode = regexp.MustCompile(`^([0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])$`)

// exists tells whether a path is there; being unable to tell is an error.
func exists(ctx context.Context, r host.Reader, path string) (bool, error) {
	_, err := r.Stat(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func chomp(b []byte) string { return strings.TrimSuffix(string(b), "\n") }

func firstLine(s string) string {
	s, rest, _ := strings.Cut(strings.TrimSpace(s), "\n")
	if strings.TrimSpace(rest) != "" {
		s += " …"
	}
	return s
}
