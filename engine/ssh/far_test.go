package ssh_test

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-ops/ferry/engine/ssh"
	"github.com/ferry-ops/ferry/engine/ssh/sshtest"
)

// TestFarUploads: a large file is not sent block by block, each of which would wait
// for the one before it. Time is virtual; what limits is the window of a channel.
func TestFarUploads(t *testing.T) {
	const rtt, blocks = 150 * time.Millisecond, 256 // of 32 KB
	synctest.Test(t, func(t *testing.T) {
		network := sshtest.NewMemory(rtt)
		s := sshtest.New(t, sshtest.Options{Listener: network, Latency: rtt / 2, Backend: sshtest.Interp()})
		c, err := ssh.Dial(t.Context(), target(t, s), ssh.Options{Dial: network.Dial})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		data := make([]byte, blocks*32<<10)
		_, _ = rand.Read(data)
		path := filepath.Join(s.StateDir(), "large")
		start := time.Now()
		if err := c.Upload(t.Context(), path, bytes.NewReader(data), int64(len(data))); err != nil {
			t.Fatal(err)
		}
		trips := float64(time.Since(start)) / float64(rtt)
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) { //nolint:gosec // of this test
			t.Errorf("%d bytes arrived, %v", len(got), err)
		}
		t.Logf("%.1f round trips", trips)
		if trips > 20 {
			t.Errorf("%d blocks took %.1f round trips, want at most 20", blocks, trips)
		}
	})
}
