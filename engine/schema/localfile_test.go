package schema

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLocalFileIsSharedWhileItIsSent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	text := []byte(strings.Repeat("the same line again\n", 5000))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	f := NewFiles().Local(path)
	a, size, packed, err := f.Open(true)
	if err != nil || !packed || size >= int64(len(text))/2 {
		t.Fatalf("packed %v to %d of %d bytes: %v", packed, size, len(text), err)
	}
	z, err := gzip.NewReader(a)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, text) {
		t.Errorf("unpacked to %d bytes: %v", len(got), err)
	}
	b, size, packed, err := f.Open(false)
	if err != nil || packed || size != int64(len(text)) {
		t.Errorf("plain: %d bytes, packed %v: %v", size, packed, err)
	}
	first := &f.shared[0]
	if got, _ := io.ReadAll(b); !bytes.Equal(got, text) {
		t.Error("the plain content is another one")
	}
	_, _ = a.Close(), a.Close() // closing twice is closing once
	if f.shared == nil || &f.shared[0] != first {
		t.Error("the content was given up while it was in use")
	}
	_ = b.Close()
	if f.shared != nil || f.packed != nil {
		t.Error("the content is kept though nobody uses it")
	}
	sum, err := f.SHA256()
	if err != nil || len(sum) != 64 {
		t.Fatal(sum, err)
	}
	if err := os.WriteFile(path, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if again, err := f.SHA256(); err != nil || again == sum {
		t.Error("the hash of the old content is given for the new one")
	}
}

func TestPackOnlyWhereItPays(t *testing.T) {
	noise := make([]byte, 64<<10)
	x := uint32(1)
	for i := range noise {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	for name, tc := range map[string]struct {
		content []byte
		pays    bool
	}{
		"short": {[]byte(strings.Repeat("x", 100)), false},
		"noise": {noise, false},
		"text":  {[]byte(strings.Repeat("some text\n", 1000)), true},
	} {
		if got := Pack(tc.content) != nil; got != tc.pays {
			t.Errorf("%s: packed is %v", name, got)
		}
	}
}

func TestTreeRefusesWhatCannotBeSent(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewFiles().Tree(file).Entries(); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("a file gives %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a\nb"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewFiles().Tree(dir).Entries(); err == nil || !strings.Contains(err.Error(), "line break") {
		t.Errorf("a line break gives %v", err)
	}
}
