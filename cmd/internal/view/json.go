package view

import (
	"encoding/json"
	"io"
	"sync"

	"github.com/ferry-ops/ferry/engine/event"
)

// JSON writes one line per event. Every line carries schema_version.
type JSON struct {
	mu  sync.Mutex
	enc *json.Encoder
	seq int64
}

// NewJSON returns a view that writes to w.
func NewJSON(w io.Writer) *JSON { return &JSON{enc: json.NewEncoder(w)} }

// Emit implements event.Sink.
func (j *JSON) Emit(e event.Event) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if e.Seq == 0 {
		j.seq++
		e.Seq = j.seq
	}
	return j.enc.Encode(struct {
		SchemaVersion int `json:"schema_version"`
		event.Event
	}{event.SchemaVersion, e})
}

// Close implements View.
func (*JSON) Close() error { return nil }
