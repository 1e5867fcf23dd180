package ssh_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/ssh"
	"github.com/ferry-ops/ferry/engine/ssh/sshtest"
)

// TestInterp drives hosts that start no process.
func TestInterp(t *testing.T) {
	t.Parallel()
	rpm := func(p sshtest.Proc) int {
		fmt.Fprintf(p.Stdout, "%s %s\n", strings.Join(p.Args, "+"), p.Env("A"))
		return 5
	}
	s := sshtest.New(t, sshtest.Options{Noise: "hi\n", Sudo: sshtest.Sudo{Password: "pw"}, Backend: sshtest.Interp(map[string]sshtest.Program{"rpm": rpm})})
	tg := root(t, s)
	tg.BecomePassword = "pw"
	c := dial(t, tg)
	res := run(t, c, host.Command{Argv: []string{"rpm", "-q", "it's"}, Env: map[string]string{"A": "b c"}})
	if string(res.Stdout) != "-q+it's b c\n" || res.Code != 5 {
		t.Errorf("%+v", res)
	}
	for _, test := range []struct {
		cmd  host.Command
		out  string
		code int
	}{
		{host.Command{Argv: []string{"cat"}, Stdin: []byte("text")}, "text", 0},
		{host.Command{Argv: []string{"cat"}, Stdin: []byte("\x00\xff")}, "\x00\xff", 0},
		{host.Command{Argv: []string{"sh", "-c", "exit 3"}}, "", 3},
		{host.Command{Argv: []string{"sh", "-c", "echo $1", "n", "x"}}, "x\n", 0},
		{host.Command{Argv: []string{"nothing"}}, "", 127},
		{host.Command{Argv: []string{"cat"}}, "", 0},
	} {
		res := run(t, c, test.cmd)
		if string(res.Stdout) != test.out || res.Code != test.code {
			t.Errorf("%q: %+v", test.cmd.Argv, res)
		}
	}
}

func fleet(tb testing.TB, n int) []*ssh.Conn {
	tb.Helper()
	d := ssh.NewDialer(ssh.Options{})
	conns := make([]*ssh.Conn, n)
	var wg sync.WaitGroup
	prog := map[string]sshtest.Program{"probe": func(p sshtest.Proc) int { fmt.Fprintln(p.Stdout, "installed"); return 0 }}
	for i := range conns {
		s := sshtest.New(tb, sshtest.Options{Backend: sshtest.Interp(prog)})
		tg := root(tb, s)
		wg.Go(func() {
			c, err := d.Dial(tb.Context(), tg)
			if err != nil {
				tb.Error(err)
				return
			}
			conns[i] = c
		})
	}
	wg.Wait()
	tb.Cleanup(func() {
		for _, c := range conns {
			if c != nil {
				_ = c.Close()
			}
		}
		_ = d.Close()
	})
	if tb.Failed() {
		tb.FailNow()
	}
	return conns
}

// TestFleet: 20 hosts times 50 questions take seconds, not minutes.
func TestFleet(t *testing.T) {
	start := time.Now()
	conns := fleet(t, 20)
	login := time.Since(start)
	start = time.Now()
	var wg sync.WaitGroup
	for _, c := range conns {
		for range 50 {
			wg.Go(func() { run(t, c, host.Command{Argv: []string{"probe"}, ReadOnly: true}) })
		}
	}
	wg.Wait()
	t.Logf("20 logins %s, 1000 commands %s", login, time.Since(start))
}

// BenchmarkFleet measures commands per second, both ends in this process.
func BenchmarkFleet(b *testing.B) {
	for _, n := range []int{20, 200} {
		b.Run(fmt.Sprintf("hosts=%d", n), func(b *testing.B) {
			conns := fleet(b, n)
			b.ResetTimer()
			start := time.Now()
			var wg sync.WaitGroup
			for i := range n {
				wg.Go(func() {
					for range b.N/n + 1 {
						_, _ = conns[i].Run(context.Background(), host.Command{Argv: []string{"probe"}, ReadOnly: true})
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64((b.N/n+1)*n)/time.Since(start).Seconds(), "commands/s")
		})
	}
}

// BenchmarkDial measures login, sudo and the first shell, both ends in this
// process.
func BenchmarkDial(b *testing.B) {
	s := sshtest.New(b, sshtest.Options{Backend: sshtest.Interp()})
	tg := root(b, s)
	d := ssh.NewDialer(ssh.Options{})
	defer d.Close()
	for b.Loop() {
		c, err := d.Dial(b.Context(), tg)
		if err != nil {
			b.Fatal(err)
		}
		_ = c.Close()
	}
}

// BenchmarkRun measures one command at a time with this machine's shell.
func BenchmarkRun(b *testing.B) {
	s := sshtest.New(b, sshtest.Options{})
	c := dial(b, root(b, s))
	for b.Loop() {
		run(b, c, host.Command{Argv: []string{"true"}, ReadOnly: true})
	}
}
