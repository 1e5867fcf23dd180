package journal

import (
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Approval is what a person said about a gate of a run.
type Approval struct {
	Play    string    `json:"play"`
	Gate    string    `json:"gate"`
	Batch   int       `json:"batch"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Refused bool      `json:"refused,omitempty"`
	Comment string    `json:"comment,omitempty"`
}

// Approve records a decision about a run, which holds for the runs that resume
// it. A refusal can be taken back; an approval cannot.
func (j *Journal) Approve(run string, a Approval) error {
	root, err := j.Root(run)
	if err != nil {
		return err
	}
	res, err := j.db.Exec(`INSERT INTO approval (root, play, gate, batch, by, at, refused, comment) VALUES (?,?,?,?,?,?,?,?)
		ON CONFLICT DO UPDATE SET by=excluded.by, at=excluded.at, refused=excluded.refused, comment=excluded.comment WHERE refused`,
		root, a.Play, a.Gate, a.Batch, a.By, a.At.UTC().Format(time.RFC3339Nano), a.Refused, a.Comment)
	if err != nil {
		return fmt.Errorf("the journal cannot be written: %w", err)
	}
	if n, err := res.RowsAffected(); err == nil && n == 0 {
		old, err := j.Approval(run, a.Play, a.Gate, a.Batch)
		if err != nil {
			return err
		}
		return fmt.Errorf("this was approved by %s at %s", old.By, old.At.Local().Format("2006-01-02 15:04:05"))
	}
	return nil
}

// Approval returns the decision about a gate, nil if there is none.
func (j *Journal) Approval(run, play, gate string, batch int) (*Approval, error) {
	root, err := j.Root(run)
	if err != nil {
		return nil, err
	}
	a := Approval{Play: play, Gate: gate, Batch: batch}
	var at string
	err = j.db.QueryRow(`SELECT by, at, refused, comment FROM approval WHERE root = ? AND play = ? AND gate = ? AND batch = ?`, root, play, gate, batch).Scan(&a.By, &at, &a.Refused, &a.Comment)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("the journal cannot be read: %w", err)
	}
	a.At, _ = time.Parse(time.RFC3339Nano, at)
	return &a, nil
}
