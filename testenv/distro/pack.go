package distro

import (
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/google/rpmpack"
)

// epochStart is the build time of every package: a build is the same whenever
// it runs.
var epochStart = time.Date(2024, 7, 1, 0, 0, 0, 0, time.UTC)

// scan reads the files of p for what they provide and require.
func scan(root string, p *pkg) error {
	provides, requires := map[string]bool{}, map[string]bool{}
	for f := range p.files {
		name := filepath.Join(root, f)
		info, err := os.Lstat(name)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() || info.Size() < 64 {
			continue
		}
		magic := make([]byte, 4)
		fd, err := os.Open(name)
		if err != nil {
			return err
		}
		_, err = io.ReadFull(fd, magic)
		_ = fd.Close()
		if err != nil || string(magic) != "\x7fELF" {
			continue
		}
		body, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		prov, req := elfDeps(body)
		for _, s := range prov {
			provides[s] = true
		}
		for _, s := range req {
			requires[s] = true
		}
	}
	// Names of commands that scripts and packages ask for by path.
	for _, f := range []string{"/usr/bin/sh", "/usr/bin/bash"} {
		if _, ok := p.files[f]; ok {
			provides[f], provides["/bin/"+path.Base(f)] = true, true
		}
	}
	p.provides = append(p.provides, sortedKeys(provides)...)
	for _, r := range sortedKeys(requires) {
		if !provides[r] {
			p.requires = append(p.requires, r)
		}
	}
	return nil
}

// dropUnmet removes requirements nobody in the distribution provides, such as
// private libraries found by run path.
func dropUnmet(pkgs map[string]*pkg) {
	have := map[string]bool{}
	for _, p := range pkgs {
		have[p.name] = true
		for _, v := range p.provides {
			v, _, _ = strings.Cut(v, " = ")
			have[v] = true
		}
	}
	for _, p := range pkgs {
		var kept []string
		for _, r := range append(append([]string{}, p.depends...), p.requires...) {
			if have[r] {
				kept = append(kept, r)
			}
		}
		p.depends, p.requires = nil, kept
	}
}

// write packs p from root into dir, signed unless key is nil, and returns the
// file's path.
func (p *pkg) write(root, dir string, ids *accounts, key *signer) (string, error) {
	m := rpmpack.RPMMetaData{
		Name: p.name, Version: p.evr.version, Release: p.evr.release, Arch: p.arch, Vendor: p.vendor,
		Epoch: rpmpack.NoEpoch, Summary: p.summary, Description: p.summary, Licence: "see the package",
		BuildHost: "lab.invalid", BuildTime: epochStart, Compressor: "zstd:fastest", Packager: p.vendor, Group: "Unspecified",
	}
	if p.evr.epoch > 0 {
		m.Epoch = p.evr.epoch
	}
	m.Provides = append(m.Provides, &rpmpack.Relation{Name: p.name, Version: p.evr.String(), Sense: rpmpack.SenseEqual})
	for _, v := range p.provides {
		if err := m.Provides.Set(v); err != nil {
			return "", err
		}
	}
	for _, v := range p.requires {
		m.Requires = append(m.Requires, &rpmpack.Relation{Name: v})
	}
	for _, v := range p.obsoletes {
		m.Obsoletes = append(m.Obsoletes, &rpmpack.Relation{Name: v})
	}
	r, err := rpmpack.NewRPM(m)
	if err != nil {
		return "", err
	}
	if err := p.addFiles(root, ids, r); err != nil {
		return "", fmt.Errorf("package %s: %w", p.name, err)
	}
	for add, body := range map[*string]func(string){
		&p.scripts.pre: r.AddPrein, &p.scripts.post: r.AddPostin, &p.scripts.preun: r.AddPreun,
		&p.scripts.postun: r.AddPostun, &p.scripts.posttrans: r.AddPosttrans,
	} {
		if *add != "" {
			body(*add)
		}
	}
	if key != nil {
		r.SetPGPSigner(key.sign)
	}
	out := filepath.Join(dir, fmt.Sprintf("%s-%s-%s.%s.rpm", p.name, p.evr.version, p.evr.release, p.arch))
	f, err := os.Create(out)
	if err != nil {
		return "", err
	}
	err = r.Write(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return out, err
}

func (p *pkg) addFiles(root string, ids *accounts, r *rpmpack.RPM) error {
	names := make([]string, 0, len(p.files))
	for f := range p.files {
		names = append(names, f)
	}
	sort.Strings(names)
	for _, f := range names {
		full := filepath.Join(root, f)
		info, err := os.Lstat(full)
		if err != nil {
			return err
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return fmt.Errorf("%s: no Unix file mode", full)
		}
		user, group := ids.of(info)
		rf := rpmpack.RPMFile{Name: f, Mode: uint(st.Mode), Owner: user, Group: group, MTime: uint32(info.ModTime().Unix())}
		switch info.Mode().Type() {
		case os.ModeDir:
		case os.ModeSymlink:
			to, err := os.Readlink(full)
			if err != nil {
				return err
			}
			rf.Body = []byte(to)
		case 0:
			if rf.Body, err = os.ReadFile(full); err != nil {
				return err
			}
			if p.files[f] {
				rf.Type = rpmpack.ConfigFile | rpmpack.NoReplaceFile
			}
		default:
			continue // sockets and devices are made at run time
		}
		r.AddFile(rf)
	}
	for _, c := range p.content {
		rf := rpmpack.RPMFile{Name: c.path, Body: []byte(c.body), Mode: 0o100000 | c.mode, Owner: "root", Group: "root", MTime: uint32(epochStart.Unix())}
		if c.link {
			rf.Mode = 0o120777
		}
		if c.conf {
			rf.Type = rpmpack.ConfigFile | rpmpack.NoReplaceFile
		}
		r.AddFile(rf)
	}
	return nil
}
