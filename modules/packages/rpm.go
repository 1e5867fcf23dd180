package packages

import (
	"context"
	"fmt"
	"path"
	"sort"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
)

// installed is one installed package.
type installed struct {
	Name, Epoch, Version, Release, Arch, Vendor string
}

func (p installed) evr() string {
	s := p.Version + "-" + p.Release
	if p.Epoch != "" && p.Epoch != "0" {
		s = p.Epoch + ":" + s
	}
	return s
}

func (p installed) String() string { return p.Name + "-" + p.evr() + "." + p.Arch }

// queryFormat gives the fields of installed; EPOCHNUM is 0 where there is none.
const queryFormat = `%{NAME}\t%{EPOCHNUM}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\t%{VENDOR}\n`

// listInstalled returns every installed package. An empty rpm database is an
// error: a host without packages does not exist, one whose database is lost does.
func listInstalled(ctx context.Context, r host.Reader) ([]installed, error) {
	argv := []string{"rpm", "-qa", "--qf", queryFormat}
	res, err := r.Query(ctx, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return nil, err
	}
	pkgs, err := parseInstalled(string(res.Stdout))
	if err == nil && len(pkgs) == 0 {
		err = fmt.Errorf("rpm lists no package at all, so its database is empty or lost; restore it from a copy of /var/lib/rpm before anything else")
	}
	return pkgs, err
}

// parseInstalled reads the output of rpm with queryFormat. Signing keys, which
// rpm keeps as packages, are left out.
func parseInstalled(out string) ([]installed, error) {
	var pkgs []installed
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if line == "" {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 6 {
			return nil, fmt.Errorf("rpm printed a line that is not understood: %q", host.Shorten(line, 120))
		}
		if f[0] == "gpg-pubkey" {
			continue
		}
		pkgs = append(pkgs, installed{f[0], f[1], f[2], f[3], f[4], f[5]})
	}
	return pkgs, nil
}

// duplicates returns the packages of which several versions are installed
// although only one can be: what an interrupted transaction leaves.
func duplicates(pkgs []installed) []string {
	count := map[string]int{}
	for _, p := range pkgs {
		count[p.Name+"."+p.Arch]++
	}
	var out []string
	for _, p := range pkgs {
		key := p.Name + "." + p.Arch
		if count[key] > 1 && !installOnly(p.Name) {
			out = append(out, key)
			count[key] = 0
		}
	}
	sort.Strings(out)
	return out
}

// installOnly names packages of which several versions are kept on purpose.
func installOnly(name string) bool {
	return name == "kernel" || strings.HasPrefix(name, "kernel-") || strings.HasPrefix(name, "kmod-")
}

// matchAny reports whether a name matches one of the globs.
func matchAny(globs []string, name string) bool {
	for _, g := range globs {
		if ok, err := path.Match(g, name); err == nil && ok {
			return true
		}
	}
	return false
}

// badGlob returns the first pattern that is no glob, or "".
func badGlob(globs []string) string {
	for _, g := range globs {
		if _, err := path.Match(g, ""); err != nil {
			return g
		}
	}
	return ""
}

// hasDist reports whether a release carries one of the dist tags: ".el8" is in
// "4.el8" and "4.el8_5.1", not in "4.el80".
func hasDist(release string, tags []string) bool {
	for _, tag := range tags {
		for rest := release; ; {
			i := strings.Index(rest, tag)
			if i < 0 {
				break
			}
			rest = rest[i+len(tag):]
			if rest == "" || !isAlnum(rest[0]) {
				return true
			}
		}
	}
	return false
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
