package source

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// small bounds, so that a test need not write much.
func smallTree(root string) *tree {
	return &tree{root: root, bounds: bounds{file: 1000, total: 3000, entries: 20}}
}

func tarOf(t testing.TB, hs ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range hs {
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write(make([]byte, h.Size)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipOf(t testing.TB, mode fs.FileMode, size int, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, n := range names {
		h := &zip.FileHeader{Name: n, Method: zip.Deflate}
		h.SetMode(mode)
		f, err := w.CreateHeader(h)
		if err == nil {
			_, err = f.Write(bytes.Repeat([]byte("x"), size))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t testing.TB, in []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(in); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unpackInto(dir, name string, data []byte) error {
	tr := smallTree(filepath.Join(dir, "a", "tree"))
	if err := os.MkdirAll(tr.root, 0o750); err != nil {
		return err
	}
	if err := unpack(name, bytes.NewReader(data), int64(len(data)), tr); err != nil {
		return err
	}
	return tr.finish()
}

// stray are the files that were written outside of the tree.
func stray(t testing.TB, dir string) (out []string) {
	t.Helper()
	tree := filepath.Join(dir, "a", "tree")
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(p, tree+"/") {
			out = append(out, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestUnpackRefuses(t *testing.T) {
	file := tar.Header{Name: "f", Size: 5}
	link := func(name, to string) tar.Header {
		return tar.Header{Name: name, Linkname: to, Typeflag: tar.TypeSymlink}
	}
	many := make([]tar.Header, 30)
	for i := range many {
		many[i] = tar.Header{Name: strings.Repeat("d", i+1), Typeflag: tar.TypeDir}
	}
	for name, c := range map[string]struct {
		file string
		data []byte
		want string
	}{
		"parent":            {"x.tar", tarOf(t, tar.Header{Name: "../x", Size: 1}), "leaves the source"},
		"parent inside":     {"x.tar", tarOf(t, tar.Header{Name: "a/../../x", Size: 1}), "leaves the source"},
		"absolute":          {"x.tar", tarOf(t, tar.Header{Name: "/x", Size: 1}), "absolute path"},
		"link outside":      {"x.tar", tarOf(t, link("l", "../../x")), "outside of the source"},
		"link absolute":     {"x.tar", tarOf(t, link("l", "/etc/passwd")), "outside of the source"},
		"link by detour":    {"x.tar", tarOf(t, tar.Header{Name: "d/f", Size: 1}, link("d/l", "../d/../../f")), "outside of the source"},
		"link to nothing":   {"x.tar", tarOf(t, link("l", "nothere")), "not in the source"},
		"link to directory": {"x.tar", tarOf(t, tar.Header{Name: "d/f", Size: 1}, link("l", "d")), "not a file"},
		"link loop":         {"x.tar", tarOf(t, link("a", "b"), link("b", "a")), "not in the source"},
		"through a link":    {"x.tar", tarOf(t, file, link("l", "f"), tar.Header{Name: "l/x", Size: 1}), "twice"},
		"hard link":         {"x.tar", tarOf(t, file, tar.Header{Name: "h", Linkname: "f", Typeflag: tar.TypeLink}), "neither a file"},
		"device":            {"x.tar", tarOf(t, tar.Header{Name: "dev", Typeflag: tar.TypeChar}), "neither a file"},
		"twice":             {"x.tar", tarOf(t, file, file), "twice"},
		"file as directory": {"x.tar", tarOf(t, file, tar.Header{Name: "f/x", Size: 1}), "at once"},
		"large file":        {"x.tar", tarOf(t, tar.Header{Name: "f", Size: 1001}), "too large"},
		"large together":    {"x.tgz", gzipped(t, tarOf(t, tar.Header{Name: "a", Size: 999}, tar.Header{Name: "b", Size: 999}, tar.Header{Name: "c", Size: 999}, tar.Header{Name: "d", Size: 999})), "too large"},
		"many":              {"x.tar", tarOf(t, many...), "more than 20"},
		"bomb":              {"x.tar.gz", gzipped(t, tarOf(t, tar.Header{Name: "f", Size: 20 << 20})), "too large"},
		"zip bomb":          {"x.zip", zipOf(t, 0o644, 20<<20, "f"), "too large"},
		"zip parent":        {"x.zip", zipOf(t, 0o644, 1, "../x"), "leaves the source"},
		"zip absolute":      {"x.zip", zipOf(t, 0o644, 1, "/x"), "absolute path"},
		"zip backslash":     {"x.zip", zipOf(t, 0o644, 1, `..\x`), "backslash"},
		"zip link":          {"x.zip", zipOf(t, 0o644|fs.ModeSymlink, 3, "l"), "not in the source"},
		"not gzip":          {"x.tgz", []byte("hello, this is no archive"), "gzip"},
		"not zip":           {"x.zip", []byte("hello"), "zip"},
		"cut off":           {"x.tar", tarOf(t, file)[:514], "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			err := unpackInto(dir, c.file, c.data)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if s := stray(t, dir); len(s) > 0 {
				t.Errorf("written outside: %v", s)
			}
		})
	}
}

func TestUnpack(t *testing.T) {
	data := tarOf(t, tar.Header{Name: "./d/f", Size: 5, Mode: 0o755}, tar.Header{Name: "d/l", Linkname: "./f", Typeflag: tar.TypeSymlink}, tar.Header{Name: "e/", Typeflag: tar.TypeDir})
	for name, data := range map[string][]byte{"x.tar": data, "x.tar.gz": gzipped(t, data), "x.zip": zipOf(t, 0o755, 5, "d/f", "d/l")} {
		dir := t.TempDir()
		if err := unpackInto(dir, name, data); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, f := range []string{"d/f", "d/l"} {
			st, err := os.Stat(filepath.Join(dir, "a", "tree", f))
			if err != nil || st.Size() != 5 || st.Mode()&0o100 == 0 {
				t.Errorf("%s: %s: %v %v", name, f, st, err)
			}
		}
	}
}

func FuzzUnpack(f *testing.F) {
	for _, name := range []string{"x.tar", "x.tgz", "x.zip"} {
		f.Add(name, tarOf(f, tar.Header{Name: "d/f", Size: 5}, tar.Header{Name: "l", Linkname: "d/f", Typeflag: tar.TypeSymlink}))
		f.Add(name, gzipped(f, tarOf(f, tar.Header{Name: "../f", Size: 5})))
		f.Add(name, zipOf(f, 0o644, 3, "d/f", "../x"))
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		dir := t.TempDir()
		_ = unpackInto(dir, name, data)
		if s := stray(t, dir); len(s) > 0 {
			t.Fatalf("written outside: %v", s)
		}
	})
}
