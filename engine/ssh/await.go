package ssh

import (
	"bytes"
	"context"
	"io"
	"strings"
	"time"
)

// scanner looks for the markers of becomeCommand in one stream.
type scanner struct {
	r      io.Reader
	nonce  string
	asked  chan struct{} // receives one value per password prompt
	done   chan struct{} // closed at the ready marker or the stream's end
	ready  bool
	said   []byte // all before the marker, or the end of it
	rest   []byte // what followed the marker
	starts bool   // the first marker, of the login shell, was seen
}

// maxNoise is how much of what a login prints is kept for messages.
const maxNoise = 16 << 10

func newScanner(r io.Reader, nonce string, asked chan struct{}) *scanner {
	s := &scanner{r: r, nonce: nonce, asked: asked, done: make(chan struct{})}
	go s.run()
	return s
}

func (s *scanner) run() {
	defer close(s.done)
	start, ready, prompt := []byte(s.nonce+".s"), []byte(s.nonce+".r"), []byte(s.nonce+".p")
	buf := make([]byte, 4<<10)
	seen := 0 // where the search for the prompt goes on
	for {
		n, err := s.r.Read(buf)
		s.said = append(s.said, buf[:n]...)
		s.starts = s.starts || bytes.Contains(s.said, start)
		for {
			i := bytes.Index(s.said[seen:], prompt)
			if i < 0 {
				break
			}
			seen += i + len(prompt)
			select {
			case s.asked <- struct{}{}:
			default: // the second prompt already ends it
			}
		}
		if i := bytes.Index(s.said, ready); i >= 0 {
			if end := bytes.IndexByte(s.said[i:], '\n'); end >= 0 {
				s.rest = append([]byte(nil), s.said[i+end+1:]...)
				s.said, s.ready = s.said[:i], true
				return
			}
		}
		if err != nil {
			return
		}
		if over := len(s.said) - maxNoise; over > maxNoise {
			s.said = append([]byte(nil), s.said[over:]...)
			seen = max(0, seen-over)
		}
	}
}

// text returns what was said, without the markers, for a message.
func (s *scanner) text() string {
	var lines []string
	for _, l := range strings.Split(strings.ReplaceAll(string(s.said), "\r", ""), "\n") {
		l = strings.ReplaceAll(strings.ReplaceAll(l, s.nonce+".s", ""), s.nonce+".p", "")
		if l = strings.TrimSpace(l); l != "" {
			lines = append(lines, l)
		}
	}
	if len(lines) > 8 {
		lines = lines[len(lines)-8:]
	}
	return strings.Join(lines, "\n")
}

// awaitProc waits until the shell that session run starts is ready. Its streams
// are those of session data: run itself, or a plain session that stands in for
// one with a terminal. On an error both are closed.
func awaitProc(ctx context.Context, run, data *session, t Target, nonce string, st *stats) (*proc, error) {
	closeBoth := func() { run.close(); data.close() }
	stop := context.AfterFunc(ctx, closeBoth)
	defer stop()
	asked := make(chan struct{}, 2)
	out, errs := newScanner(data.stdout, nonce, asked), newScanner(data.stderr, nonce, asked)
	scanners := []*scanner{out, errs}
	var plainEnd <-chan struct{} // without it, only the streams tell
	if run != data {
		scanners = append(scanners, newScanner(run.stdout, nonce, asked), newScanner(run.stderr, nonce, asked))
		plainEnd = run.ended
	}
	fail := func(reason error) error {
		select {
		case <-run.ended: // for the exit status
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
		closeBoth()
		var said []string
		starts := false
		for _, s := range scanners {
			<-s.done
			starts = starts || s.starts
			if t := s.text(); t != "" {
				said = append(said, t)
			}
		}
		<-run.ended
		if err := ctx.Err(); err != nil && reason == nil {
			return err
		}
		e := &startError{reason: reason, said: strings.Join(said, "\n"), code: run.status}
		if reason == nil {
			e.reason = startReason(e.said, starts, run.status)
		}
		return e
	}
	prompts, outDone, errDone := 0, out.done, errs.done
	for outDone != nil || errDone != nil {
		select {
		case <-asked:
			if prompts++; prompts > 1 {
				// A second answer would count towards locking the account, and what
				// comes later would be read as a third.
				return nil, fail(errWrongPassword)
			}
			st.trips.Add(1)
			if _, err := run.ch.Write([]byte(t.BecomePassword + "\n")); err != nil {
				return nil, fail(nil)
			}
		case <-outDone:
			if outDone = nil; !out.ready {
				return nil, fail(nil)
			}
		case <-errDone:
			if errDone = nil; !errs.ready {
				return nil, fail(nil)
			}
		case <-plainEnd:
			return nil, fail(nil)
		}
	}
	if !stop() {
		return nil, fail(nil)
	}
	return &proc{ch: data.ch, ended: run.ended, close: closeBoth, status: func() exitStatus { return run.status },
		stdout: io.MultiReader(bytes.NewReader(out.rest), data.stdout),
		stderr: io.MultiReader(bytes.NewReader(errs.rest), data.stderr)}, nil
}

// startReason reads what sudo, the login shell or nologin said.
func startReason(said string, started bool, code exitStatus) error {
	if !code.known && said == "" {
		return errEarly // the connection went, not the login
	}
	has := func(subs ...string) bool {
		for _, s := range subs {
			if strings.Contains(said, s) {
				return true
			}
		}
		return false
	}
	switch {
	case !started && has("account is currently not available", "account is not available"):
		return errNoLogin
	case !started:
		return errNoShell
	case has("must have a tty"):
		return errNeedTTY
	case has("incorrect password", "Sorry, try again", "incorrect authentication"):
		return errWrongPassword
	case has("a password is required", "no password was provided", "a terminal is required"):
		return errNeedPassword
	case has("not in the sudoers", "may not run sudo", "is not allowed to"):
		return errNotSudoer
	case has("unknown user"):
		return errNoUser
	case code.code == 127, has("not found"):
		return errNoSudo
	}
	return errEarly
}
