package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

var (
	errNotKilled = errors.New("the command could not be stopped")
	errKilled    = errors.New("the command was stopped")
)

// stop kills the command of request r, over a channel of its own, and waits
// until its shell reports the end. A command that waits behind another on the
// host is killed when its turn comes.
func (l *link) stop(sh *shell, r *request) error {
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		const poll = 250 * time.Millisecond
		for wait := poll; ; {
			next := poll
			if sh.runs(r) { // else there is nothing to be found yet, and looking costs the host a login
				l.kill(sh.markOf(r.n))
				next, wait = wait, min(2*wait, 5*time.Second)
			}
			t := time.NewTimer(next)
			select {
			case <-r.done:
				t.Stop()
				return
			case <-t.C:
			}
		}
	}()
	t := time.NewTimer(killGrace)
	defer t.Stop()
	select {
	case <-stopped:
	case <-t.C:
		return errNotKilled
	}
	if r.err != nil { // the shell went with it
		return errNotKilled
	}
	return errKilled
}

// killText ends the processes that carry a mark in their environment: those of
// one command, wherever they were reparented to. They get two seconds between
// TERM and KILL. The shell that runs this does not carry the mark.
const killText = `found() { p=; for f in $(grep -l 'FERRY=%[1]s' /proc/[0-9]*/environ 2>/dev/null); do f=${f#/proc/}; p="$p ${f%%%%/*}"; done; }
found; [ -z "$p" ] || kill -TERM $p 2>/dev/null
for i in 1 2 3 4 5 6 7 8 9 10; do found; [ -z "$p" ] && break; sleep 0.2 2>/dev/null || sleep 1; done
[ -z "$p" ] || kill -KILL $p 2>/dev/null
exit
`

func (l *link) kill(mark string) {
	ctx, cancel := context.WithTimeout(context.Background(), l.t.ConnectTimeout)
	defer cancel()
	p, err := startProc(ctx, l.client, l.t, l.st)
	if err != nil {
		l.opt.Logger.Warn("cannot stop a command", "host", l.t.Name, "error", err)
		return
	}
	defer p.close()
	stop := context.AfterFunc(ctx, p.close)
	defer stop()
	go func() { _, _ = io.Copy(io.Discard, p.stderr) }()
	if _, err := fmt.Fprintf(p.ch, killText, mark); err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, p.stdout)
}
