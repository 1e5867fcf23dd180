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
	conn   *sql.Conn
	insert *sql.Stmt
}

func newWriter(db *sql.DB) (*writer, error) {
	ctx := context.Background() // it lives as long as the journal
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	insert, err := conn.PrepareContext(ctx, `INSERT INTO ev (run, body) VALUES (?, ?)`)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &writer{conn: conn, insert: insert}, nil
}

func (w *writer) close() {
	_ = w.insert.Close()
	_ = w.conn.Close()
}

// exec runs a statement in the transaction that is open.
func (w *writer) exec(query string, args ...any) error {
	_, err := w.conn.ExecContext(context.Background(), query, args...)
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
	if _, err := w.insert.Exec(r.ev.Run, body); err != nil {
		return err
	}
	if r.ev.Host == "" {
		return nil
	}
	return w.owe(r.ev)
}
