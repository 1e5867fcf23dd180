package verify

import (
	"context"
	"fmt"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
)

// flagsScript prints the lines of lsattr for paths that are immutable or
// append-only: of the path, and with "all" of everything below it.
const flagsScript = `LC_ALL=C; export LC_ALL
command -v lsattr >/dev/null || { echo none; exit; }
{ lsattr -d -- "$1"; if [ "$2" = all ]; then lsattr -R -a -- "$1"; fi; } 2>/dev/null |
  awk '$1 ~ /^[-A-Za-z]+$/ && length($1) >= 8 && $1 ~ /[ia]/ && $0 !~ /\/\.\.?$/' | head -n 200
echo end`

func (c *file) flags(ctx context.Context, r host.Reader, path string, fi host.FileInfo) ([]module.Finding, error) {
	if c.immutable == nil {
		return nil, nil
	}
	scope := "one"
	if !*c.immutable && fi.Type == "directory" {
		scope = "all"
	}
	argv := []string{"/bin/sh", "-c", flagsScript, "sh", path, scope}
	res, err := r.Query(ctx, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return nil, err
	}
	if string(res.Stdout) == "none\n" {
		return nil, fmt.Errorf("the host has no lsattr, so whether %s is immutable cannot be told. Install the package e2fsprogs", path)
	}
	found, err := parseFlags(string(res.Stdout))
	switch {
	case err != nil:
		return nil, err
	case *c.immutable && len(found) == 0:
		return []module.Finding{{Summary: c.path + " is not immutable", Cure: "Protect it:\n    chattr +i " + host.Quote(path)}}, nil
	case *c.immutable || len(found) == 0:
		return nil, nil
	case len(found) == 1:
		return []module.Finding{{Summary: found[0] + " is immutable", Detail: "A package transaction cannot replace it and would end in the middle.", Cure: "Take the flag away:\n    chattr -i -a " + host.Quote(found[0])}}, nil
	}
	shown := make([]string, 0, 21)
	for i, p := range found {
		if i == 20 {
			shown = append(shown, fmt.Sprintf("… and %d more", len(found)-20))
			break
		}
		shown = append(shown, host.Quote(p))
	}
	return []module.Finding{{Summary: fmt.Sprintf("%d paths below %s are immutable", len(found), c.path), Detail: "A package transaction cannot replace them and would end in the middle. They are:\n    " + strings.Join(shown, "\n    "), Cure: "Take the flags away:\n    chattr -i -a PATH …"}}, nil
}

// parseFlags reads the output of flagsScript and returns the paths.
func parseFlags(out string) ([]string, error) {
	var paths []string
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if line == "end" {
			return paths, nil
		}
		_, p, ok := strings.Cut(line, " ")
		if p = strings.TrimLeft(p, " "); !ok || !strings.HasPrefix(p, "/") {
			return nil, fmt.Errorf("lsattr printed a line that is not understood: %q", host.Shorten(line, 120))
		}
		if len(paths) == 0 || paths[len(paths)-1] != p {
			paths = append(paths, p)
		}
	}
	return nil, fmt.Errorf("the host's answer is not complete; it ends with %q", host.Shorten(lastLine(out), 100))
}
