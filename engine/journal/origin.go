package journal

import (
	"database/sql"
	"errors"
	"fmt"
)

// Origin is how a run came about.
type Origin struct {
	Resumes string // the run it resumes, "" if none
	Request []byte // what was asked for, as the engine writes it
}

// ErrResumed is returned for a run that was resumed before.
type ErrResumed struct{ Run, By string }

func (e *ErrResumed) Error() string {
	return "the run " + e.Run + " was resumed by " + e.By + " meanwhile. What is left of it belongs to that run, and its command is\n    ferry resume " + e.By
}

// SetOrigin records how a run came about. Runs that resume one another have the
// first of them as their root. A run is resumed once: of two processes that try,
// the second is refused.
func (j *Journal) SetOrigin(run string, o Origin) error {
	root := run
	if o.Resumes != "" {
		var err error
		if root, err = j.Root(o.Resumes); err != nil {
			return err
		}
	}
	res, err := j.db.Exec(`INSERT INTO origin (run, root, resumes, request) SELECT ?,?,?,? WHERE ? = '' OR NOT EXISTS (SELECT 1 FROM origin WHERE resumes = ?)`,
		run, root, o.Resumes, o.Request, o.Resumes, o.Resumes)
	if err != nil {
		return fmt.Errorf("the journal cannot be written: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	by, err := j.ResumedBy(o.Resumes)
	if err != nil {
		return err
	}
	return &ErrResumed{Run: o.Resumes, By: by}
}

// Origin returns how a run came about.
func (j *Journal) Origin(run string) (Origin, error) {
	var o Origin
	err := j.db.QueryRow(`SELECT resumes, request FROM origin WHERE run = ?`, run).Scan(&o.Resumes, &o.Request)
	if errors.Is(err, sql.ErrNoRows) {
		return o, nil
	}
	if err != nil {
		return o, fmt.Errorf("the journal cannot be read: %w", err)
	}
	return o, nil
}

// Root is the first of the runs that resume one another.
func (j *Journal) Root(run string) (string, error) {
	root := run
	err := j.db.QueryRow(`SELECT root FROM origin WHERE run = ?`, run).Scan(&root)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("the journal cannot be read: %w", err)
	}
	return root, nil
}

// ResumedBy returns the run that resumed this one, "" if none did.
func (j *Journal) ResumedBy(run string) (string, error) {
	var by string
	err := j.db.QueryRow(`SELECT o.run FROM origin o JOIN run r ON r.id = o.run WHERE o.resumes = ? ORDER BY r.epoch DESC LIMIT 1`, run).Scan(&by)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("the journal cannot be read: %w", err)
	}
	return by, nil
}

// ErrApplied is returned for a saved plan that was applied before.
type ErrApplied struct{ Run string }

func (e *ErrApplied) Error() string { return "the plan was applied by run " + e.Run + " already" }

// Apply records that a run applies a saved plan, which can be done once.
func (j *Journal) Apply(plan, run string) error {
	res, err := j.db.Exec(`INSERT INTO applied (plan, run) VALUES (?,?) ON CONFLICT DO NOTHING`, plan, run)
	if err != nil {
		return fmt.Errorf("the journal cannot be written: %w", err)
	}
	if n, err := res.RowsAffected(); err == nil && n == 1 {
		return nil
	}
	var by string
	if err := j.db.QueryRow(`SELECT run FROM applied WHERE plan = ?`, plan).Scan(&by); err != nil {
		return fmt.Errorf("the journal cannot be read: %w", err)
	}
	return &ErrApplied{Run: by}
}

// AppliedBy returns the run that applied a saved plan, "" if none did.
func (j *Journal) AppliedBy(plan string) (string, error) {
	var by string
	err := j.db.QueryRow(`SELECT run FROM applied WHERE plan = ?`, plan).Scan(&by)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("the journal cannot be read: %w", err)
	}
	return by, nil
}
