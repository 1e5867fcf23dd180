package ssh

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	xssh "golang.org/x/crypto/ssh"
)

// proc is a /bin/sh on the host that runs as the become user and has said so
// on both streams: what the login printed before is gone.
type proc struct {
	ch     xssh.Channel // standard input
	stdout io.Reader
	stderr io.Reader
	ended  <-chan struct{}
	status func() exitStatus // after ended
	close  func()
}

func newNonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// These say why no shell could be had; loginError turns them into a
// ConnectError.
var (
	errNeedPassword  = errors.New("sudo asks for a password")
	errWrongPassword = errors.New("sudo refused the password")
	errNeedTTY       = errors.New("sudo wants a terminal")
	errEarly         = errors.New("the shell ended before it was ready")
	errNoShell       = errors.New("the login does not run commands")
	errNoLogin       = errors.New("the account may not log in")
	errNotSudoer     = errors.New("sudo does not allow it")
	errNoSudo        = errors.New("sudo is not installed")
	errNoUser        = errors.New("sudo does not know the user to become")
)

// startError is a shell that did not come up.
type startError struct {
	reason error
	said   string // what the host printed
	code   exitStatus
}

func (e *startError) Error() string {
	if e.said == "" {
		return e.reason.Error()
	}
	return fmt.Sprintf("%v: %s", e.reason, e.said)
}

func (e *startError) Unwrap() error { return e.reason }

// becomeCommand is the command line that gets a shell. Any login shell may read
// it (csh and fish too), so it is one simple command whose only quoting is
// single quotes around text without backslashes, quotes or exclamation marks.
//
// The first marker proves that the login runs commands, the second, on both
// streams, that the shell belongs to the become user. sudo speaks English
// because its messages are read.
func becomeCommand(t Target, nonce, redirect string) string {
	announce := redirect + "echo " + nonce + ".r; echo " + nonce + ".r >&2; exec /bin/sh"
	if !t.becomes() {
		return "exec /bin/sh -c 'echo " + nonce + ".s; " + announce + "'"
	}
	mode := "-n"
	if t.BecomePassword != "" {
		mode = "-S -p " + nonce + ".p"
		if redirect != "" {
			mode = "-p " + nonce + ".p" // it has a terminal to ask on
		}
	}
	return "exec /bin/sh -c 'echo " + nonce + ".s; LC_ALL=C; export LC_ALL; exec sudo -H " + mode +
		" -u " + t.BecomeUser + " -- /bin/sh -c \"" + announce + "\"'"
}

// startProc opens a channel, becomes the target's user and returns the shell.
// sudo that insists on a terminal gets one.
func startProc(ctx context.Context, client *xssh.Client, t Target, st *stats) (*proc, error) {
	nonce := newNonce()
	s, err := openSession(ctx, client, becomeCommand(t, nonce, ""), false, st)
	if err != nil {
		return nil, err
	}
	p, err := awaitProc(ctx, s, s, t, nonce, st)
	if errors.Is(err, errNeedTTY) && t.becomes() {
		return startPtyProc(ctx, client, t, st)
	}
	return p, err
}
