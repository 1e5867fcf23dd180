package engine_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
}

func newFleet(tb testing.TB, tasks int, o sshtest.Options) *fleet {
	tb.Helper()
	dir := tb.TempDir()
	var b strings.Builder
	b.WriteString("play \"noop\" {\n  hosts  = \"all\"\n  become = true\n")
	for i := range tasks {
		switch i % 3 {
		case 0:
			fmt.Fprintf(&b, "  task \"file\" \"t%d\" { path = \"/etc/passwd\" }\n", i)
		case 1:
			fmt.Fprintf(&b, "  task \"line\" \"t%d\" {\n    path  = \"/etc/passwd\"\n    state = \"absent\"\n    line  = \"nobody knows %d\"\n  }\n", i, i)
		case 2:
			fmt.Fprintf(&b, "  task \"command\" \"t%d\" {\n    argv      = [\"true\"]\n    read_only = true\n  }\n", i)
		}
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

func (f *fleet) connect(ctx context.Context, name string, become bool, _ string) (host.Transport, error) {
	c, err := ssh.Dial(ctx, ssh.Target{Name: name, Address: f.s.Host(), Port: f.s.Port(), User: "op", Password: "secret",
		KnownHosts: []string{f.known}, Become: become, KeepAlive: -1, ConnectTimeout: time.Minute}, ssh.Options{})
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

// BenchmarkConvergedPlay is one host with 50 tasks that find nothing to do, the
// connection included, at several round-trip times.
func BenchmarkConvergedPlay(b *testing.B) {
	for _, rtt := range []time.Duration{0, 50 * time.Millisecond, 150 * time.Millisecond} {
		b.Run("rtt="+rtt.String(), func(b *testing.B) {
			f := newFleet(b, 50, sshtest.Options{Latency: rtt / 2})
			for b.Loop() {
				f.run(b)
			}
			b.ReportMetric(float64(f.conns[0].Stats().Commands), "commands/op")
		})
	}
}
