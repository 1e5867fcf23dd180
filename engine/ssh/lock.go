package ssh

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
)

// lockState is what a Conn needs to take its lock again after a reconnect.
type lockState struct {
	epoch int64
	owner string
	token string // tells the shells of this Conn from those of others
	// killed says that the shell which held it before was killed. It is done once:
	// later its pid may be another's.
	killed bool
}

// lockText takes the host's lock in the shell that runs it. Descriptor 9 holds
// a flock; commands that act inherit it, so a package transaction keeps the
// host locked although its controller is gone. Where there is no flock, a
// directory with the shell's pid in it does, without that property.
//
// It prints one word and, where another holds the lock, who: "busy"; or "mine" where
// it is what this controller started before the connection was lost. The epoch outlives a
// crash of the host; that this run's is there already says so too. Where mv does not
// run, as in the middle of a transaction, since it needs more libraries than others,
// ln does. Who holds the lock is only for whoever meets it, and is written in place.
//
//	%[1]s epoch  %[2]s owner, one word  %[3]s token  %[4]s the time
//	%[5]s "kill" to end the former shell of this token
const lockText = `ferry_lock() {
d=${FERRY_STATE:-/var/lib/ferry}; umask 077; [ -d $d ] || mkdir -p $d || return 1
true >>$d/lock || return 1
if command -v flock >/dev/null 2>&1; then
  exec 9>>$d/lock
  if ! flock -n 9; then
    t=; read -r e o t p w <$d/holder 2>/dev/null
    if [ "$t" = %[3]s ] && [ -n "$p" ]; then
      [ "%[5]s" != kill ] || [ "$p" = $$ ] || kill -9 "$p" 2>/dev/null
      flock -w 2 9 || { echo mine; exec 9>&-; return 0; }
    else
      [ -n "$p" ] && kill -0 "$p" 2>/dev/null || sleep 1 # it may not have written who it is yet
      echo busy; cat $d/holder 2>/dev/null; exec 9>&-; return 0
    fi
  fi
else
  if ! mkdir $d/lock.d 2>/dev/null; then
    read -r e o t p w <$d/holder 2>/dev/null
    if [ -n "$p" ] && [ "$t" != %[3]s ] && kill -0 "$p" 2>/dev/null; then echo busy; cat $d/holder; return 0; fi
    mkdir -p $d/lock.d
  fi
fi
[ ! -e $d/epoch.new ] || rm -f $d/epoch.new # it may be a second name of epoch
n=0; read -r n <$d/epoch 2>/dev/null; case "$n" in ''|*[!0-9]*) n=0;; esac
if [ %[1]s -lt "$n" ]; then echo "stale $n"; cat $d/holder 2>/dev/null; exec 9>&-; rmdir $d/lock.d 2>/dev/null; return 0; fi
[ %[1]s = "$n" ] || { echo "%[1]s" >$d/epoch.new && { sync -f $d/epoch.new 2>/dev/null || sync; } && { mv -f $d/epoch.new $d/epoch 2>/dev/null || { ln -f $d/epoch.new $d/epoch && rm -f $d/epoch.new; }; }; } || return 1
echo "%[1]s %[2]s %[3]s $$ %[4]s" >$d/holder || return 1
umask 022
echo held
}
ferry_lock </dev/null`

// Lock implements host.Transport. It is held by the acting shell; after a
// reconnect it is taken again before anything else runs.
func (c *Conn) Lock(ctx context.Context, epoch int64, owner string) error {
	l, err := c.live(ctx)
	if err != nil {
		return err
	}
	st := lockState{epoch: epoch, owner: oneWord(owner), token: newNonce()[:16]}
	c.mu.Lock()
	if c.lock != nil {
		st.token = c.lock.token
	}
	c.mu.Unlock()
	if err := l.lock(ctx, &st); err != nil {
		return err
	}
	c.mu.Lock()
	c.lock = &st
	c.mu.Unlock()
	return nil
}

// ownPause is how long to wait, in addition to the host's two seconds, before the
// lock is tried again that a command of this controller still holds.
const ownPause = 200 * time.Millisecond

// lock takes the lock in the acting shell. What this controller started before a
// connection was lost may still hold it: its end is waited for until ctx ends.
func (l *link) lock(ctx context.Context, st *lockState) error {
	for waited := false; ; waited = true {
		free, err := l.tryLock(ctx, *st)
		switch {
		case free:
			return nil
		case waited && ctx.Err() != nil:
			return fmt.Errorf("%s: %w: a command of this run that was under way when the connection was lost still runs there and holds the lock. Wait for its end, then run again", l.t.Name, host.ErrLocked)
		case err != nil:
			return err
		case !waited:
			l.opt.Logger.Info("a command that was under way when the connection was lost still runs", "host", l.t.Name)
		}
		st.killed = true
		select {
		case <-time.After(ownPause):
		case <-ctx.Done():
		}
	}
}

// tryLock takes the lock. It reports false if a command of this controller holds it.
func (l *link) tryLock(ctx context.Context, st lockState) (bool, error) {
	if l.plain {
		return false, fmt.Errorf("%s: the host cannot be locked: its login gives no lasting shell", l.t.Name)
	}
	sh, err := l.pick(ctx, host.Command{})
	if err != nil {
		return false, err
	}
	kill := "kill"
	if st.killed {
		kill = ""
	}
	res, err := sh.raw(ctx, fmt.Sprintf(lockText, strconv.FormatInt(epochOf(st), 10), st.owner, st.token, time.Now().UTC().Format(time.RFC3339), kill))
	if err != nil {
		return false, fmt.Errorf("%s: %w while taking the lock: %w", l.t.Name, host.ErrUnknown, err)
	}
	word, rest, _ := strings.Cut(strings.TrimSpace(string(res.Stdout)), "\n")
	switch {
	case word == "held" && res.Code == 0:
		sh.mu.Lock()
		sh.locked = true
		sh.mu.Unlock()
		return true, nil
	case word == "mine":
		return false, nil
	case word == "busy":
		epoch, who := host.Holder(rest, "shell")
		return false, &host.LockedError{Host: l.t.Name, Epoch: epoch, What: who + ". Wait for that run to end, or stop it"}
	case strings.HasPrefix(word, "stale "):
		_, who := host.Holder(rest, "shell")
		return false, fmt.Errorf("%s: %w: run %d is older than run %s, which has worked on this host since: %s", l.t.Name, host.ErrLocked,
			st.epoch, strings.TrimPrefix(word, "stale "), who)
	}
	return false, fmt.Errorf("%s: the lock under /var/lib/ferry cannot be taken: %s", l.t.Name,
		strings.TrimSpace(string(res.Stderr)+" "+string(res.Stdout)))
}

func epochOf(st lockState) int64 { return max(0, st.epoch) }

// oneWord makes an owner's name safe for the shell and for the holder file.
func oneWord(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._@:/-", r):
			return r
		}
		return '_'
	}, s)
	if s == "" {
		return "unnamed"
	}
	return host.Shorten(s, 100)
}
