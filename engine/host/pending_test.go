package host_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Whether jobs are pending is one question for any number of them.
func TestPendingJobsTogether(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("FERRY_STATE", dir)
	for _, key := range []string{"j1", "j3", "it's $x"} {
		if err := os.MkdirAll(filepath.Join(dir, "jobs", key), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	h, sent := here(t, dir)
	var asks []func(context.Context)
	for i := range 5 {
		asks = append(asks, func(ctx context.Context) {
			there, err := h.JobPending(ctx, fmt.Sprint("j", i))
			if err != nil || there != (i == 1 || i == 3) {
				t.Errorf("job %d: %v, %v", i, there, err)
			}
		})
	}
	together(t.Context(), asks...)
	if len(sent.sent) > 2 { // one, if starting five goroutines takes no longer than they wait
		t.Errorf("%d commands", len(sent.sent))
	}
}
