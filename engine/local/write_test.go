package local_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/local"
)

// The script that writes files is for a real shell with real tools.
func TestWriteFile(t *testing.T) {
	c, err := local.New(local.Options{StateDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	h := host.New("here", c)
	old := syscall.Umask(0o077) // not what decides
	t.Cleanup(func() { syscall.Umask(old) })
	for name, c := range map[string]struct {
		before func(path string) // what is there
		attr   host.Attr
		text   string
		mode   fs.FileMode
		err    string
		real   string // where the content is, if not at the path
	}{
		"new":                   {text: "a\n", mode: 0o644},
		"new, empty":            {mode: 0o644},
		"new, private":          {text: "a", attr: host.Attr{Mode: 0o600}, mode: 0o600},
		"new, read-only":        {text: "a", attr: host.Attr{Mode: 0o444}, mode: 0o444},
		"new, executable":       {text: "#!/bin/sh\n", attr: host.Attr{Mode: 0o755}, mode: 0o755},
		"new, setuid":           {text: "a", attr: host.Attr{Mode: 0o755 | fs.ModeSetuid}, mode: 0o755 | fs.ModeSetuid},
		"bytes":                 {text: "\x00\xff'\"\\\n\r%s", mode: 0o644},
		"as large as frames go": {text: strings.Repeat("0123456789abcde\n", 8<<10), mode: 0o644},
		"there, keeps its mode": {before: write("old", 0o640), text: "new", mode: 0o640},
		"there, another mode":   {before: write("old", 0o755), text: "new", attr: host.Attr{Mode: 0o600}, mode: 0o600},
		"there, read-only":      {before: write("old", 0o400), text: "new", mode: 0o400},
		"a symbolic link": {
			before: func(p string) { write("old", 0o640)(p + ".real"); _ = os.Symlink(filepath.Base(p)+".real", p) },
			text:   "new", mode: 0o640, real: ".real",
		},
		"a directory":            {before: func(p string) { _ = os.Mkdir(p, 0o755) }, err: "is a directory"},
		"a FIFO":                 {before: func(p string) { _ = syscall.Mkfifo(p, 0o644) }, err: "is not a regular file"},
		"below a file":           {before: func(p string) { write("", 0o644)(filepath.Dir(p) + "/f") }, real: "/../f/x", err: "its directory does not exist"},
		"no directory":           {real: "/../none/x", err: "its directory does not exist"},
		"an owner there is none": {attr: host.Attr{Owner: "no-such-user"}, text: "a", err: "invalid user"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "it's a file")
			if c.before != nil {
				c.before(path)
			}
			at := path
			if strings.HasPrefix(c.real, "/..") {
				at = filepath.Join(path, c.real)
			}
			err := h.WriteFile(context.Background(), at, []byte(c.text), c.attr)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v, want %q", err, c.err)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if c.err == "" {
				got, err := os.ReadFile(path + c.real)
				if err != nil || string(got) != c.text {
					t.Errorf("content %q, %v", got, err)
				}
				fi, err := os.Stat(path)
				if err != nil || fi.Mode() != c.mode {
					t.Errorf("mode %s, want %s, %v", fi.Mode(), c.mode, err)
				}
			}
			if left, _ := filepath.Glob(filepath.Join(dir, ".ferry*")); len(left) > 0 {
				t.Errorf("left behind: %s", left)
			}
		})
	}
}

// A file of another owner keeps it, and one that is given gets it.
func TestWriteFileOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root gives files away")
	}
	c, _ := local.New(local.Options{StateDir: t.TempDir()})
	h := host.New("here", c)
	path := filepath.Join(t.TempDir(), "f")
	write("old", 0o600)(path)
	if err := os.Chown(path, 2, 2); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Chmod(path, 0o4711); err != nil {
		t.Fatal(err)
	}
	owned := func(uid, gid uint32, mode fs.FileMode) {
		t.Helper()
		fi, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if st := fi.Sys().(*syscall.Stat_t); st.Uid != uid || st.Gid != gid || fi.Mode() != mode {
			t.Errorf("%d:%d %s, want %d:%d %s", st.Uid, st.Gid, fi.Mode(), uid, gid, mode)
		}
	}
	for i, a := range []host.Attr{{}, {Owner: "0"}, {Group: "3", Mode: 0o640}} {
		if err := h.WriteFile(context.Background(), path, fmt.Append(nil, i), a); err != nil {
			t.Fatal(err)
		}
		switch i {
		case 0:
			owned(2, 2, 0o711|fs.ModeSetuid)
		case 1:
			owned(0, 2, 0o711|fs.ModeSetuid)
		case 2:
			owned(0, 3, 0o640)
		}
	}
}

func write(text string, mode fs.FileMode) func(string) {
	return func(path string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			panic(err)
		}
		unix := uint32(mode)
		if err := syscall.Chmod(path, unix); err != nil {
			panic(err)
		}
	}
}
