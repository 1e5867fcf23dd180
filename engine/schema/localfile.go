package schema

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"sync"
)

// Bounds of what is kept in memory while hosts are sent it, in bytes.
const (
	maxShared  = 64 << 20
	packSample = 256 << 10
)

// LocalFile is a regular file of the controller that many hosts are compared
// with or sent. Its hash is made once; while several hosts are sent it, its
// content is read, and compressed, once. It may be used concurrently.
type LocalFile struct {
	path string

	mu     sync.Mutex
	stamp  string // size and time the following belong to
	sum    string
	users  int
	shared []byte // the content while users > 0, if it is not too large
	packed []byte // compressed, if that pays
	tried  bool   // packing was tried
}

// Local returns the file at path; the same path gives the same LocalFile.
func (f *Files) Local(path string) *LocalFile {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.locals == nil {
		f.locals = map[string]*LocalFile{}
	}
	l := f.locals[path]
	if l == nil {
		l = &LocalFile{path: path}
		f.locals[path] = l
	}
	return l
}

// Path is where the file is.
func (l *LocalFile) Path() string { return l.path }

// Size returns how many bytes the file has. An error says what is wrong with it.
func (l *LocalFile) Size() (int64, error) {
	st, err := os.Stat(l.path)
	if err != nil {
		return 0, err
	}
	if !st.Mode().IsRegular() {
		return 0, fmt.Errorf("%s is not a regular file; copy takes one file, and the module \"tree\" takes a directory", l.path)
	}
	return st.Size(), nil
}

// fresh forgets what belongs to an earlier content; the caller holds mu.
func (l *LocalFile) fresh() error {
	st, err := os.Stat(l.path)
	if err != nil {
		return err
	}
	stamp := fmt.Sprint(st.Size(), st.ModTime().UnixNano())
	if stamp != l.stamp {
		l.stamp, l.sum, l.shared, l.packed, l.tried = stamp, "", nil, nil, false
	}
	return nil
}

// SHA256 returns the hash of the content in hexadecimal.
func (l *LocalFile) SHA256() (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.fresh(); err != nil {
		return "", err
	}
	if l.sum != "" {
		return l.sum, nil
	}
	f, err := os.Open(l.path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	l.sum = hex.EncodeToString(sum.Sum(nil))
	return l.sum, nil
}

// Open returns the content and its size. With packed, it is compressed with
// gzip if that is clearly smaller; ok tells whether it is. Close the reader.
func (l *LocalFile) Open(packed bool) (r io.ReadCloser, size int64, ok bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.fresh(); err != nil {
		return nil, 0, false, err
	}
	size, err = l.Size()
	if err != nil {
		return nil, 0, false, err
	}
	if size > maxShared {
		f, err := os.Open(l.path)
		return f, size, false, err
	}
	if l.shared == nil {
		if l.shared, err = os.ReadFile(l.path); err != nil {
			return nil, 0, false, err
		}
		size = int64(len(l.shared))
	}
	if packed && !l.tried {
		l.tried, l.packed = true, Pack(l.shared)
	}
	l.users++
	body := l.shared
	if packed && l.packed != nil {
		body, ok = l.packed, true
	}
	return &sharedReader{Reader: bytes.NewReader(body), l: l}, int64(len(body)), ok, nil
}

type sharedReader struct {
	*bytes.Reader
	l    *LocalFile
	once sync.Once
}

// Close gives the content up; the last one to do so frees it.
func (r *sharedReader) Close() error {
	r.once.Do(func() {
		r.l.mu.Lock()
		defer r.l.mu.Unlock()
		if r.l.users--; r.l.users == 0 {
			r.l.shared, r.l.packed, r.l.tried = nil, nil, false
		}
	})
	return nil
}

// Pack compresses content with gzip, or returns nil where that does not make it
// clearly smaller. The beginning decides whether the rest is tried.
func Pack(content []byte) []byte {
	pays := func(from []byte) []byte {
		var b bytes.Buffer
		w, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		_, _ = w.Write(from) // a bytes.Buffer takes all
		_ = w.Close()
		if b.Len() > len(from)*8/10 {
			return nil
		}
		return b.Bytes()
	}
	if len(content) < 4<<10 || pays(content[:min(len(content), packSample)]) == nil {
		return nil
	}
	return pays(content)
}
