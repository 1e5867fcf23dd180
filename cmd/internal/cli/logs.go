package cli

import (
	"io"
	"sync"
)

// logWriter is where the log goes: standard error, or the view that has the terminal.
type logWriter struct {
	err io.Writer

	mu   sync.Mutex
	view func(line string)
}

// to hands what is logged from now on to a view; nil ends that.
func (l *logWriter) to(view func(line string)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.view = view
}

// Write implements io.Writer; slog writes a line at a time.
func (l *logWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.view == nil {
		return l.err.Write(p)
	}
	l.view(string(p))
	return len(p), nil
}
