package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdCode runs a program and asserts its exit code: code N PROGRAM [ARG …].
func cmdCode(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ee *exec.ExitError
		if !errors.As(err, &ee) {
			ts.Fatalf("%v", err)
		}
		got = ee.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// cmdInterrupt runs a program, sends it SIGINT once a file exists (and again,
// with -twice; or SIGKILL, with -kill), and asserts its exit code:
// interrupt [-twice|-kill] FILE N PROGRAM [ARG …]. Another command than an interrupt
// may be given as FILE=drop:HOST.
func cmdInterrupt(ts *testscript.TestScript, neg bool, args []string) {
	twice, kill := args[0] == "-twice", args[0] == "-kill"
	if twice || kill {
		args = args[1:]
	}
	file, fault, isFault := strings.Cut(args[0], "=")
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	path, err := exec.LookPath(args[2])
	ts.Check(err)
	cmd := exec.Command(path, args[3:]...) //nolint:gosec // the program under test
	cmd.Dir = of(ts).work
	cmd.Env = append(of(ts).env.Vars, "NO_COLOR=1")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	ts.Check(cmd.Start())
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	wait := time.After(5 * time.Minute)
	for seen := false; !seen; {
		select {
		case <-wait:
			_ = cmd.Process.Kill()
			ts.Fatalf("%s did not come about\nstdout:\n%s\nstderr:\n%s", file, out.String(), errs.String())
		case err := <-done:
			ts.Fatalf("%s ended early (%v)\nstdout:\n%s\nstderr:\n%s", args[2], err, out.String(), errs.String())
		case <-time.After(20 * time.Millisecond):
			_, err := os.Stat(ts.MkAbs(file))
			seen = err == nil
		}
	}
	if kill {
		ts.Check(cmd.Process.Kill())
	} else if isFault {
		what, name, _ := strings.Cut(fault, ":")
		cmdFault(ts, false, []string{name, what})
	} else {
		ts.Check(cmd.Process.Signal(os.Interrupt))
		if twice {
			time.Sleep(200 * time.Millisecond) // two signals at once are one
			ts.Check(cmd.Process.Signal(os.Interrupt))
		}
	}
	err = <-done
	fmt.Fprint(ts.Stdout(), out.String())
	fmt.Fprint(ts.Stderr(), errs.String())
	ts.Check(os.WriteFile(ts.MkAbs("out"), out.Bytes(), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("err"), errs.Bytes(), 0o600))
	if got := cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("exit code %d (%v), want %d", got, err, want)
	}
}

// cmdJSONLines asserts that every line of a file is a JSON object with a
// schema_version.
func cmdJSONLines(ts *testscript.TestScript, neg bool, args []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	for i, line := range lines {
		var x map[string]any
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			ts.Fatalf("line %d is not JSON: %v: %s", i+1, err, line)
		}
		if _, ok := x["schema_version"]; !ok {
			ts.Fatalf("line %d has no schema_version: %s", i+1, line)
		}
	}
}

var headline = regexp.MustCompile(`(?m)^│ (?:Error|Warning): (.*)$`)

// cmdDiag asserts that standard error holds exactly one diagnostic, with this
// summary and place ("" for none): diag SUMMARY FILE:LINE.
func cmdDiag(ts *testscript.TestScript, neg bool, args []string) {
	text := ts.ReadFile("stderr")
	found := headline.FindAllStringSubmatch(text, -1)
	if len(found) != 1 {
		ts.Fatalf("%d diagnostics, want 1", len(found))
	}
	if found[0][1] != args[0] {
		ts.Fatalf("the diagnostic is %q, want %q", found[0][1], args[0])
	}
	place := ""
	if m := regexp.MustCompile(`(?m)^│   on (\S+) line (\d+)`).FindStringSubmatch(text); m != nil {
		place = m[1] + ":" + m[2]
	}
	if place != args[1] {
		ts.Fatalf("the diagnostic is at %q, want %q", place, args[1])
	}
}

// cmdAbsent asserts that a text is in no file below a directory: absent TEXT DIR.
func cmdAbsent(ts *testscript.TestScript, neg bool, args []string) {
	files := 0
	ts.Check(filepath.WalkDir(ts.MkAbs(args[1]), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path) //nolint:gosec // written by this test
		if err == nil && bytes.Contains(b, []byte(args[0])) {
			ts.Fatalf("%s holds %q", path, args[0])
		}
		return err
	}))
	if files == 0 {
		ts.Fatalf("%s holds no file", args[1])
	}
}
