package run_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-ops/ferry/engine/run"
)

// flush_handlers runs handlers where it stands, also in a set that is used for
// several elements and in a hook of a stack, of both of which copies are made.
func TestFlushInSetsAndHooks(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"set/main.hcl": `task "act" "t" { notify = [handler.act.h] }
flush_handlers {}
task "act" "after" {}
handler "act" "h" {}
`,
		"stack/stack.hcl": `stack "web" {}
hook "start" {
  task "act" "s" { notify = [handler.act.sh] }
  flush_handlers {}
  task "act" "safter" {}
}
handler "act" "sh" {}
`,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pb := playbookOf(t, dir, `stack "web" { source = "./stack" }
play "p" {
  hosts = "all"
  use "one" { source = "./set" }
  use "many" {
    source   = "./set"
    for_each = ["x", "y"]
  }
  call "start" {}
}`)
	w := newWorld()
	runPlaybook(t, w, pb, run.Options{}, "a")
	set := "a act t, a act h, a act after, "
	if got := strings.Join(w.log, ", "); got != set+set+set+"a act s, a act sh, a act safter" {
		t.Errorf("did %s", got)
	}
}
