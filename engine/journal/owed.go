package journal

import (
	"fmt"
	"strings"

	"github.com/ferry-ops/ferry/engine/event"
)

// owe keeps the table of handlers that were notified and have not run, in the
// transaction that records the event: a handler is owed from before its task
// acts until it has run, whatever becomes of the host, the run or ferry.
func (w *writer) owe(e event.Event) error {
	playbook := `(SELECT playbook FROM run WHERE id = ? AND mode = 'apply')`
	insert := func(handlers []string) error {
		for _, h := range handlers {
			if err := w.exec(`INSERT INTO owed (playbook, host, play, handler, run) SELECT playbook, ?, ?, ?, id FROM run WHERE id = ? AND mode = 'apply'
				ON CONFLICT DO NOTHING`, e.Host, e.Play, h, e.Run); err != nil {
				return err
			}
		}
		return nil
	}
	switch {
	case e.Kind == event.TaskApplying:
		return insert(e.Notify)
	case e.Kind == event.TaskFinished && strings.Contains(e.Task, "handler.") && (e.Status == event.OK || e.Status == event.Changed):
		// Of the play, a set ("use.NAME.handler.…") or a stack; a task of another name
		// is none that is owed.
		return w.exec(`DELETE FROM owed WHERE playbook = `+playbook+` AND host = ? AND play = ? AND handler = ?`, e.Run, e.Host, e.Play, e.Task)
	case e.Kind == event.HostFinished && e.Status != event.NotRun:
		// What the host still owes is in the event; a task that changed nothing
		// after all had been taken for one that would.
		if err := w.exec(`DELETE FROM owed WHERE playbook = `+playbook+` AND host = ? AND play = ?`, e.Run, e.Host, e.Play); err != nil {
			return err
		}
		return insert(e.Pending)
	}
	return nil
}

// Owed returns the handlers that earlier runs of a playbook notified and did not
// get to run, by host and play.
func (j *Journal) Owed(playbook string) (map[string]map[string][]string, error) {
	rows, err := j.db.Query(`SELECT host, play, handler FROM owed WHERE playbook = ?`, playbook)
	if err != nil {
		return nil, fmt.Errorf("the journal cannot be read: %w", err)
	}
	defer rows.Close()
	out := map[string]map[string][]string{}
	for rows.Next() {
		var host, play, handler string
		if err := rows.Scan(&host, &play, &handler); err != nil {
			return nil, fmt.Errorf("the journal cannot be read: %w", err)
		}
		if out[host] == nil {
			out[host] = map[string][]string{}
		}
		out[host][play] = append(out[host][play], handler)
	}
	return out, rows.Err()
}
