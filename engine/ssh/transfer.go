package ssh

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/pkg/sftp"
)

// chunk is how much of a file one frame carries where nothing better is to be
// had.
const chunk = 96 << 10

// Upload implements host.Transport: path is written as the become user. It uses
// sftp where the login user is that user, else a channel that streams into
// cat, else frames of the shell. A failed upload leaves path incomplete or
// absent.
func (c *Conn) Upload(ctx context.Context, path string, r io.Reader, size int64) error {
	l, err := c.live(ctx)
	if err != nil {
		return err
	}
	cr := &countedReader{r: r}
	err = l.upload(ctx, path, cr, size)
	if err == nil && cr.n != size {
		err = fmt.Errorf("the content has %d bytes, not %d", cr.n, size)
	}
	return c.transferError(ctx, l, "upload to", path, err)
}

// Download implements host.Transport, by the same ways.
func (c *Conn) Download(ctx context.Context, path string, w io.Writer) error {
	l, err := c.live(ctx)
	if err != nil {
		return err
	}
	return c.transferError(ctx, l, "download of", path, l.download(ctx, path, w))
}

func (c *Conn) transferError(ctx context.Context, l *link, what, path string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %s %s was interrupted: %w", c.t.Name, what, path, ctx.Err())
	case l.isDead():
		return fmt.Errorf("%s: %w during the %s %s: %w", c.t.Name, host.ErrUnknown, what, path, err)
	}
	return fmt.Errorf("%s: %s %s failed: %w", c.t.Name, what, path, err)
}

type countedReader struct {
	r io.Reader
	n int64
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// errNoWay says that one way to carry a file is not to be had on this host and
// nothing was read or written by it.
var errNoWay = errors.New("not available")

func (l *link) upload(ctx context.Context, path string, r *countedReader, size int64) error {
	err := errNoWay
	if !l.t.becomes() {
		err = l.sftpUpload(ctx, path, r)
	}
	if errors.Is(err, errNoWay) {
		err = l.streamUpload(ctx, path, r, size)
	}
	if errors.Is(err, errNoWay) {
		err = l.chunkUpload(ctx, path, r)
	}
	return err
}

func (l *link) download(ctx context.Context, path string, w io.Writer) error {
	err := errNoWay
	if !l.t.becomes() {
		err = l.sftpDownload(ctx, path, w)
	}
	if errors.Is(err, errNoWay) {
		err = l.streamDownload(ctx, path, w)
	}
	if errors.Is(err, errNoWay) {
		err = l.chunkDownload(ctx, path, w)
	}
	return err
}

// sftpClient starts the sftp subsystem. One that answers with noise (a .bashrc
// that prints) or not at all is errNoWay, also for later files.
func (l *link) sftpClient(ctx context.Context) (*sftp.Client, func(), error) {
	l.mu.Lock()
	no := l.noSftp
	l.mu.Unlock()
	if no || l.plain {
		return nil, nil, errNoWay
	}
	s, err := l.client.NewSession()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errNoWay, err)
	}
	start, cancel := context.WithTimeout(ctx, l.t.ConnectTimeout)
	defer cancel()
	stop := context.AfterFunc(start, func() { _ = s.Close() })
	in, _ := s.StdinPipe()
	out, _ := s.StdoutPipe()
	err = s.RequestSubsystem("sftp")
	var fc *sftp.Client
	if err == nil {
		fc, err = sftp.NewClientPipe(out, in, sftp.UseConcurrentWrites(true))
	}
	if !stop() && err == nil {
		err = start.Err()
	}
	if err != nil {
		_ = s.Close()
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		l.mu.Lock()
		l.noSftp = true
		l.mu.Unlock()
		return nil, nil, fmt.Errorf("%w: %w", errNoWay, err)
	}
	end := context.AfterFunc(ctx, func() { _ = s.Close() })
	return fc, func() { end(); _ = fc.Close(); _ = s.Close() }, nil
}

func (l *link) sftpUpload(ctx context.Context, path string, r io.Reader) error {
	fc, done, err := l.sftpClient(ctx)
	if err != nil {
		return err
	}
	defer done()
	if err := fc.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := fc.Create(path)
	if err != nil {
		return err
	}
	if err = f.Chmod(0o600); err == nil {
		_, err = f.ReadFromWithConcurrency(r, 64)
	}
	return errors.Join(err, f.Close())
}

func (l *link) sftpDownload(ctx context.Context, path string, w io.Writer) error {
	fc, done, err := l.sftpClient(ctx)
	if err != nil {
		return err
	}
	defer done()
	f, err := fc.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteTo(w)
	return err
}

// stream starts a shell on a channel of its own and turns it into script, which
// may read raw bytes from standard input and write them to standard output.
func (l *link) stream(ctx context.Context, script, path string) (*proc, func(), error) {
	if l.plain {
		return nil, nil, errNoWay
	}
	start, cancel := context.WithTimeout(ctx, l.t.ConnectTimeout)
	defer cancel()
	p, err := startProc(start, l.client, l.t, l.st)
	if err != nil {
		if l.isDead() || ctx.Err() != nil {
			return nil, nil, err
		}
		return nil, nil, fmt.Errorf("%w: %w", errNoWay, err)
	}
	stop := context.AfterFunc(ctx, p.close)
	end := func() { stop(); p.close() }
	// The shell may read ahead, so data is sent only after it was replaced.
	ready := newNonce()
	argv := []string{"/bin/sh", "-c", "echo " + ready + "; " + script, "sh", path}
	if _, err := io.WriteString(p.ch, "LC_ALL=C exec "+host.QuoteArgv(argv)+"\n"); err != nil {
		end()
		return nil, nil, err
	}
	l.st.trips.Add(1)
	line := make([]byte, len(ready)+1)
	if _, err := io.ReadFull(p.stdout, line); err != nil || string(line) != ready+"\n" {
		end()
		return nil, nil, fmt.Errorf("%w: the shell did not start: %w", errNoWay, err)
	}
	return p, end, nil
}

func (l *link) streamUpload(ctx context.Context, path string, r io.Reader, size int64) error {
	p, end, err := l.stream(ctx, fmt.Sprintf(`umask 077; rm -f -- "$1" && cat >"$1" && n=$(wc -c <"$1") && [ "$n" -eq %d ]`, size), path)
	if err != nil {
		return err
	}
	defer end()
	said := make(chan []byte, 1)
	go func() { said <- firstBytes(p.stderr) }()
	go func() { _, _ = io.Copy(io.Discard, p.stdout) }()
	_, cerr := io.Copy(p.ch, r)
	if cerr == nil || errors.Is(cerr, io.EOF) {
		cerr = p.ch.CloseWrite()
	}
	return p.verdict(cerr, said)
}

func (l *link) streamDownload(ctx context.Context, path string, w io.Writer) error {
	p, end, err := l.stream(ctx, `exec cat -- "$1" </dev/null`, path)
	if err != nil {
		return err
	}
	defer end()
	said := make(chan []byte, 1)
	go func() { said <- firstBytes(p.stderr) }()
	_, cerr := io.Copy(w, p.stdout)
	return p.verdict(cerr, said)
}

// verdict waits for the end of a stream and says whether it went well.
func (p *proc) verdict(cerr error, said <-chan []byte) error {
	if cerr != nil && !errors.Is(cerr, io.EOF) {
		p.close() // else it would wait for more
	}
	<-p.ended
	text := bytes.TrimSpace(<-said)
	st := p.status()
	switch {
	case st.known && st.code == 0 && cerr == nil:
		return nil
	case bytes.Contains(text, []byte("No such file")):
		return fmt.Errorf("%s: %w", text, fs.ErrNotExist)
	case len(text) > 0:
		return fmt.Errorf("%s", text)
	case cerr != nil:
		return cerr
	case !st.known:
		return errShellEnded
	}
	return fmt.Errorf("the host stored less than was sent; is its disk full? (exit status %d)", st.code)
}

func firstBytes(r io.Reader) []byte {
	c := capped{limit: 4 << 10}
	_, _ = io.Copy(&c, r)
	return c.buf.Bytes()
}

func (l *link) frame(ctx context.Context, script, path string, stdin []byte) (host.Result, error) {
	argv := []string{"/bin/sh", "-c", script, "sh", path}
	res, _, err := l.run(ctx, host.Command{Argv: argv, Stdin: stdin})
	if err == nil && res.Code != 0 {
		text := bytes.TrimSpace(res.Stderr)
		if bytes.Contains(text, []byte("No such file")) {
			return res, fmt.Errorf("%s: %w", text, fs.ErrNotExist)
		}
		return res, fmt.Errorf("exit status %d: %s", res.Code, text)
	}
	return res, err
}

func (l *link) chunkUpload(ctx context.Context, path string, r io.Reader) error {
	if _, err := l.frame(ctx, `umask 077; rm -f -- "$1" && : >"$1"`, path, nil); err != nil {
		return err
	}
	buf := make([]byte, chunk)
	for {
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			if _, err := l.frame(ctx, `cat >>"$1"`, path, buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (l *link) chunkDownload(ctx context.Context, path string, w io.Writer) error {
	for i := 0; ; i++ {
		res, err := l.frame(ctx, fmt.Sprintf(`[ -r "$1" ] || exec cat -- "$1"; dd if="$1" bs=%d skip=%d count=1 2>/dev/null | base64`, chunk, i), path, nil)
		if err != nil {
			return err
		}
		data, err := base64.StdEncoding.DecodeString(string(bytes.ReplaceAll(res.Stdout, []byte("\n"), nil)))
		if err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil || len(data) < chunk {
			return err
		}
	}
}
