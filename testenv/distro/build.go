package distro

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// Built is a finished build. Its files are shared by all labs and must not be
// changed.
type Built struct {
	Dir      string   `json:"-"`
	Arch     string   `json:"arch"`
	Source   Counts   `json:"source"`
	Target   Counts   `json:"target"`
	LeftOver []string `json:"left_over"` // source packages without a counterpart in the target
}

// Counts says what a distribution holds.
type Counts struct {
	Release  string            `json:"release"` // dist tag
	Packages map[string]string `json:"packages"`
}

// SourceRoot is the root file system of a source host.
func (b *Built) SourceRoot() string { return filepath.Join(b.Dir, "source-root") }

// Repositories is the directory the repository server serves.
func (b *Built) Repositories() string { return filepath.Join(b.Dir, "www") }

// AcmePackage is the third-party RPM.
func (b *Built) AcmePackage() string {
	return filepath.Join(b.Repositories(), AcmePath, b.Arch, "Packages", "acme-agent-1.4-2."+b.Arch+".rpm")
}

// CacheDir is where builds are kept.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		// A bare root shell may have no HOME; its home directory is no secret.
		dir = "/root/.cache"
	}
	return filepath.Join(dir, "ferry", "lab"), nil
}

// Build returns the distributions of a recipe, building them unless the cache
// has them. Only one process builds; others wait for it.
func Build(ctx context.Context, cache string, recipe Recipe, log func(format string, args ...any)) (*Built, error) {
	if err := EnsureNeeds(ctx, log); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return nil, err
	}
	hash := recipe.Hash()
	final := filepath.Join(cache, hash)
	if b, err := open(final); err == nil {
		return b, nil
	}
	held, err := lock(filepath.Join(cache, hash+".lock"), log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = held.Close() }()
	if b, err := open(final); err == nil { // built while we waited
		return b, nil
	}
	// We hold the lock, so what is there was left by a build that was interrupted.
	stale, err := filepath.Glob(final + ".tmp-*")
	if err != nil {
		return nil, err
	}
	for _, s := range append(stale, final) {
		if err := os.RemoveAll(s); err != nil {
			return nil, err
		}
	}
	tmp, err := os.MkdirTemp(cache, hash+".tmp-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return nil, err
	}
	started := time.Now()
	log("building the distributions into %s", final)
	if err := build(ctx, tmp, recipe, held, log); err != nil {
		return nil, errors.Join(err, os.RemoveAll(tmp))
	}
	if err := os.Rename(tmp, final); err != nil {
		return nil, err
	}
	log("built the distributions in %s", time.Since(started).Round(time.Second))
	return open(final)
}

const manifestName = "manifest.json"

// open reads a finished build; the manifest is written last.
func open(dir string) (*Built, error) {
	b, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		return nil, err
	}
	built := &Built{Dir: dir}
	return built, json.Unmarshal(b, built)
}

// lock returns the locked file; closing it gives the lock up.
func lock(path string, log func(string, ...any)) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		log("another process is building the distributions; waiting for it")
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			return nil, errors.Join(fmt.Errorf("cannot lock %s: %w", path, err), f.Close())
		}
	}
	return f, nil
}

func build(ctx context.Context, dir string, recipe Recipe, held *os.File, log func(string, ...any)) error {
	mirror, err := Mirror("/")
	if err != nil {
		return err
	}
	src, dst := filepath.Join(dir, "source-root"), filepath.Join(dir, "target-root")
	started := time.Now()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return bootstrap(gctx, src, mirror, recipe.Source, held) })
	g.Go(func() error { return bootstrap(gctx, dst, mirror, recipe.Target, held) })
	if err := g.Wait(); err != nil {
		return err
	}
	log("installed %s and %s from %s in %s", recipe.Source.Suite, recipe.Target.Suite, mirror, time.Since(started).Round(time.Second))

	started = time.Now()
	p, err := prepare(src, dst, recipe)
	if err != nil {
		return err
	}
	built := &Built{Arch: recipe.Arch, LeftOver: p.leftOver}
	if err := publish(ctx, dir, recipe, p, built); err != nil {
		return err
	}
	log("packed and signed %d + %d packages in %s", len(p.source.pkgs), len(p.target.pkgs), time.Since(started).Round(time.Second))

	started = time.Now()
	if err := register(ctx, src, filepath.Join(dir, "www", SourcePath, recipe.Arch, "os"), p.source.key.public); err != nil {
		return err
	}
	log("registered the packages in the source's database in %s", time.Since(started).Round(time.Second))
	if err := os.RemoveAll(dst); err != nil {
		return err
	}
	b, err := json.MarshalIndent(built, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, manifestName), b, 0o644)
}

// bootstrap installs a Debian release into dir. It inherits the build's lock:
// if this process is killed, the next build waits until mmdebstrap is gone,
// too, before it clears the directory.
func bootstrap(ctx context.Context, dir, mirror string, r Release, held *os.File) error {
	args := []string{
		"--quiet", "--mode=root", "--variant=minbase", "--format=directory", "--include=" + strings.Join(r.Include, ","),
		`--aptopt=APT::Install-Recommends "false"`,
		// What nobody reads in a lab would be half the time spent packing.
		"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
		"--dpkgopt=path-exclude=/usr/share/info/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
		"--dpkgopt=path-exclude=/usr/share/lintian/*", "--dpkgopt=path-exclude=/usr/share/bug/*",
	}
	if r.Suite == "bullseye" {
		args = append(args, "--setup-hook=/usr/share/mmdebstrap/hooks/merged-usr/setup00.sh")
	}
	args = append(args, r.Suite, dir, "deb "+mirror+" "+r.Suite+" main")
	cmd := exec.CommandContext(ctx, "mmdebstrap", args...)
	cmd.ExtraFiles = []*os.File{held}
	// What it mounts below dir (this machine's /dev among others) must vanish with it, or clearing dir would
	// reach through.
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if err := finish(cmd); err != nil {
		return fmt.Errorf("cannot install Debian %s from %s; check that the mirror has it: %w", r.Suite, mirror, err)
	}
	return nil
}
