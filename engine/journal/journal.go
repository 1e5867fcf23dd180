// Package journal is the durable record of runs: an append-only table of events
// in one SQLite file. What became of a host is folded from them by whoever asks:
// a table of it, written along, would dirty a page for nearly every event once
// there are thousands of hosts, and cost more than all else that is written.
//
// One goroutine writes. It takes all events that wait, commits them in one
// transaction, and only then answers, so that durability costs one flush for
// many. What Append has acknowledged survives a crash of the machine.
package journal

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	_ "modernc.org/sqlite" // the database driver

	"github.com/ferry-ops/ferry/engine/event"
)

const schemaSQL = `
CREATE TABLE IF NOT EXISTS run (id TEXT PRIMARY KEY, epoch INTEGER NOT NULL, started TEXT NOT NULL, playbook TEXT NOT NULL, mode TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ev (seq INTEGER PRIMARY KEY, run TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS origin (run TEXT PRIMARY KEY, root TEXT NOT NULL, resumes TEXT NOT NULL, request BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS approval (root TEXT, play TEXT, gate TEXT, batch INTEGER, by TEXT NOT NULL, at TEXT NOT NULL, refused INTEGER NOT NULL, comment TEXT NOT NULL,
  PRIMARY KEY (root, play, gate, batch)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS owed (playbook TEXT, host TEXT, play TEXT, handler TEXT, run TEXT NOT NULL,
  PRIMARY KEY (playbook, host, play, handler)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS applied (plan TEXT PRIMARY KEY, run TEXT NOT NULL) WITHOUT ROWID;
`

// maxBatch bounds the events of one transaction.
const maxBatch = 1024

// Journal is an open journal. Append may be called from any goroutine.
type Journal struct {
	db  *sql.DB
	w   *writer // of the goroutine that writes
	dir string
	in  chan record

	mu     sync.RWMutex // guards closed against sends on in, and failed
	closed bool
	failed error // the first commit that failed: what follows it would leave a hole
	done   chan struct{}
}

type record struct {
	ev  event.Event
	ack chan error // nil for events nobody waits for
}

// Open opens or creates the journal file in dir. Another process may have it
// open as well; writes wait for each other.
func Open(dir string) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot create the directory of the journal: %w", err)
	}
	path := filepath.Join(dir, "journal.db")
	q := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)"}, "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, openError(path, err)
	}
	db.SetMaxOpenConns(3) // the writer, and one for those who read while another reads
	if _, err := db.Exec(schemaSQL); err != nil {
		_ = db.Close()
		return nil, openError(path, err)
	}
	w, err := newWriter(db)
	if err != nil {
		_ = db.Close()
		return nil, openError(path, err)
	}
	j := &Journal{db: db, w: w, dir: dir, in: make(chan record, 4*maxBatch), done: make(chan struct{})}
	go j.write()
	return j, nil
}

func openError(path string, err error) error {
	return fmt.Errorf("cannot open the journal %s: %w. ferry records every run there before it acts; check the disk's space and who may write, or name another directory with --state-dir", path, err)
}

// Append stores an event and returns when it is on disk.
func (j *Journal) Append(e event.Event) error {
	ack := make(chan error, 1)
	if err := j.send(record{e, ack}); err != nil {
		return err
	}
	return <-ack
}

// Emit implements event.Sink. Events that say what a task is about to do or has
// done are on disk when it returns; others follow with the next of those.
func (j *Journal) Emit(e event.Event) error {
	switch e.Kind {
	case event.TaskStarted, event.TaskOutput, event.TaskWaiting, event.HostStarted, event.HostConnecting, event.HostConnected, event.GateStarted:
		return j.send(record{ev: e})
	case event.TaskFinished:
		if e.Status != event.Changed && e.Status != event.Failed && e.Status != event.Unreachable {
			return j.send(record{ev: e})
		}
	}
	return j.Append(e)
}

// ErrClosed is returned for events that come after Close.
var ErrClosed = errors.New("the journal is closed")

func (j *Journal) send(r record) error {
	j.mu.RLock()
	defer j.mu.RUnlock()
	switch {
	case j.closed:
		return ErrClosed
	case j.failed != nil:
		return j.failed
	}
	j.in <- r
	return nil
}

// write is the one writer: it drains what waits, commits, answers.
func (j *Journal) write() {
	defer close(j.done)
	batch := make([]record, 0, maxBatch)
	for r := range j.in {
		batch = append(batch[:0], r)
	drain:
		for len(batch) < maxBatch {
			select {
			case r, ok := <-j.in:
				if !ok {
					break drain
				}
				batch = append(batch, r)
			default:
				break drain
			}
		}
		err := j.failed // written by this goroutine only
		if err == nil {
			if err = j.w.commit(batch); err != nil {
				j.fail(err)
			}
		}
		for _, r := range batch {
			if r.ack != nil {
				r.ack <- err
			}
		}
	}
}

// fail makes every later event an error.
func (j *Journal) fail(err error) {
	// Whoever sends holds the read lock and may wait for room, so room is made.
	for !j.mu.TryLock() {
		select {
		case r := <-j.in:
			if r.ack != nil {
				r.ack <- err
			}
		default:
			runtime.Gosched()
		}
	}
	j.failed = err
	j.mu.Unlock()
}

// Close writes what is queued and closes the file.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	close(j.in)
	j.mu.Unlock()
	<-j.done
	j.w.close()
	return j.db.Close()
}
