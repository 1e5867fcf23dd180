package source

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"
)

// archive fetches an archive into file and unpacks it.
func (f *Fetcher) archive(ctx context.Context, r Request, file string, t *tree) error {
	a := r.Address
	from := localPath(r)
	if strings.HasPrefix(a.Place, "https://") {
		if err := f.download(ctx, a.Place, file); err != nil {
			return err
		}
		from = file
	}
	in, err := os.Open(from) //nolint:gosec // the playbook names it
	if errors.Is(err, fs.ErrNotExist) {
		return errorf("Archive not found", "The archive %s does not exist. Paths are relative to the file they are written in.", from)
	}
	if err != nil {
		return err
	}
	defer in.Close()
	st, err := in.Stat()
	switch {
	case err != nil:
		return err
	case !st.Mode().IsRegular() || st.Size() > maxDownload:
		return refused("The archive %s is not a regular file of at most %d MiB.", from, maxDownload>>20)
	}
	if a.SHA256 != "" {
		h := sha256.New()
		if _, err := io.Copy(h, in); err != nil {
			return err
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != a.SHA256 {
			return errorf("Wrong checksum", "The archive %s has the SHA-256 checksum %s, and %s is wanted. It was changed, or the checksum in the source is that of another version.", a.Place, got, a.SHA256)
		}
		if _, err := in.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
	name, _, _ := strings.Cut(a.Place, "?")
	if err := unpack(name, in, st.Size(), t); err != nil {
		var e *Error
		if errors.As(err, &e) {
			return errorf(e.Summary, "The archive %s was not unpacked. %s", a.Place, e.Detail)
		}
		return errorf("Archive not readable", "The archive %s cannot be unpacked: %w.", a.Place, err)
	}
	return nil
}

// unpack writes an archive into a tree; the name says of which kind it is.
func unpack(name string, in io.ReaderAt, size int64, t *tree) error {
	r := io.NewSectionReader(in, 0, size)
	switch {
	case strings.HasSuffix(name, ".zip"):
		return unzip(in, size, t)
	case strings.HasSuffix(name, ".tar"):
		return untar(r, t)
	}
	z, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	// The bound holds for what tar skips over, too.
	return untar(io.LimitReader(z, t.bounds.total+int64(t.bounds.entries)*2048), t)
}

func untar(r io.Reader, t *tree) error {
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch h.Typeflag {
		case tar.TypeDir:
			err = t.dir(h.Name)
		case tar.TypeReg:
			err = t.file(h.Name, h.Mode&0o111 != 0, tr)
		case tar.TypeSymlink:
			err = t.link(h.Name, h.Linkname)
		case tar.TypeXGlobalHeader: // git archive writes the commit there
		default:
			err = refused("It holds %.80q, which is neither a file nor a directory nor a symbolic link.", h.Name)
		}
		if err != nil {
			return err
		}
	}
}

func unzip(in io.ReaderAt, size int64, t *tree) error {
	z, err := zip.NewReader(in, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // such paths are refused one by one
		return err
	}
	for _, f := range z.File {
		if err := unzipOne(f, t); err != nil {
			return err
		}
	}
	return nil
}

func unzipOne(f *zip.File, t *tree) error {
	mode := f.Mode()
	if mode.IsDir() {
		return t.dir(f.Name)
	}
	r, err := f.Open()
	if err != nil {
		return fmt.Errorf("%.80q: %w", f.Name, err)
	}
	defer r.Close()
	switch {
	case mode.IsRegular():
		return t.file(f.Name, mode&0o111 != 0, r)
	case mode&fs.ModeSymlink != 0:
		target, err := io.ReadAll(io.LimitReader(r, maxPath+1))
		if err != nil {
			return err
		}
		return t.link(f.Name, string(target))
	}
	return refused("It holds %.80q, which is neither a file nor a directory nor a symbolic link.", f.Name)
}

// download fetches a URL into a file. Redirections may not leave https.
func (f *Fetcher) download(ctx context.Context, url, file string) error {
	c := f.Client
	if c == nil {
		c = &http.Client{Timeout: 10 * time.Minute}
	}
	own := *c
	own.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if r.URL.Scheme != "https" || len(via) > 5 {
			return errors.New("it redirects to something that is not https, or too often")
		}
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := own.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return errorf("Source not fetched", "%s answers %q instead of an archive.", url, res.Status)
	}
	w, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // a temporary file of ours
	if err != nil {
		return err
	}
	n, err := io.Copy(w, io.LimitReader(res.Body, maxDownload+1))
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err == nil && n > maxDownload {
		return refused("%s has more than %d MiB.", url, maxDownload>>20)
	}
	return err
}
