package journal

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
)

// Run is one recorded execution.
type Run struct {
	ID       string    `json:"id"`
	Epoch    int64     `json:"epoch"` // grows with every run; hosts refuse a lower one
	Started  time.Time `json:"started"`
	Playbook string    `json:"playbook"`
	Mode     string    `json:"mode"`
}

// Begin records a new run and gives it an id that sorts by time and an epoch
// higher than every run before, also those of other controllers whose clock is
// right.
func (j *Journal) Begin(playbook, mode string, now time.Time) (Run, error) {
	var b [3]byte
	if _, err := rand.Read(b[:]); err != nil {
		return Run{}, err
	}
	r := Run{ID: fmt.Sprintf("%s-%x", now.UTC().Format("20060102-150405"), b), Epoch: now.UnixNano(), Started: now.UTC(), Playbook: playbook, Mode: mode}
	var last int64
	if err := j.db.QueryRow(`SELECT coalesce(max(epoch), 0) FROM run`).Scan(&last); err != nil {
		return Run{}, fmt.Errorf("the journal cannot be read: %w", err)
	}
	r.Epoch = max(r.Epoch, last+1)
	_, err := j.db.Exec(`INSERT INTO run (id, epoch, started, playbook, mode) VALUES (?,?,?,?,?)`, r.ID, r.Epoch, r.Started.Format(time.RFC3339Nano), r.Playbook, r.Mode)
	if err != nil {
		return Run{}, fmt.Errorf("the journal cannot be written: %w", err)
	}
	return r, nil
}

// Drop takes back the record of a run that came to nothing before it began.
func (j *Journal) Drop(run string) error {
	if _, err := j.db.Exec(`DELETE FROM run WHERE id = ? AND NOT EXISTS (SELECT 1 FROM ev WHERE run = ?) AND NOT EXISTS (SELECT 1 FROM origin WHERE run = ?)`, run, run, run); err != nil {
		return fmt.Errorf("the journal cannot be written: %w", err)
	}
	return nil
}

// Runs returns the recorded runs, newest first.
func (j *Journal) Runs() ([]Run, error) {
	rows, err := j.db.Query(`SELECT id, epoch, started, playbook, mode FROM run ORDER BY epoch DESC`)
	if err != nil {
		return nil, fmt.Errorf("the journal cannot be read: %w", err)
	}
	defer rows.Close()
	var out []Run
	for rows.Next() {
		var r Run
		var started string
		if err := rows.Scan(&r.ID, &r.Epoch, &started, &r.Playbook, &r.Mode); err != nil {
			return nil, fmt.Errorf("the journal cannot be read: %w", err)
		}
		r.Started, _ = time.Parse(time.RFC3339Nano, started)
		out = append(out, r)
	}
	return out, rows.Err()
}

// Events calls f for every event of a run in the order they were recorded; an
// error of f ends it.
func (j *Journal) Events(run string, f func(event.Event) error) error {
	rows, err := j.db.Query(`SELECT seq, body FROM ev WHERE run = ? ORDER BY seq`, run)
	if err != nil {
		return fmt.Errorf("the journal cannot be read: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		var body []byte
		if err := rows.Scan(&seq, &body); err != nil {
			return fmt.Errorf("the journal cannot be read: %w", err)
		}
		var e event.Event
		if err := json.Unmarshal(body, &e); err != nil {
			return fmt.Errorf("record %d of the journal cannot be read: %w", seq, err)
		}
		e.Seq = seq
		if err := f(e); err != nil {
			return err
		}
	}
	return rows.Err()
}
