package host

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// scripts is a host on which the texts of a job run in a given shell, the runner
// included. Every program that is started for them leaves its name.
type scripts struct {
	t     *testing.T
	shell []string
	state string
	bin   string
	names string // the programs that were started
}

// programs are those that the texts may start.
var programs = []string{"cat", "mkdir", "mv", "ln", "rm", "head", "tail", "wc", "find", "ls", "date", "id", "sync", "setsid", "nohup", "timeout", "sleep", "grep", "df", "chmod"}

// eachShell runs f for every shell that this machine has.
func eachShell(t *testing.T, f func(*testing.T, *scripts)) {
	for _, sh := range [][]string{{"dash"}, {"bash", "--posix"}, {"busybox", "sh"}} {
		t.Run(sh[0], func(t *testing.T) {
			t.Parallel()
			path, err := exec.LookPath(sh[0])
			if err != nil {
				t.Skipf("no %s on this machine", sh[0])
			}
			dir := t.TempDir()
			s := &scripts{t: t, shell: append([]string{path}, sh[1:]...), state: filepath.Join(dir, "state"), bin: filepath.Join(dir, "bin"), names: filepath.Join(dir, "names")}
			for _, d := range []string{s.state, s.bin} {
				if err := os.Mkdir(d, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			for _, name := range programs {
				if p, err := exec.LookPath(name); err == nil {
					s.program(name, fmt.Sprintf(`exec %s "$@"`, p))
				}
			}
			// As systemd-run does, it returns before the unit has run.
			s.program("systemd-run", `for last; do :; done; `+realPath(t, "setsid")+" "+strings.Join(s.shell, " ")+` "$last" </dev/null >/dev/null 2>&1 &`)
			s.program("systemctl", "")
			f(t, s)
		})
	}
}

func realPath(t *testing.T, name string) string {
	t.Helper()
	p, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (s *scripts) program(name, text string) {
	s.t.Helper()
	text = fmt.Sprintf("#!/bin/sh\necho %s >>%s\n%s\n", name, s.names, text)
	if err := os.WriteFile(filepath.Join(s.bin, name), []byte(text), 0o700); err != nil { //nolint:gosec // a program
		s.t.Fatal(err)
	}
}

// run runs a text and returns what it printed.
func (s *scripts) run(stdin, text string, args ...string) string {
	s.t.Helper()
	c := script(text, args...).Program()
	argv := append(append(slices.Clone(s.shell), "-c", c.Argv[2], "sh"), args...)
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:gosec // shells of this machine
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = []string{"PATH=" + s.bin, "FERRY_STATE=" + s.state, "FERRY_BOOT_ID=" + s.file("boot"), "FERRY_SYSTEMD=" + s.state, "LC_ALL=C"}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("%v, %s", err, errs.Bytes())
	}
	return string(out)
}

func (s *scripts) file(name string) string { return filepath.Join(s.state, name) }

func (s *scripts) write(name, text string) {
	s.t.Helper()
	_ = os.MkdirAll(filepath.Dir(s.file(name)), 0o700)
	if err := os.WriteFile(s.file(name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// started returns the programs that were started since it was last called.
func (s *scripts) started() string {
	b, _ := os.ReadFile(s.names)
	_ = os.Remove(s.names)
	f := strings.Fields(string(b))
	slices.Sort(f)
	return strings.Join(f, " ")
}

// await looks at a job until it is in a state.
func (s *scripts) await(key, state string) string {
	s.t.Helper()
	out := ""
	for range 6000 {
		if out = s.run("", jobStatus, key, "0", "100", "0.00"); strings.Contains(out, "state "+state+"\n") {
			return out
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatalf("the job is not %s: %s", state, out)
	return ""
}

// endedWith3 waits for a job that prints "out" and ends with 3.
func (s *scripts) endedWith3(key string) {
	s.t.Helper()
	out := s.await(key, "done")
	head, log, _ := strings.Cut(out, "\n\n")
	if f := strings.Fields(head); len(f) < 5 || f[1] != "3" || f[4] != "ok" || log != "out\n" {
		s.t.Errorf("status: %q", out)
	}
}

func TestJobTexts(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, s *scripts) {
		s.write("boot", "b1\n")
		if out := s.run("echo out; exit 3", jobStart, "k", "0", jobRunner, "0", "T1"); out != "started\n" {
			t.Fatalf("start: %q", out)
		}
		s.endedWith3("k")
		if out := s.run("", jobStart, "k", "0", jobRunner, "0", "T2"); out != "found done\n" {
			t.Errorf("a second start: %q", out)
		}
		s.run("", jobCollect, "k", "T3")
		s.run("", jobCollect, "k", "T4")
		if m, _ := filepath.Glob(s.file("jobs/k~T3.*")); len(m) != 1 {
			t.Errorf("put aside: %q", m)
		}
		if out := s.await("k", "none"); !strings.Contains(out, "size 0\n") {
			t.Errorf("collected: %q", out)
		}
		// With an environment, which does not stay on disk.
		env := "A=\"it's\"; export A\n"
		s.run(env+"echo \"$A\"", jobStart, "e", fmt.Sprint(len(env)), jobRunner, "0", "T1")
		if out := s.await("e", "done"); !strings.HasSuffix(out, "\n\nit's\n") {
			t.Errorf("environment: %q", out)
		}
		if _, err := os.Stat(s.file("jobs/e/env")); err == nil {
			t.Error("the environment is still on disk")
		}
		// Beyond the beginning of the log, and from its end.
		for args, want := range map[string]string{"1 2": "offset 1\n\nt'", "-1 2": "offset 3\n\ns\n", "5 2": "offset 5\n\n", "0 2": "offset 0\n\nit"} {
			off, most, _ := strings.Cut(args, " ")
			if out := s.run("", jobStatus, "e", off, most, "0.00"); !strings.HasSuffix(out, want) {
				t.Errorf("log %s: %q", args, out)
			}
		}
	})
}

// TestJobStates proves what a directory means that something interrupted.
func TestJobStates(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, s *scripts) {
		s.write("boot", "b1\n")
		self := func(pid int) string {
			b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			_, rest, _ := strings.Cut(string(b), ") ")
			return strings.Fields(rest)[19]
		}(os.Getpid())
		me := fmt.Sprintf("%d %s", os.Getpid(), self)
		for want, files := range map[string]map[string]string{
			"prepared": {"script": "", "timeout": "0\n"},
			"none":     {"script": ""}, // a start that ended in the middle
			"starting": {"pid": ""},
			"running":  {"pid": me + " b1\n"},
			"rebooted": {"pid": fmt.Sprintf("%d 1 b0\n", os.Getpid())}, // the pid is another process now
			"dead":     {"pid": fmt.Sprintf("%d 1 b1\n", os.Getpid())},
			"done":     {"pid": me + " b1\n", "result": "0 1 2 ok\n"},
		} {
			for name, text := range files {
				s.write("jobs/"+want+"/"+name, text)
			}
			s.await(want, want)
		}
		s.write("jobs/orphan/pid", fmt.Sprintf("%d 1 b1\n", os.Getpid()))
		s.write("jobs/orphan/child", me+"\n")
		s.await("orphan", "running")
		s.write("jobs/torn/pid", "")
		old := time.Now().Add(-3 * time.Minute)
		if err := os.Chtimes(s.file("jobs/torn/pid"), old, old); err != nil {
			t.Fatal(err)
		}
		s.await("torn", "dead")
		s.write("jobs/nowhere/pid", fmt.Sprintf("%d 1 \n", os.Getpid())) // it could not read the boot
		s.await("nowhere", "dead")
	})
}

// TestJobClaim starts one prepared job many times at once.
func TestJobClaim(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, s *scripts) {
		s.write("boot", "b1\n")
		s.write("jobs/k/run", jobRunner)
		s.write("jobs/k/environ", "PATH="+s.bin+"; export PATH\n")
		s.write("jobs/k/timeout", "0\n")
		s.write("jobs/k/log", "")
		s.write("jobs/k/script", "echo x\n")
		var all []*exec.Cmd
		for range 8 {
			c := exec.Command(s.shell[0], append(slices.Clone(s.shell[1:]), s.file("jobs/k/run"))...) //nolint:gosec // shells of this machine
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		}
		for _, c := range all {
			if err := c.Wait(); err != nil { // a failed unit would keep its name
				t.Errorf("a runner ended with %v", err)
			}
		}
		if b, _ := os.ReadFile(s.file("jobs/k/log")); string(b) != "x\n" {
			t.Errorf("the script ran %d times", bytes.Count(b, []byte("x")))
		}
	})
}

// TestJobProcesses holds what a short job costs.
func TestJobProcesses(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, s *scripts) {
		s.write("boot", "b1\n")
		s.write("jobs/old~T0.1/result", "0 1 2 ok\n")
		s.run("echo out", jobStart, "k", "0", jobRunner, "0", "T1")
		for range 6000 { // looking would start programs of its own
			if _, err := os.Stat(s.file("jobs/k/result")); err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		clock := "date date "
		if strings.Contains(s.shell[0], "bash") {
			clock = ""
		}
		// "cat" stands for the input, which another way of running a script has at hand.
		if got, want := s.started(), "cat "+clock+"mkdir mv mv setsid sync systemd-run"; got != want {
			t.Errorf("starting and running started %s, want %s", got, want)
		}
		s.run("", jobStatus, "k", "0", "100", "1.00")
		if got := s.started(); got != "head" {
			t.Errorf("looking started %s", got)
		}
		s.run("", jobCollect, "k", "T2")
		if got := s.started(); got != "mv" {
			t.Errorf("collecting started %s", got)
		}
		s.run("", jobsRunning, "-")
		if got := s.started(); got != "" {
			t.Errorf("looking for jobs started %s", got)
		}
	})
}

// TestJobUnitLeftOver has a unit of a killed job in the way.
func TestJobUnitLeftOver(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, s *scripts) {
		s.write("boot", "b1\n")
		b, _ := os.ReadFile(filepath.Join(s.bin, "systemd-run"))
		_, text, _ := strings.Cut(string(b), ">>"+s.names+"\n")
		s.program("systemd-run", "[ -e "+s.file("reset")+" ] || { echo 'Unit ferry-job-k.service already exists.' >&2; exit 1; }\necho \"$@\" >"+s.file("given")+"\n"+text)
		s.program("systemctl", `[ "$*" = "reset-failed ferry-job-k.service" ] && : >`+s.file("reset"))
		if out := s.run("true", jobStart, "k", "0", jobRunner, "0", "T1"); out != "started\n" {
			t.Fatalf("start: %q", out)
		}
		s.await("k", "done")
		if b, _ := os.ReadFile(s.file("given")); !bytes.Contains(b, []byte("--property=KillMode=process")) {
			t.Errorf("systemd-run was given %s", b)
		}
	})
}

// A host that was killed in the middle of a transaction may have no library for mv.
func TestJobWithoutMove(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, s *scripts) {
		s.write("boot", "b1\n")
		s.program("mv", "echo 'mv: error while loading shared libraries' >&2; exit 127")
		s.write("jobs/k/log", "") // an earlier start that ended in the middle
		s.write("jobs/k/run", "")
		for i := range 2 {
			if out := s.run("echo out; exit 3", jobStart, "k", "0", jobRunner, "0", "T1"); out != "started\n" {
				t.Fatalf("start: %q", out)
			}
			s.endedWith3("k")
			s.run("", jobCollect, "k", fmt.Sprintf("T%d", i))
			if m, _ := filepath.Glob(s.file(fmt.Sprintf("jobs/k~T%d.*/result", i))); len(m) != 1 {
				t.Errorf("put aside: %q", m)
			}
			s.await("k", "none")
		}
	})
}

func TestJobsKept(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, s *scripts) {
		s.write("boot", "b1\n")
		kept := func() int { m, _ := filepath.Glob(s.file("jobs/*~*")); return len(m) }
		for i := range 32 {
			s.write("jobs/k/result", "0 1 2 ok\n")
			when := time.Now().Add(time.Duration(i-100) * time.Hour)
			if err := os.Chtimes(s.file("jobs/k"), when, when); err != nil {
				t.Fatal(err)
			}
			s.run("", jobCollect, "k", fmt.Sprintf("T%02d", i))
			if n := kept(); i < 30 && n != i+1 || n < min(i+1, 20) || n > 30 {
				t.Fatalf("after %d jobs, %d are kept", i+1, n)
			}
		}
		for _, i := range []int{10, 11, 31} {
			m, _ := filepath.Glob(s.file(fmt.Sprintf("jobs/k~T%02d.*", i)))
			if want := i > 10; (len(m) == 1) != want {
				t.Errorf("job %d is kept: %v", i, !want)
			}
		}
	})
}
