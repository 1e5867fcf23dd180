package journal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
)

// An intent that was acknowledged survives a loss of power, not only the end of the
// process: SQLite flushes at every commit only if it is told to.
func TestCommitsAreFlushed(t *testing.T) {
	j, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	var sync int
	var mode string
	row := func(what string, to any) {
		if err := j.w.conn.QueryRowContext(context.Background(), "PRAGMA "+what).Scan(to); err != nil {
			t.Fatal(err)
		}
	}
	row("synchronous", &sync)
	row("journal_mode", &mode)
	if sync != 2 || mode != "wal" {
		t.Errorf("synchronous is %d, want 2 (FULL); journal_mode is %s, want wal", sync, mode)
	}
}

// What waits while the disk is busy is committed together: a thousand hosts that are
// about to act do not wait for a thousand flushes.
func TestWhatWaitsIsCommittedTogether(t *testing.T) {
	dir := t.TempDir()
	j, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	r, err := j.Begin("p", "apply", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	busy, err := j.db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := busy.ExecContext(context.Background(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	size := func() int64 {
		fi, err := os.Stat(filepath.Join(dir, "journal.db-wal"))
		if err != nil {
			t.Fatal(err)
		}
		return fi.Size()
	}
	before := size()
	const n = 500
	acks := make(chan error, n)
	for i := range n { // as Append does, for n hosts; the writer waits with those it has taken
		if err := j.send(record{event.Event{Run: r.ID, Kind: event.TaskApplying, Host: fmt.Sprint(i), Task: "t"}, acks}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := busy.ExecContext(context.Background(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	_ = busy.Close()
	for range n {
		if err := <-acks; err != nil {
			t.Fatal(err)
		}
	}
	// A commit of its own writes two pages or more for each.
	if grown := size() - before; grown > n*4096/2 {
		t.Errorf("%d events that waited together took %d bytes of the write-ahead log: they were committed one by one", n, grown)
	}
}
