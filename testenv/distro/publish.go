package distro

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"
)

// publish writes all packages and makes repositories of them.
func publish(ctx context.Context, dir string, recipe Recipe, p *prepared, built *Built) error {
	www := filepath.Join(dir, "www")
	src := filepath.Join(www, SourcePath, recipe.Arch, "os")
	base := filepath.Join(www, TargetPath, "OS", recipe.Arch)
	if err := p.source.pack(src); err != nil {
		return err
	}
	if err := p.target.pack(base); err != nil {
		return err
	}
	built.Source, built.Target = p.source.counts(recipe.Source), p.target.counts(recipe.Target)

	everything := filepath.Join(www, TargetPath, "everything", recipe.Arch)
	if err := linkAll(filepath.Join(base, "Packages"), filepath.Join(everything, "Packages")); err != nil {
		return err
	}
	// One package has seen an update since the release, so that "update" matters.
	update := filepath.Join(www, TargetPath, "update", recipe.Arch)
	newer := *p.target.pkgs["less"]
	newer.evr.release = strings.Replace(newer.evr.release, recipe.Target.Dist, ".1"+recipe.Target.Dist, 1)
	if err := packInto(update, &newer, p.target.root, p.target.ids, p.target.key); err != nil {
		return err
	}
	repos := []string{src, base, everything, update}
	more, err := publishOthers(www, recipe, p)
	if err != nil {
		return err
	}
	repos = append(repos, more...)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.NumCPU())
	for _, r := range repos {
		g.Go(func() error { return run(gctx, "createrepo_c", "--quiet", "--no-database", "--workers=2", r) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for name, body := range map[string]string{
		filepath.Join(www, "centos/RPM-GPG-KEY-centosofficial"): p.source.key.public,
		filepath.Join(base, "RPM-GPG-KEY-openEuler"):            p.target.key.public,
		filepath.Join(everything, "RPM-GPG-KEY-openEuler"):      p.target.key.public,
		filepath.Join(update, "RPM-GPG-KEY-openEuler"):          p.target.key.public,
		filepath.Join(www, AcmePath, "RPM-GPG-KEY-acme"):        p.acme.public,
	} {
		if err := os.WriteFile(name, []byte(body), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// publishOthers makes the third-party repository and the two whose packages
// must be refused.
func publishOthers(www string, recipe Recipe, p *prepared) ([]string, error) {
	helper, err := os.ReadFile(filepath.Join(p.source.root, "usr/bin/openssl"))
	if err != nil {
		return nil, fmt.Errorf("the source has no openssl to make the third-party package of: %w", err)
	}
	_, needs := elfDeps(helper)
	third := filepath.Join(www, AcmePath, recipe.Arch)
	if err := packInto(third, acme(recipe.Arch, string(helper), needs), "", p.source.ids, p.acme); err != nil {
		return nil, err
	}
	unsigned, wrong := filepath.Join(www, UnsignedPath, recipe.Arch), filepath.Join(www, WrongKeyPath, recipe.Arch)
	hello := &pkg{
		name: "hello-lab", evr: evr{version: "1.0", release: "1" + recipe.Target.Dist}, arch: "noarch", vendor: recipe.Target.Vendor,
		summary: "A package that must not be installed", content: []file{{path: "/usr/share/hello-lab", body: "hello\n", mode: 0o644}},
	}
	if err := packInto(unsigned, hello, "", p.target.ids, nil); err != nil {
		return nil, err
	}
	if err := packInto(wrong, hello, "", p.target.ids, p.acme); err != nil {
		return nil, err
	}
	return []string{third, unsigned, wrong}, nil
}

func packInto(repo string, p *pkg, root string, ids *accounts, key *signer) error {
	dir := filepath.Join(repo, "Packages")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	_, err := p.write(root, dir, ids, key)
	return err
}

// pack writes all packages of one side, as many at once as there are cores.
func (s *side) pack(repo string) error {
	dir := filepath.Join(repo, "Packages")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(runtime.NumCPU())
	for _, p := range s.pkgs {
		g.Go(func() error {
			_, err := p.write(s.root, dir, s.ids, s.key)
			return err
		})
	}
	return g.Wait()
}

func (s *side) counts(r Release) Counts {
	c := Counts{Release: r.Dist, Packages: map[string]string{}}
	for name, p := range s.pkgs {
		c.Packages[name] = p.evr.String()
	}
	return c
}

func linkAll(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Link(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// register makes the tree at root a host of the source distribution: its files
// are there, so only the database entries are added. The release packages, of
// which there are no files yet, are installed in full.
func register(ctx context.Context, root, repo, key string) error {
	inside := "/var/tmp/register"
	dir := filepath.Join(root, inside)
	if err := linkAll(filepath.Join(repo, "Packages"), dir); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.WriteFile(filepath.Join(dir, "KEY"), []byte(key), 0o644); err != nil {
		return err
	}
	release := "centos-release-*.rpm centos-repos-*.rpm centos-gpg-keys-*.rpm"
	script := "set -e; cd " + inside + `; mkdir -p /var/lib/rpm; rpm --import KEY
rpm -i --nodeps --noscripts --force-debian ` + release + `
mkdir done; mv ` + release + ` done
rpm -i --justdb --nodeps --noscripts --notriggers --force-debian *.rpm
rpm -qa | wc -l; rm -f /var/lib/rpm/__db.*`
	return run(ctx, "chroot", root, "/bin/sh", "-c", script)
}
