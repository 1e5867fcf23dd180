package host_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/ssh"
	"github.com/ferry-ops/ferry/engine/ssh/sshtest"
)

func connect(t *testing.T, s *sshtest.Server) *ssh.Conn {
	t.Helper()
	known := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(known, []byte(s.KnownHosts()), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := ssh.Dial(t.Context(), ssh.Target{Name: "web1", Address: s.Host(), Port: s.Port(), User: "op", Password: "secret",
		KnownHosts: []string{known}, Become: true, ConnectTimeout: time.Minute}, ssh.Options{ReconnectFor: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// newHost is a host without systemd, whatever runs the test.
func newHost(t *testing.T, env ...string) *sshtest.Server {
	return sshtest.New(t, sshtest.Options{Env: append([]string{"FERRY_SYSTEMD=/nonexistent"}, env...)})
}

func archived(t *testing.T, s *sshtest.Server) []string {
	t.Helper()
	m, err := filepath.Glob(filepath.Join(s.StateDir(), "jobs", "*~*"))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestJob(t *testing.T) {
	t.Parallel()
	s := newHost(t)
	c := connect(t, s)
	var lines []string
	res, err := host.RunJob(t.Context(), c, "web1", host.Job{Key: "sync", Env: map[string]string{"WHO": "it's me"},
		Script: "echo one; echo two >&2; echo \"$WHO\"; pwd; printf 'no end'; exit 3",
		Output: func(l string) { lines = append(lines, l) }})
	if err != nil {
		t.Fatal(err)
	}
	want := "one\ntwo\nit's me\n/\nno end"
	if res.Code != 3 || string(res.Log) != want || strings.Join(lines, "\n") != want || res.Adopted {
		t.Errorf("got %+v, lines %q", res, lines)
	}
	if d := res.Finished.Sub(res.Started); d < 0 || time.Since(res.Finished) > time.Minute {
		t.Errorf("times %s %s", res.Started, res.Finished)
	}
	dirs := archived(t, s)
	if len(dirs) != 1 {
		t.Fatalf("archived %q", dirs)
	}
	if _, err := os.Stat(filepath.Join(dirs[0], "env")); err == nil {
		t.Error("the job's environment is still on disk")
	}
	// Collected, the same key is new work.
	if res, err = host.RunJob(t.Context(), c, "web1", host.Job{Key: "sync", Script: "true"}); err != nil || res.Code != 0 || res.Adopted {
		t.Errorf("second job: %+v, %v", res, err)
	}
}

// Its script arrives as it is, whatever bytes it has.
func TestJobScript(t *testing.T) {
	t.Parallel()
	c := connect(t, newHost(t))
	for name, script := range map[string]string{"plain": "printf '%s' 'it'\\''s'", "other": "printf '%s' 'zw\u00f6lf \xff'", "long": "# " + strings.Repeat("x", 200<<10) + "\nprintf '%s' end", "none": ""} {
		want := map[string]string{"plain": "it's", "other": "zw\u00f6lf \xff", "long": "end"}[name]
		for _, env := range []map[string]string{nil, {"A": "\u00f6"}} {
			res, err := host.RunJob(t.Context(), c, "web1", host.Job{Key: name, Script: script, Env: env})
			if err != nil || res.Code != 0 || string(res.Log) != want {
				t.Errorf("%s: %+v, %v", name, res, err)
			}
		}
	}
}

// A log longer than one look is read to its end, and once.
func TestJobLongLog(t *testing.T) {
	t.Parallel()
	c := connect(t, newHost(t))
	lines := 0
	res, err := host.RunJob(t.Context(), c, "web1", host.Job{Key: "long", Script: "i=0; while [ $i -lt 60000 ]; do echo 123456789; i=$((i+1)); done",
		Output: func(string) { lines++ }})
	if err != nil || len(res.Log) != 600_000 || lines != 60_000 {
		t.Errorf("%d bytes, %d lines, %v", len(res.Log), lines, err)
	}
}

func TestJobStartsOnce(t *testing.T) {
	t.Parallel()
	s := newHost(t)
	file := filepath.Join(t.TempDir(), "count")
	script := fmt.Sprintf("echo x >>%s; sleep 1", file)
	var wg sync.WaitGroup
	adopted := make(chan bool, 3)
	for range 3 {
		c := connect(t, s)
		wg.Go(func() {
			res, err := host.RunJob(t.Context(), c, "web1", host.Job{Key: "k", Script: script})
			// Whoever comes last may find it collected by another.
			if err != nil && !strings.Contains(err.Error(), "disappeared") {
				t.Error(err)
			}
			adopted <- res.Adopted
		})
	}
	wg.Wait()
	if data, _ := os.ReadFile(file); string(data) != "x\n" {
		t.Errorf("the script ran %d times", strings.Count(string(data), "x"))
	}
}

func TestJobAdopted(t *testing.T) {
	t.Parallel()
	s := newHost(t)
	c := connect(t, s)
	release := filepath.Join(t.TempDir(), "release")
	ctx, cancel := context.WithCancel(t.Context())
	j := host.Job{Key: "k", Script: "echo begun; while [ ! -e " + release + " ]; do sleep 0.1; done; echo done", Output: func(string) { cancel() }}
	if _, err := host.RunJob(ctx, c, "web1", j); !errors.Is(err, context.Canceled) {
		t.Fatalf("err = %v", err)
	}
	j.Output = nil
	other := j
	other.Key = "other"
	if _, err := host.RunJob(t.Context(), c, "web1", other); !errors.Is(err, host.ErrLocked) || !strings.Contains(err.Error(), "job k still runs") {
		t.Errorf("another key: %v", err)
	}
	_ = c.Close()
	if err := os.WriteFile(release, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	awaitFile(t, filepath.Join(s.StateDir(), "jobs", "k", "result")) // it finishes uncollected
	res, err := host.RunJob(t.Context(), connect(t, s), "web1", j)
	if err != nil || !res.Adopted || string(res.Log) != "begun\ndone\n" {
		t.Errorf("%+v, %v", res, err)
	}
}

// TestJobSurvives loses the connection under a job and refuses logins for a
// while, as a host does whose sshd is replaced.
func TestJobSurvives(t *testing.T) {
	t.Parallel()
	s := newHost(t)
	c := connect(t, s)
	var events []string
	var once sync.Once
	back := filepath.Join(t.TempDir(), "back")
	res, err := host.RunJob(t.Context(), c, "web1", host.Job{Key: "k", Script: "echo a; while [ ! -e " + back + " ]; do sleep 0.1; done; echo b",
		Output: func(string) { once.Do(func() { s.Refuse(true); s.Drop() }) },
		Pending: func(err error) {
			events = append(events, fmt.Sprint(err != nil))
			if err == nil {
				_ = os.WriteFile(back, nil, 0o600)
			}
			s.Refuse(false)
		}})
	if err != nil || res.Code != 0 || string(res.Log) != "a\nb\n" {
		t.Errorf("%+v, %v", res, err)
	}
	if got := strings.Join(events, " "); got != "true false" {
		t.Errorf("Pending was told %q", got)
	}
}

func TestJobPatience(t *testing.T) {
	t.Parallel()
	s := newHost(t)
	c := connect(t, s)
	_, err := host.RunJob(t.Context(), c, "web1", host.Job{Key: "k", Script: "echo a; sleep 5", Patience: 300 * time.Millisecond,
		Output: func(string) { s.Refuse(true); s.Drop() }})
	if !errors.Is(err, host.ErrUnknown) || !strings.Contains(err.Error(), "out of reach") {
		t.Errorf("err = %v", err)
	}
}

func TestJobInterrupted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		script string
		act    func(s *sshtest.Server)
		want   string
	}{
		"reboot": {"echo a; sleep 30", func(s *sshtest.Server) {
			killJob(s)
			s.Reboot(200 * time.Millisecond)
		}, "reboot"},
		"killed": {"echo a; sleep 30", killJob, "without a result"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newHost(t)
			var once sync.Once
			j := host.Job{Key: "k", Script: test.script, Output: func(string) { once.Do(func() { test.act(s) }) }}
			_, err := host.RunJob(t.Context(), connect(t, s), "web1", j)
			if !errors.Is(err, host.ErrInterrupted) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "\na") {
				t.Errorf("err = %v", err)
			}
			j.Script = "echo again"
			if res, err := host.RunJob(t.Context(), connect(t, s), "web1", j); err != nil || string(res.Log) != "again\n" {
				t.Errorf("after that: %+v, %v", res, err)
			}
		})
	}
}

// killJob kills a job's runner and script without letting them say anything.
func killJob(s *sshtest.Server) {
	for _, name := range []string{"pid", "child"} {
		for range 3000 {
			data, err := os.ReadFile(filepath.Join(s.StateDir(), "jobs", "k", name))
			var pid, since int
			if _, serr := fmt.Sscan(string(data), &pid, &since); err == nil && serr == nil && pid > 1 {
				p, _ := os.FindProcess(pid)
				_ = p.Kill()
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

func TestJobTimeout(t *testing.T) {
	t.Parallel()
	s := newHost(t)
	start := time.Now()
	res, err := host.RunJob(t.Context(), connect(t, s), "web1", host.Job{Key: "timeout", Timeout: time.Second, // a key of its own: its processes are found by it
		Script: "echo a; setsid sleep 600 & sleep 600"})
	if !errors.Is(err, host.ErrInterrupted) || !strings.Contains(err.Error(), "did not finish within 1s") || res.Code != 143 {
		t.Errorf("%+v, %v", res, err)
	}
	if d := time.Since(start); d > 5*time.Minute { // it did not wait for the script
		t.Errorf("took %s", d)
	}
}

// TestJobSystemd checks the options given to systemd-run.
func TestJobSystemd(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	script := "#!/bin/sh\necho \"$@\" >>" + bin + "/calls\n" +
		"while case $1 in -p) shift;; -*) ;; *) false;; esac; do shift; done\nsetsid \"$@\" </dev/null >/dev/null 2>&1 &\n"
	for name, text := range map[string]string{"systemd-run": script, "systemctl": "#!/bin/sh\n"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s := sshtest.New(t, sshtest.Options{Bin: []string{bin}, Env: []string{"FERRY_SYSTEMD=" + bin}})
	res, err := host.RunJob(t.Context(), connect(t, s), "web1", host.Job{Key: "k", Script: "echo in the unit"})
	if err != nil || string(res.Log) != "in the unit\n" {
		t.Errorf("%+v, %v", res, err)
	}
	calls, _ := os.ReadFile(filepath.Join(bin, "calls"))
	if got := string(calls); !strings.Contains(got, "--unit=ferry-job-k") || strings.Contains(got, "--collect") || strings.Contains(got, "--wait") {
		t.Errorf("systemd-run was given %q", got)
	}
}

// awaitFile waits until a command on the host has made a file.
func awaitFile(t *testing.T, path string) {
	for t.Context().Err() == nil {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
