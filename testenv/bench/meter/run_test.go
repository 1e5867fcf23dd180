package meter

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestRun(t *testing.T) {
	cost, out, err := Run(t.Context(), exec.Command("/bin/sh", "-c", "echo out; echo err >&2"), nil, nil)
	if err != nil || !strings.Contains(out, "out") || !strings.Contains(out, "err") || cost.Wall <= 0 {
		t.Errorf("%+v %q %v", cost, out, err)
	}
	if _, out, err = Run(t.Context(), exec.Command("/bin/sh", "-c", "echo why; exit 3"), nil, nil); err == nil || out != "why\n" {
		t.Errorf("a failure: %q %v", out, err)
	}
}

func TestRunEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	go func() { time.Sleep(10 * time.Millisecond); cancel() }()
	if _, _, err := Run(ctx, exec.Command("/bin/sleep", "1000"), nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// What a run leaves in the background ends with it, and its memory is seen.
func TestRunInGroup(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may make control groups")
	}
	g, err := NewGroup("ferry-bench-test-" + strings.ReplaceAll(t.Name(), "/", "-"))
	if err != nil {
		t.Skip(err)
	}
	cost, _, err := Run(t.Context(), exec.Command("/bin/sh", "-c", "sleep 1000 & x=$(head -c 8000000 /dev/zero | tr '\\0' x); sleep 0.1"), g, nil)
	if err != nil || cost.CPU <= 0 {
		t.Errorf("%+v %v", cost, err)
	}
	if g.mem != "" && cost.Memory < 8_000_000 {
		t.Errorf("a shell with 8 MB of text has %d bytes", cost.Memory)
	}
	if left := pids(g.cpu); len(left) != 0 {
		t.Errorf("processes %v were left", left)
	}
	if err := g.Remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(g.cpu); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the group is still there: %v", err)
	}
}
