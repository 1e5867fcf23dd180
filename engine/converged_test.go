package engine_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/run"
	"github.com/ferry-ops/ferry/engine/ssh"
	"github.com/ferry-ops/ferry/engine/ssh/sshtest"
	"github.com/ferry-ops/ferry/modules"
)

// fleet is a playbook of tasks that find nothing to do, and a host for it.
type fleet struct {
	pb    *playbook.Playbook
	hosts []run.Host
	conns []*ssh.Conn
	s     *sshtest.Server
	known string
	dial  func(context.Context, string) (net.Conn, error) // nil is TCP
}

func newFleet(tb testing.TB, tasks int, task func(int) string, o sshtest.Options) *fleet {
	tb.Helper()
	dir := tb.TempDir()
	var b strings.Builder
	b.WriteString("play \"noop\" {\n  hosts  = \"all\"\n  become = true\n")
	for i := range tasks {
		b.WriteString(task(i))
	}
	b.WriteString("}\n")
	path := filepath.Join(dir, "main.hcl")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		tb.Fatal(err)
	}
	pb, set := playbook.Load(path, modules.All(), "")
	if pb == nil {
		tb.Fatal(set.Diags)
	}
	f := &fleet{pb: pb, s: sshtest.New(tb, o), known: filepath.Join(dir, "known_hosts")}
	if err := os.WriteFile(f.known, []byte(f.s.KnownHosts()), 0o600); err != nil {
		tb.Fatal(err)
	}
	f.hosts = []run.Host{{HostInfo: playbook.HostInfo{Name: "h"}}}
	return f
}

// mixed is the ith task of a play about files and commands.
func mixed(i int) string {
	switch i % 3 {
	case 0:
		return fmt.Sprintf("  task \"file\" \"t%d\" { path = \"/etc/passwd\" }\n", i)
	case 1:
		return fmt.Sprintf("  task \"line\" \"t%d\" {\n    path  = \"/etc/passwd\"\n    state = \"absent\"\n    line  = \"nobody knows %d\"\n  }\n", i, i)
	}
	return asking(i)
}

// asking is the ith task of a play of commands that only look.
func asking(i int) string {
	return fmt.Sprintf("  task \"command\" \"t%d\" {\n    argv      = [\"true\"]\n    read_only = true\n  }\n", i)
}

func (f *fleet) connect(ctx context.Context, name string, become bool, _ string) (host.Transport, error) {
	c, err := ssh.Dial(ctx, ssh.Target{Name: name, Address: f.s.Host(), Port: f.s.Port(), User: "op", Password: "secret",
		KnownHosts: []string{f.known}, Become: become, KeepAlive: -1, ConnectTimeout: time.Minute}, ssh.Options{Dial: f.dial})
	if err != nil {
		return nil, err
	}
	f.conns = append(f.conns, c)
	return c, nil
}

func (f *fleet) run(tb testing.TB) {
	tb.Helper()
	g, set := f.pb.Globals(playbook.Inputs{})
	if set.HasErrors() {
		tb.Fatal(set.Diags)
	}
	_, err := run.New(f.pb, g, f.connect, run.Options{Mode: run.Apply}).Run(tb.Context(), []run.PlayHosts{{Play: f.pb.Plays[0], Hosts: f.hosts}})
	if err != nil {
		tb.Fatal(err)
	}
}

// TestConvergedRoundTrips counts all that a converged play of 50 tasks waits for on
// a host 150 ms away: connecting, the handshake, logging in, the shell, becoming root,
// and the tasks. Time is virtual, so the round trips are exact.
func TestConvergedRoundTrips(t *testing.T) {
	const rtt = 150 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		network := sshtest.NewMemory(rtt)
		f := newFleet(t, 50, asking, sshtest.Options{Listener: network, Latency: rtt / 2, Backend: sshtest.Interp()})
		f.dial = network.Dial
		start := time.Now()
		f.run(t)
		took := time.Since(start)
		trips := float64(took) / float64(rtt)
		t.Logf("%v, %.1f round trips", took, trips)
		if trips > 12.5 || trips < 5 { // 20 are what it must not exceed
			t.Errorf("%.1f round trips, want 12", trips)
		}
	})
}

// TestTreeRoundTrips: a tree of 1,000 files goes to a host in a few round trips, and
// seeing that it is there in fewer.
func TestTreeRoundTrips(t *testing.T) {
	src, dst := t.TempDir(), filepath.Join(t.TempDir(), "dst")
	for i := range 1000 {
		dir := filepath.Join(src, fmt.Sprintf("d%d", i%10))
		if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // sent to a host
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), fmt.Appendf(nil, "file %d\n", i), 0o644); err != nil { //nolint:gosec // sent to a host
			t.Fatal(err)
		}
	}
	f := newFleet(t, 1, func(int) string {
		return fmt.Sprintf("  task \"tree\" \"t\" {\n    src  = %q\n    path = %q\n  }\n", src, dst)
	}, sshtest.Options{})
	for run, most := range []int64{22, 8} {
		f.run(t)
		if n := f.conns[run].Stats().RoundTrips; n > most {
			t.Errorf("run %d took %d round trips after the login, want at most %d", run+1, n, most)
		} else {
			t.Logf("run %d: %d round trips after the login", run+1, n)
		}
	}
	if got, err := os.ReadFile(filepath.Join(dst, "d9", "999")); err != nil || string(got) != "file 999\n" { //nolint:gosec // of this test
		t.Errorf("%q, %v", got, err)
	}
}

// BenchmarkConvergedPlay is one host with 50 tasks that find nothing to do, the
// connection included, at several round-trip times.
func BenchmarkConvergedPlay(b *testing.B) {
	for _, rtt := range []time.Duration{0, 50 * time.Millisecond, 150 * time.Millisecond} {
		b.Run("rtt="+rtt.String(), func(b *testing.B) {
			f := newFleet(b, 50, mixed, sshtest.Options{Latency: rtt / 2})
			for b.Loop() {
				f.run(b)
			}
			b.ReportMetric(float64(f.conns[0].Stats().Commands), "commands/op")
		})
	}
}
