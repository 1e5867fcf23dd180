package run_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/run"
)

// writeFiles writes files of a test, by path.
func writeFiles(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// writeSets writes a set and a stack of cells.
func writeSets(t testing.TB, dir string) {
	t.Helper()
	writeFiles(t, dir, map[string]string{
		"set/main.hcl": `
variable "id" {}
variable "to" { type = number }
task "cell" "one" {
  id = var.id
  to = var.to
  notify = [handler.cell.h]
}
task "cell" "two" {
  id = "b"
  to = task.cell.one.changed ? 1 : 2
}
use "inner" {
  source = "../inner"
  id     = var.id
}
handler "cell" "h" {
  id = "d"
  to = var.to
}
output "was" { value = task.cell.one.was }
`,
		"inner/main.hcl": `
variable "id" {}
task "cell" "three" {
  id = var.id
  to = 2
}
check "cell" "four" {
  id = "a"
  is = 1
  ignore_errors = true
}
`,
		"stack/stack.hcl": `
stack "s" {}
hook "detect" {
  check "cell" "is" {
    id = "a"
    is = 1
  }
}
hook "drain" {
  task "cell" "c" {
    id = "c"
    to = 1
    notify = [handler.cell.h]
  }
  block "always" {
    task "cell" "a" {
      id = "a"
      to = 2
    }
    always {
      task "cell" "again" {
        id = "c"
        to = 0
      }
    }
  }
}
hook "start" {
  task "cell" "c" {
    id = "d"
    to = 1
  }
}
handler "cell" "h" {
  id = "b"
  to = 1
}
`})
}

// convergedTrips runs a playbook whose cells are all as they are to be on a
// distant host, and returns the round trips and the tasks that were told.
func convergedTrips(t *testing.T, dir, src string) (trips, tasks int) {
	t.Helper()
	pb := playbookWith(t, dir, src, cellRegistry())
	synctest.Test(t, func(t *testing.T) {
		c := &cells{value: map[string]int{}}
		for i := range 1000 {
			c.value[fmt.Sprintf("c%d", i)] = 1
		}
		g, _ := pb.Globals(playbook.Inputs{})
		connect := func(context.Context, string, bool, string) (host.Transport, error) { return distant{c}, nil }
		start := time.Now()
		sum, err := run.New(pb, g, connect, run.Options{Mode: run.Apply}).Run(context.Background(),
			[]run.PlayHosts{{Play: pb.Plays[0], Hosts: []run.Host{{HostInfo: playbook.HostInfo{Name: "h"}}}}})
		if err != nil || sum.Hosts["h"].Tasks[event.Changed] != 0 || sum.Hosts["h"].Status != event.OK {
			t.Fatalf("%v %+v", err, sum.Hosts["h"])
		}
		trips, tasks = int(time.Since(start)/time.Second), sum.Hosts["h"].Tasks[event.OK]
	})
	return trips, tasks
}

// Tasks in sets, blocks and hooks cost no more round trips than the same tasks
// in a row.
func TestSetsCostNoRoundTrips(t *testing.T) {
	task := func(name, id string) string {
		return fmt.Sprintf("task \"cell\" %q {\n  id = %s\n  to = 1\n}\n", name, id)
	}
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"set/main.hcl":   "variable \"n\" {}\n" + task("a", `"c${var.n}"`) + task("b", `"c${var.n + 1}"`) + "use \"in\" {\n  source = \"../in\"\n  n = var.n\n}\n" + task("z", `"c${var.n + 2}"`),
		"in/main.hcl":    "variable \"n\" {}\n" + task("a", `"c${var.n}"`) + task("b", `"c${var.n + 1}"`),
		"stack/main.hcl": "stack \"s\" {}\nvariable \"n\" {}\nhook \"detect\" {\n  check \"cell\" \"a\" {\n    id = \"c${var.n}\"\n    is = 1\n  }\n}\nhook \"verify\" {\n" + task("a", `"c${var.n}"`) + task("b", `"c${var.n + 1}"`) + "}\n",
	})
	var row, sets, stacks, calls strings.Builder
	for i := range 50 {
		row.WriteString(task(fmt.Sprintf("t%d", i), fmt.Sprintf("\"c%d\"", i)))
	}
	for i := range 10 {
		fmt.Fprintf(&sets, "use \"u%d\" {\n  source = \"./set\"\n  n = %d\n  when = true\n}\n", i, i)
		fmt.Fprintf(&stacks, "stack \"s%d\" {\n  source = \"./stack\"\n  n = %d\n}\n", i, i)
	}
	calls.WriteString("call \"verify\" {}\n")
	play := func(body string) string { return "play \"p\" {\n  hosts = \"all\"\n" + body + "}\n" }
	inRow, _ := convergedTrips(t, dir, play(row.String()))
	inSets, tasks := convergedTrips(t, dir, play(sets.String()))
	if tasks != 50 || inSets > inRow {
		t.Errorf("%d tasks in 10 sets took %d round trips, and 50 in a row %d", tasks, inSets, inRow)
	}
	inHooks, tasks := convergedTrips(t, dir, stacks.String()+play(calls.String()))
	if tasks != 30 || inHooks > 5 {
		t.Errorf("%d tasks in the hooks of 10 stacks took %d round trips, more than 5", tasks, inHooks)
	}
	t.Logf("in a row: %d, in sets: %d, in hooks: %d round trips", inRow, inSets, inHooks)
}

// What a host had is remembered over a resume: it may not show it any more.
func TestResumeRemembersStacks(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"stack/main.hcl": `
stack "s" {}
hook "detect" {
  check "look" "it" {}
}
hook "start" {
  task "settle" "up" {}
}
`})
	pb := playbookOf(t, dir, "stack \"s\" { source = \"./stack\" }\nplay \"p\" {\n  hosts = \"all\"\n  call \"start\" {}\n}\n")
	gone := func(r *run.Resume) result {
		w := newWorld()
		w.on["look it"] = exits(1, "nothing")
		return runPlaybook(t, w, pb, run.Options{Resume: r}, "a")
	}
	if got := gone(nil).ended("a"); got != "stack.s.detect.check.look.it skipped" {
		t.Errorf("a new run: %s", got)
	}
	f := run.NewReached(pb, "r1")
	first := runPlaybook(t, newWorld(), pb, run.Options{}, "a")
	for _, e := range first.events {
		if err := f.Event(e); err != nil {
			t.Fatal(err)
		}
		if e.Kind == event.StackDetected {
			break // the run ended here
		}
	}
	if got := gone(f.Resume()).ended("a"); got != "stack.s.start.task.settle.up changed" {
		t.Errorf("resumed: %s", got)
	}
}

// A secret that goes into a set and comes out of it stays one.
func TestSetsHideSecrets(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"set/main.hcl": `
variable "token" {}
locals { header = "Bearer ${var.token}" }
task "settle" "in" { shown = local.header }
output "header" { value = local.header }
`})
	pb := playbookOf(t, dir, `
variable "token" {
  sensitive = true
  default   = "hunter2-hunter2"
}
play "p" {
  hosts = "all"
  use "set" {
    source = "./set"
    token  = var.token
  }
  task "settle" "out" { shown = use.set.header }
}
`)
	got := runPlaybook(t, newWorld(), pb, run.Options{}, "a")
	if ended := got.ended("a"); ended != "use.set.task.settle.in changed, out changed" {
		t.Error(ended)
	}
	if text := got.json(t); strings.Contains(text, "hunter2") {
		t.Errorf("visible: %s", text)
	}
}

// A handler of a set that an earlier run owes runs when the set is entered, and
// stays owed when it is not.
func TestOwedHandlersOfSets(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"set/main.hcl": `
task "settle" "one" { notify = [handler.act.restart] }
handler "act" "restart" {}
`})
	pb := playbookOf(t, dir, `
variable "enter" { default = true }
play "p" {
  hosts = "all"
  use "set" {
    source   = "./set"
    for_each = ["x"]
    when     = var.enter && host.name == "a"
  }
}
`)
	w := newWorld()
	owed := `use.set["0"].handler.act.restart`
	o := run.Options{Pending: map[string]map[string][]string{"a": {"p": {owed}}, "b": {"p": {owed, "handler.act.nothere"}}}}
	w.done["a one"], w.done["b one"] = true, true
	got := runPlaybook(t, w, pb, o, "a", "b")
	if ended := got.ended("a"); ended != `use.set["0"].task.settle.one ok, use.set["0"].handler.act.restart changed` {
		t.Error(ended)
	}
	if left := fmt.Sprint(got.sum.Hosts["b"].Pending); left != "["+owed+"]" {
		t.Errorf("b owes %s", left)
	}
}
