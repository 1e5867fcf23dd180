package main

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdExpand replaces $WORK in files: expand FILE ….
func cmdExpand(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		text := strings.ReplaceAll(ts.ReadFile(name), "$WORK", of(ts).work)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// cmdTamper adds a line to every file of a name below a directory: tamper DIR NAME.
func cmdTamper(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != args[1] {
			return err
		}
		text, err := os.ReadFile(path) //nolint:gosec // a file of this test
		if err != nil {
			return err
		}
		return os.WriteFile(path, append(text, "# changed\n"...), 0o600)
	}))
}

// cmdEvil writes archives that try to leave the directory they are unpacked in:
// evil.tar by a path, link.tar by a symbolic link that the next file goes through.
func cmdEvil(ts *testscript.TestScript, neg bool, args []string) {
	write := func(name string, hs ...tar.Header) {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, h := range hs {
			h.Mode = 0o644
			h.Size = int64(len("pwned"))
			if h.Linkname != "" {
				h.Typeflag, h.Size = tar.TypeSymlink, 0
			}
			ts.Check(w.WriteHeader(&h))
			if h.Size > 0 {
				_, err := w.Write([]byte("pwned"))
				ts.Check(err)
			}
		}
		ts.Check(w.Close())
		ts.Check(os.WriteFile(ts.MkAbs(name), b.Bytes(), 0o600))
	}
	write("evil.tar", tar.Header{Name: "main.hcl"}, tar.Header{Name: "../../../../escaped"})
	write("link.tar", tar.Header{Name: "out", Linkname: "../../../.."}, tar.Header{Name: "out/escaped"})
}
