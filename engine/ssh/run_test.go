package ssh_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/ssh"
	"github.com/ferry-ops/ferry/engine/ssh/sshtest"
)

// TestRoundTrips: what is asked concurrently costs one round trip.
func TestRoundTrips(t *testing.T) {
	const delay = 25 * time.Millisecond
	s := sshtest.New(t, sshtest.Options{Latency: delay, Sudo: sshtest.Sudo{}})
	start := time.Now()
	c := dial(t, root(t, s))
	login := time.Since(start)
	if got := c.Stats().RoundTrips; got != 2 { // open the channel, start sudo's shell
		t.Errorf("connect and become: %d round trips after the login", got)
	}
	start = time.Now()
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			res := run(t, c, host.Command{Argv: []string{"echo", fmt.Sprint(i)}, ReadOnly: true})
			if string(res.Stdout) != fmt.Sprintln(i) {
				t.Errorf("%d was answered %q", i, res.Stdout)
			}
		})
	}
	wg.Wait()
	d := time.Since(start)
	if got := c.Stats().RoundTrips; got > 4 {
		t.Errorf("connect, become and 50 commands: %d round trips", got)
	}
	t.Logf("login %s, 50 commands %s at a round trip of %s; %+v", login, d, 2*delay, c.Stats())
}

// TestFlood: output without end in both directions does not block.
func TestFlood(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t, sshtest.Options{})
	c := dial(t, root(t, s))
	in := bytes.Repeat([]byte("0123456789abcde\n"), 1<<16)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			res := run(t, c, host.Command{Argv: []string{"/bin/sh", "-c", "tee /dev/stderr; head -c 6000000 /dev/zero; head -c 6000000 /dev/zero >&2"}, Stdin: in})
			if !res.Truncated || len(res.Stdout) != 4<<20 || len(res.Stderr) != 4<<20 {
				t.Errorf("truncated %v, %d and %d bytes", res.Truncated, len(res.Stdout), len(res.Stderr))
			}
		})
	}
	wg.Wait()
}

func TestCancel(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t, sshtest.Options{})
	c := dial(t, root(t, s))
	file := filepath.Join(t.TempDir(), "pids")
	ctx, cancel := context.WithCancel(t.Context())
	once(t, func() bool {
		data, _ := os.ReadFile(file)
		return bytes.Count(data, []byte("\n")) == 2
	}, cancel)
	_, err := c.Run(ctx, sh("trap '' TERM; setsid sleep 60 & echo $! >>"+file+"; echo $$ >>"+file+"; while :; do sleep 1; done"))
	if !errors.Is(err, context.Canceled) || errors.Is(err, host.ErrUnknown) {
		t.Errorf("err = %v", err)
	}
	data, _ := os.ReadFile(file)
	for pid := range strings.FieldsSeq(string(data)) {
		await(t, "the end of process "+pid, func() bool { // it was killed, which takes a moment
			st, err := os.ReadFile("/proc/" + pid + "/stat")
			return err != nil || strings.Contains(string(st), ") Z ")
		})
	}
	trips := s.Sessions()
	if res := run(t, c, sh("echo alive")); string(res.Stdout) != "alive\n" || s.Sessions() != trips {
		t.Errorf("the shell was not kept: %+v", res)
	}
	// One that waits behind another is stopped when its turn comes.
	mark := filepath.Join(t.TempDir(), "mark")
	long, running, end := started(t, "")
	go func() { _, _ = c.Run(t.Context(), long) }()
	awaitFile(t, running)
	short, cancel2 := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel2()
	time.AfterFunc(time.Second, end)
	if _, err := c.Run(short, sh("sleep 60; touch "+mark)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("err = %v", err)
	}
	run(t, c, sh("true"))
	if _, err := os.Stat(mark); err == nil {
		t.Error("a cancelled command ran to its end")
	}
}

// TestQuestionsPass: a long action does not make questions wait, nor does a
// long question.
func TestQuestionsPass(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t, sshtest.Options{})
	c := dial(t, root(t, s))
	long, running, end := started(t, "")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = c.Run(t.Context(), long)
	}()
	awaitFile(t, running)
	ask := sh("true")
	ask.ReadOnly = true
	run(t, c, ask)
	select {
	case <-ended:
		t.Error("a question waited for an action")
	default:
	}
	end()
	<-ended
	if s.Sessions() > 2 {
		t.Errorf("%d sessions", s.Sessions())
	}
}

func TestSingleSession(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t, sshtest.Options{MaxSessions: 1, NoSFTP: true})
	c := dial(t, root(t, s))
	if res := run(t, c, sh("echo act")); string(res.Stdout) != "act\n" {
		t.Errorf("%+v", res)
	}
	transfer(t, c, s)
}

// TestLost: a command whose connection is lost is unknown, a question is asked
// again.
func TestLost(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t, sshtest.Options{})
	c := dial(t, root(t, s))
	long, running, _ := started(t, "")
	once(t, func() bool { return exists(running) }, s.Drop)
	if _, err := c.Run(t.Context(), long); !errors.Is(err, host.ErrUnknown) {
		t.Errorf("an action: %v", err)
	}
	mark := filepath.Join(t.TempDir(), "asked")
	once(t, func() bool { return exists(mark) }, s.Drop)
	ask := sh("if [ -e " + mark + " ]; then echo answer; else touch " + mark + "; sleep 60; fi")
	ask.ReadOnly = true
	if res := run(t, c, ask); string(res.Stdout) != "answer\n" {
		t.Errorf("%+v", res)
	}
	// A shell that is killed while the connection lives.
	if _, err := c.Run(t.Context(), sh("kill -9 $PPID; sleep 1")); !errors.Is(err, host.ErrUnknown) {
		t.Errorf("a killed shell: %v", err)
	}
	logins := s.Logins()
	if res := run(t, c, sh("echo back")); string(res.Stdout) != "back\n" || s.Logins() != logins {
		t.Errorf("%+v", res)
	}
	s.LoseAfter(2000)
	_, err := c.Run(t.Context(), sh("head -c 100000 /dev/zero"))
	s.LoseAfter(0)
	if !errors.Is(err, host.ErrUnknown) {
		t.Errorf("lost in the output: %v", err)
	}
}

func TestKeepalive(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t, sshtest.Options{})
	tg := root(t, s)
	tg.KeepAlive, tg.KeepAliveMisses = 50*time.Millisecond, 6
	c := dial(t, tg)
	time.Sleep(5 * time.Second) // answered ones do no harm: unanswered, they would after 3
	if run(t, c, sh("true")); s.Logins() != 1 {
		t.Errorf("%d logins to a host that answers", s.Logins())
	}
	long, running, _ := started(t, "")
	once(t, func() bool { return exists(running) }, s.Freeze)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := c.Run(ctx, long); !errors.Is(err, host.ErrUnknown) {
		t.Errorf("err = %v", err)
	}
	run(t, c, sh("true"))
}

func TestReconnect(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t, sshtest.Options{})
	c := dial(t, root(t, s))
	if err := c.Reconnect(t.Context()); err != nil || s.Logins() != 2 {
		t.Errorf("%v, %d logins", err, s.Logins())
	}
	run(t, c, sh("true"))
	// A refused login costs nothing that still works.
	s.Refuse(true)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := c.Reconnect(ctx); !errors.Is(err, host.ErrUnreachable) {
		t.Errorf("err = %v", err)
	}
	if res := run(t, c, sh("echo still")); string(res.Stdout) != "still\n" {
		t.Errorf("%+v", res)
	}
}

// transfer copies a file there and back by whatever way c has.
func transfer(t *testing.T, c host.Transport, s *sshtest.Server) {
	t.Helper()
	data := make([]byte, 300_000)
	_, _ = rand.Read(data)
	path := filepath.Join(s.Dir(), "it's a file")
	if err := c.Upload(t.Context(), path, bytes.NewReader(data), int64(len(data))); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if st, _ := os.Stat(path); st.Mode().Perm() != 0o600 {
		t.Errorf("mode %s", st.Mode())
	}
	var back bytes.Buffer
	if err := c.Download(t.Context(), path, &back); err != nil || !bytes.Equal(back.Bytes(), data) {
		t.Errorf("%d bytes, %v", back.Len(), err)
	}
	if err := c.Download(t.Context(), path+"x", &back); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent file: %v", err)
	}
	if err := c.Upload(t.Context(), path, bytes.NewReader(data), int64(len(data))+1); err == nil {
		t.Error("a short upload succeeded")
	}
}

func TestTransfer(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]sshtest.Options{
		"sftp": {}, "noise": {Noise: "Welcome to this host, which prints too much\n"}, "no sftp": {NoSFTP: true},
	} {
		for _, become := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s become=%v", name, become), func(t *testing.T) {
				t.Parallel()
				s := sshtest.New(t, opt)
				tg := target(t, s)
				tg.Become = become
				transfer(t, dial(t, tg), s)
			})
		}
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	// A wrapper that allows commands but no shell.
	s := sshtest.New(t, sshtest.Options{ForceCommand: `case $SSH_ORIGINAL_COMMAND in *ferry*|"exec /bin/sh"*) echo denied; exit 1;; esac; sh -c "$SSH_ORIGINAL_COMMAND"`})
	c := dial(t, target(t, s))
	if res := run(t, c, host.Command{Argv: []string{"printf", "%s", "it's"}, Stdin: []byte("x")}); string(res.Stdout) != "it's" {
		t.Errorf("%+v", res)
	}
	if res := run(t, c, host.Command{Argv: []string{"sh", "-c", "echo $A; exit 3"}, Env: map[string]string{"A": "b"}}); string(res.Stdout) != "b\n" || res.Code != 3 {
		t.Errorf("%+v", res)
	}
}

// TestHidden looks for secrets in the process list of the host.
func TestHidden(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t, sshtest.Options{})
	c := dial(t, root(t, s))
	cmd := sh("secret=hunter2-script; for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$f; echo; done 2>/dev/null")
	cmd.Sensitive, cmd.Env, cmd.Stdin = true, map[string]string{"PW": "hunter2-env"}, []byte("hunter2-stdin")
	res := run(t, c, cmd)
	for line := range strings.SplitSeq(string(res.Stdout), "\n") {
		if strings.Contains(line, "hunter2-") {
			t.Errorf("visible: %s", line)
		}
	}
	if !strings.Contains(string(res.Stdout), "/bin/sh") {
		t.Error("no processes were seen")
	}
}

// TestClean: nothing is left after Close, also not after failures.
func TestClean(t *testing.T) {
	s, err := sshtest.Start(sshtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	use := func() {
		c, err := ssh.Dial(t.Context(), root(t, s), ssh.Options{})
		if err != nil {
			t.Fatal(err)
		}
		run(t, c, sh("true"))
		ask := sh("true")
		ask.ReadOnly = true
		run(t, c, ask)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, _ = c.Run(ctx, sh("sleep 5"))
		cancel()
		_ = c.Close()
		if _, err := c.Run(t.Context(), sh("true")); !errors.Is(err, host.ErrUnreachable) {
			t.Errorf("after Close: %v", err)
		}
		bad := root(t, s)
		bad.Password = "no"
		_, _ = ssh.Dial(t.Context(), bad, ssh.Options{})
	}
	use()
	count := func() (goroutines, files int) {
		runtime.GC()
		list, _ := os.ReadDir("/proc/self/fd")
		return runtime.NumGoroutine(), len(list)
	}
	var g1, f1 int
	for range 20 { // what the first use left behind for good
		time.Sleep(100 * time.Millisecond)
		g1, f1 = count()
	}
	for range 5 {
		use()
	}
	var g2, f2 int
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if g2, f2 = count(); g2 <= g1+2 && f2 <= f1+2 {
			break
		}
		if time.Now().After(end) {
			buf := make([]byte, 1<<20)
			t.Fatalf("goroutines %d -> %d, descriptors %d -> %d\n%s", g1, g2, f1, f2, buf[:runtime.Stack(buf, true)])
		}
	}
	s.Close()
}
