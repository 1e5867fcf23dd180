package distro

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"

	"golang.org/x/sync/errgroup"
)

// side is one distribution on its way to packages.
type side struct {
	root string
	ids  *accounts
	pkgs map[string]*pkg
	key  *signer
}

// prepared is everything publish needs.
type prepared struct {
	source, target side
	acme           *signer
	leftOver       []string
}

// prepare adapts both trees and decides what their packages are.
func prepare(src, dst string, recipe Recipe) (*prepared, error) {
	p := &prepared{source: side{root: src}, target: side{root: dst}}
	for _, k := range []struct {
		to   **signer
		name string
	}{{&p.source.key, recipe.Source.KeyName}, {&p.target.key, recipe.Target.KeyName}, {&p.acme, "Acme (ferry lab) <acme@lab.invalid>"}} {
		s, err := newSigner(k.name)
		if err != nil {
			return nil, fmt.Errorf("cannot make the signing key %q: %w", k.name, err)
		}
		*k.to = s
	}
	var g errgroup.Group
	g.Go(func() error { return p.source.fill(recipe.Source, recipe.Arch, nil) })
	g.Go(func() error { return p.target.fill(recipe.Target, recipe.Arch, movedInTarget) })
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for _, r := range sourceRelease(recipe.Source, p.source.key.public) {
		p.source.pkgs[r.name] = r
	}
	for _, r := range targetRelease(recipe.Target, p.target.key.public) {
		p.target.pkgs[r.name] = r
	}
	for _, s := range []side{p.source, p.target} {
		// As on the real ones: the release cannot simply be removed.
		s.pkgs["setup"].depends = append(s.pkgs["setup"].depends, "system-release")
		dropUnmet(s.pkgs)
	}
	for name, old := range p.source.pkgs {
		if fresh := p.target.pkgs[name]; fresh != nil {
			fresh.evr = fresh.evr.newerThan(old.evr)
			continue
		}
		if by := p.target.pkgs[obsoletedBy[name]]; by != nil {
			by.obsoletes = append(by.obsoletes, name)
			continue
		}
		p.leftOver = append(p.leftOver, name)
	}
	for _, t := range p.target.pkgs {
		sort.Strings(t.obsoletes)
	}
	sort.Strings(p.leftOver)
	return p, nil
}

// fill reads, reshapes and scans one tree.
func (s *side) fill(r Release, arch string, moved map[string]string) error {
	debs, err := readDpkg(s.root)
	if err != nil {
		return err
	}
	if err := reshape(s.root); err != nil {
		return err
	}
	if err := removeDropped(s.root, debs); err != nil {
		return err
	}
	if s.ids, err = readAccounts(s.root); err != nil {
		return err
	}
	if s.pkgs, err = plan(s.root, r, arch, debs, moved); err != nil {
		return err
	}
	// The links every path below is resolved through.
	for _, l := range []string{"bin", "sbin", "lib", "lib64"} {
		if to, err := os.Readlink(filepath.Join(s.root, l)); err == nil {
			s.pkgs["filesystem"].content = append(s.pkgs["filesystem"].content, file{path: "/" + l, body: to, link: true})
		}
	}
	var g errgroup.Group
	g.SetLimit(runtime.NumCPU())
	for _, p := range s.pkgs {
		g.Go(func() error {
			if err := scan(s.root, p); err != nil {
				return err
			}
			return addScripts(s.root, s.ids, p)
		})
	}
	return g.Wait()
}

// removeDropped deletes the files of Debian's own tools from the tree, and the
// database of what dpkg installed: the host's packages are its RPMs.
func removeDropped(root string, debs []debian) error {
	keep := map[string]bool{}
	var gone []string
	for _, d := range debs {
		_, _, ok := rpmName(d.name)
		for _, f := range d.files {
			if ok {
				keep[f] = true
			} else {
				gone = append(gone, f)
			}
		}
	}
	slices.SortFunc(gone, func(a, b string) int { return strings.Compare(b, a) }) // children first
	for _, f := range gone {
		if !keep[f] {
			_ = os.Remove(filepath.Join(root, f)) // a directory others still use stays
		}
	}
	return os.RemoveAll(filepath.Join(root, "var/lib/dpkg"))
}
