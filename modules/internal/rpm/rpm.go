// Package rpm reads what the rpm database lists, for the modules that change
// packages and the checks that judge them.
package rpm

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
)

// Package is one installed package.
type Package struct {
	Name, Epoch, Version, Release, Arch, Vendor string
}

// EVR is [epoch:]version-release.
func (p Package) EVR() string {
	s := p.Version + "-" + p.Release
	if p.Epoch != "" && p.Epoch != "0" {
		s = p.Epoch + ":" + s
	}
	return s
}

func (p Package) String() string { return p.Name + "-" + p.EVR() + "." + p.Arch }

// QueryFormat gives the fields of Package; EPOCHNUM is 0 where there is none.
const QueryFormat = `%{NAME}\t%{EPOCHNUM}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\t%{VENDOR}\n`

// List returns every installed package. An empty rpm database is an
// error: a host without packages does not exist, one whose database is lost does.
func List(ctx context.Context, r host.Reader) ([]Package, error) {
	argv := []string{"rpm", "-qa", "--qf", QueryFormat}
	res, err := Query(ctx, r, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return nil, err
	}
	pkgs, err := Parse(string(res.Stdout))
	if err == nil && len(pkgs) == 0 {
		err = fmt.Errorf("rpm lists no package at all, so its database is empty or lost; restore it from a copy of /var/lib/rpm before anything else")
	}
	return pkgs, err
}

// Parse reads the output of rpm with QueryFormat. Signing keys, which
// rpm keeps as packages, are left out.
func Parse(out string) ([]Package, error) {
	var pkgs []Package
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
		pkgs = append(pkgs, Package{f[0], f[1], f[2], f[3], f[4], f[5]})
	}
	return pkgs, nil
}

// Duplicates returns the packages of which several versions are installed
// although only one can be: what an interrupted transaction leaves.
func Duplicates(pkgs []Package) []string {
	count := map[string]int{}
	for _, p := range pkgs {
		count[p.Name+"."+p.Arch]++
	}
	var out []string
	for _, p := range pkgs {
		key := p.Name + "." + p.Arch
		if count[key] > 1 && !InstallOnly(p.Name) {
			out = append(out, key)
			count[key] = 0
		}
	}
	sort.Strings(out)
	return out
}

// InstallOnly names packages of which several versions are kept on purpose.
func InstallOnly(name string) bool {
	return name == "kernel" || strings.HasPrefix(name, "kernel-") || strings.HasPrefix(name, "kmod-")
}

// HasDist reports whether a release carries one of the dist tags: ".el8" is in
// "4.el8" and "4.el8_5.1", not in "4.el80".
func HasDist(release string, tags []string) bool {
	for _, tag := range tags {
		if tag == "" {
			continue // it would be in everything
		}
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
