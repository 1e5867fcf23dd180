package run_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-ops/ferry/engine/event"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/run"
)

// What a rescue undoes is what was done: a task that was never reached has
// changed nothing, be it in the block, in a nested one, in a set or an element.
func TestRescueKnowsWhatWasNotReached(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "set"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "set", "main.hcl"), []byte(`task "act" "in" {}
output "did" { value = task.act.in.changed }
`), 0o600); err != nil {
		t.Fatal(err)
	}
	pb := playbookOf(t, dir, `  block "x" {
    task "act" "many" { for_each = ["a", "b"] }
    task "act" "later" {}
    block "inner" {
      task "act" "deep" {}
    }
    use "s" { source = "./set" }
    rescue {
      task "act" "undo_a" { when = task.act.many["0"].changed }
      task "act" "undo_b" { when = task.act.many["1"].changed }
      task "act" "undo_later" { when = task.act.later.changed }
      task "act" "undo_deep" { when = task.act.deep.changed }
      task "act" "undo_set" { when = coalesce(use.s.did, false) }
    }
  }`)
	for fails, want := range map[string]string{
		"a act many": "a act many",
		"a act deep": "a act many, a act many, a act later, a act deep, a act undo_a, a act undo_b, a act undo_later",
		"a act in":   "a act many, a act many, a act later, a act deep, a act in, a act undo_a, a act undo_b, a act undo_later, a act undo_deep",
	} {
		w := newWorld()
		w.on[fails] = exits(1, "")
		r := runPlaybook(t, w, pb, run.Options{}, "a")
		if got := strings.Join(w.log, ", "); got != want || r.sum.Hosts["a"].Status != event.OK {
			t.Errorf("%s fails: did %s; a is %+v", fails, got, r.sum.Hosts["a"])
		}
	}
}

// The elements that a condition leaves out have results like the others.
func TestElementLeftOut(t *testing.T) {
	w := newWorld()
	r := runIn(t, w, `  task "act" "many" {
    for_each = ["a", "b"]
    when     = each.value == "a"
  }
  task "act" "next" { when = !task.act.many["1"].changed && task.act.many["1"].skipped }`, run.Options{}, "a")
	if got := strings.Join(w.log, ", "); got != "a act many, a act next" {
		t.Errorf("did %s; %s", got, r.json(t))
	}
}

// A check of a gate that looks from one host only looks again after each batch.
func TestRunOnceInAGate(t *testing.T) {
	w := newWorld()
	w.on["look shop"] = func(n int) (host.Result, error) {
		return host.Result{Code: map[bool]int{true: 1}[w.seen["a look shop"]+w.seen["b look shop"]+w.seen["c look shop"] > 1]}, nil
	}
	r := runIn(t, w, `play "p" {
  hosts = "all"
  rollout {
    batches = ["1"]
    gate "check" {
      on = "play"
      check "look" "shop" { run_once = true }
    }
  }
  task "act" "x" {}
}`, run.Options{}, "a", "b", "c")
	if got := strings.Join(w.log, ", "); got != "a act x, b act x" || r.sum.Stopped == nil {
		t.Errorf("did %s, stopped at %+v", got, r.sum.Stopped)
	}
}

// A rescue whose tasks --tags leaves out makes up for no failure.
func TestRescueLeftOutByTags(t *testing.T) {
	const src = `  block "x" {
    task "act" "bad" { tags = ["deploy"] }
    rescue {
      task "act" "undo" { tags = ["%s"] }
    }
  }
  task "act" "after" { tags = ["deploy"] }`
	for tag, want := range map[string]string{"other": "a act bad", "deploy": "a act bad, a act undo, a act after", "always": "a act bad, a act undo, a act after"} {
		w := newWorld()
		w.on["act bad"] = exits(1, "")
		r := runIn(t, w, strings.Replace(src, "%s", tag, 1), run.Options{Tags: []string{"deploy"}}, "a")
		if got := strings.Join(w.log, ", "); got != want || (r.sum.Hosts["a"].Status == event.OK) != (tag != "other") {
			t.Errorf("%s: did %s; a is %s", tag, got, r.sum.Hosts["a"].Status)
		}
	}
}
