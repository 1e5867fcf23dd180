package hosttest

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
)

// world is when the files of the fake host were last changed, before the test.
var world = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// everywhere are directories that each host has.
const everywhere = " / /boot /etc /etc/cron.d /etc/dnf /etc/rpm /etc/ssh /etc/sysctl.d /etc/systemd /etc/systemd/system /etc/yum.repos.d /home /opt /proc /root /run /srv /tmp /usr /usr/bin /usr/sbin /usr/local/bin /usr/lib /var /var/lib /var/log /var/spool/cron "

// at returns what is at a path; directories above known paths are there too.
func (h *Host) at(p string) *file {
	p = path.Clean(p)
	if f := h.files[p]; f != nil {
		return f
	}
	dir := &file{kind: "directory", mode: 0o755, owner: "root", group: "root"}
	if strings.Contains(everywhere, " "+p+" ") {
		return dir
	}
	for known := range h.files {
		if strings.HasPrefix(known, p+"/") {
			return dir
		}
	}
	return nil
}

// follow resolves symbolic links.
func (h *Host) follow(p string) string {
	for range 40 {
		f := h.at(p)
		if f == nil || f.kind != "link" {
			return p
		}
		if !path.IsAbs(f.target) {
			p = path.Join(path.Dir(p), f.target)
		} else {
			p = f.target
		}
	}
	return p
}

// remove takes a path and all below it away.
func (h *Host) remove(p string) {
	p = path.Clean(p)
	for known := range h.files {
		if known == p || strings.HasPrefix(known, p+"/") {
			delete(h.files, known)
		}
	}
}

// parents makes the directories above p explicit, so that they outlive what is
// in them.
func (h *Host) parents(p string) {
	for d := path.Dir(path.Clean(p)); d != "/"; d = path.Dir(d) {
		if h.files[d] == nil && h.at(d) != nil {
			h.files[d] = &file{kind: "directory", mode: 0o755, owner: "root", group: "root"}
		}
	}
}

// ReadFile implements host.Reader.
func (h *Host) ReadFile(ctx context.Context, path string) ([]byte, error) {
	return h.read(ctx, "read "+path, path)
}

func (h *Host) read(ctx context.Context, line, p string) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f, err := h.begin(ctx, line, false)
	if err != nil {
		return nil, err
	}
	if err := f.whole(h.name); err != nil {
		return nil, err
	}
	fl := h.at(h.follow(p))
	switch {
	case fl == nil:
		return nil, &fs.PathError{Op: "read", Path: p, Err: fs.ErrNotExist}
	case fl.kind != "file":
		return nil, fmt.Errorf("%s is not a regular file, so its content cannot be read", p)
	case len(fl.content) > host.MaxReadFile:
		return nil, fmt.Errorf("%s: %w", p, host.ErrTooLarge)
	}
	return append([]byte{}, fl.content...), nil
}

// Look implements host.Reader: the two questions it stands for.
func (h *Host) Look(ctx context.Context, p string) (host.FileInfo, []byte, error) {
	fi, err := h.Stat(ctx, p)
	if err != nil || fi.Type != "file" {
		return fi, nil, err
	}
	text, err := h.ReadFile(ctx, p)
	return fi, text, err
}

// Stat implements host.Reader.
func (h *Host) Stat(ctx context.Context, p string) (host.FileInfo, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f, err := h.begin(ctx, "stat "+p, false)
	if err != nil {
		return host.FileInfo{}, err
	}
	if err := f.whole(h.name); err != nil {
		return host.FileInfo{}, err
	}
	fl := h.at(p)
	if fl == nil {
		return host.FileInfo{}, &fs.PathError{Op: "stat", Path: p, Err: fs.ErrNotExist}
	}
	return host.FileInfo{
		Path: p, Type: fl.kind, Size: int64(len(fl.content)), Mode: host.GoMode(fl.mode),
		Owner: fl.owner, Group: fl.group, UID: id(fl.owner), GID: id(fl.group),
		ModTime: world.Add(time.Duration(fl.age) * time.Second), Target: fl.target,
	}, nil
}

func id(name string) int {
	if name == "root" {
		return 0
	}
	return 1000
}

// WriteFile implements host.Host.
func (h *Host) WriteFile(ctx context.Context, p string, content []byte, a host.Attr) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	mode := "-"
	if a.Mode != 0 {
		mode = fmt.Sprintf("%04o", host.UnixMode(a.Mode))
	}
	line := strings.Join([]string{"write", p, mode, orDash(a.Owner), orDash(a.Group)}, " ")
	f, err := h.begin(ctx, line+quoted("|", content), true)
	if err != nil {
		return err
	}
	if f == ExitOne {
		return errExit
	}
	if err := h.put(p, content, a); err != nil {
		return err
	}
	return f.after(h.name)
}

// put gives a file its content and its attributes.
func (h *Host) put(p string, content []byte, a host.Attr) error {
	real := h.follow(p)
	fl := h.at(real)
	switch {
	case fl == nil && h.at(path.Dir(real)) == nil:
		return fmt.Errorf("cannot write %s: its directory does not exist", p)
	case fl == nil:
		fl = &file{kind: "file", mode: 0o644, owner: "root", group: "root"}
	case fl.kind != "file":
		return fmt.Errorf("cannot write %s: it is a %s", p, fl.kind)
	}
	h.age++
	fl.content, fl.age = append([]byte{}, content...), h.age
	fl.attributes(a)
	h.files[path.Clean(real)] = fl
	h.changed("write", p)
	return nil
}

func (f *file) attributes(a host.Attr) {
	if a.Mode != 0 {
		f.mode = host.UnixMode(a.Mode)
	}
	if a.Owner != "" {
		f.owner = a.Owner
	}
	if a.Group != "" {
		f.group = a.Group
	}
}

// WriteAll implements host.Host: one call, and all or nothing.
func (h *Host) WriteAll(ctx context.Context, entries []host.Entry) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	line := "write all"
	for _, e := range entries {
		line += "\n  " + e.Path + quoted("|", e.Content)
	}
	f, err := h.begin(ctx, line, true)
	if err != nil {
		return err
	}
	if f == ExitOne {
		return errExit
	}
	for _, e := range entries {
		switch fl := h.at(e.Path); {
		case e.Dir:
			if res := h.mkdir(e.Path); res.Code != 0 {
				return &host.CommandError{Argv: []string{"mkdir"}, Result: res}
			}
			d := h.at(e.Path)
			d.attributes(e.Attr)
			h.files[path.Clean(e.Path)] = d
		case fl == nil && h.at(path.Dir(e.Path)) == nil || fl != nil && fl.kind != "file":
			return fmt.Errorf("cannot write %s", e.Path)
		}
	}
	for _, e := range entries {
		if e.Dir {
			continue
		}
		if err := h.put(e.Path, e.Content, e.Attr); err != nil {
			return err
		}
	}
	return f.after(h.name)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func sortedKeys(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
