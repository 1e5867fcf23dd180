package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
)

// writer is the connection of the one goroutine that writes. Its statements are
// prepared once, not for every transaction.
type writer struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt // by their text, of which there are few
}

func newWriter(db *sql.DB) (*writer, error) {
	conn, err := db.Conn(context.Background()) // it lives as long as the journal
	if err != nil {
		return nil, err
	}
	return &writer{conn: conn, prepared: map[string]*sql.Stmt{}}, nil
}

func (w *writer) close() {
	for _, s := range w.prepared {
		_ = s.Close()
	}
	_ = w.conn.Close()
}

// exec runs a statement, in the transaction if one is open.
func (w *writer) exec(query string, args ...any) error {
	ctx := context.Background() // it lives as long as the journal
	s := w.prepared[query]
	if s == nil {
		var err error
		if s, err = w.conn.PrepareContext(ctx, query); err != nil {
			return err
		}
		w.prepared[query] = s
	}
	_, err := s.ExecContext(ctx, args...)
	return err
}

// commit stores a batch of events in one transaction.
func (w *writer) commit(batch []record) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("the journal cannot be written: %w", err)
		}
	}()
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, r := range batch {
		if err := w.store(r); err != nil {
			_ = w.exec("ROLLBACK")
			return err
		}
	}
	if err := w.exec("COMMIT"); err != nil {
		_ = w.exec("ROLLBACK")
		return err
	}
	return nil
}

func (w *writer) store(r record) error {
	body, err := json.Marshal(r.ev)
	if err != nil {
		return err
	}
	if err := w.exec(`INSERT INTO ev (run, body) VALUES (?, ?)`, r.ev.Run, body); err != nil {
		return err
	}
	if r.ev.Host == "" {
		return nil
	}
	return w.owe(r.ev)
}
