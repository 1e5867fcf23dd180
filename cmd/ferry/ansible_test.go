package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// notCompared is said, loudly, where Ansible is not there to compare with.
const notCompared = "NOT COMPARED WITH ANSIBLE: %s is not installed, so what the page says of Ansible is not checked. Install the package ansible-core."

// cmdConsole runs the lines of a console block that begin with "$ ferry", one
// after the other, all of which must end with 0. Lines of Ansible are read by
// TestAnsibleCommandLines.
func cmdConsole(ts *testscript.TestScript, neg bool, args []string) {
	var lines []string
	for _, l := range strings.Split(ts.ReadFile(args[0]), "\n") {
		if cmd, ok := strings.CutPrefix(l, "$ "); ok && !strings.HasPrefix(cmd, "ansible") {
			lines = append(lines, cmd)
		}
	}
	if len(lines) == 0 {
		ts.Fatalf("%s has no line that begins with \"$ ferry\"", args[0])
	}
	ts.Check(ts.Exec("sh", "-ec", strings.Join(lines, "\n")))
}

// cmdOnlyParsed says that a console block is not run, and why: its lines are
// parsed by a test of the command line.
func cmdOnlyParsed(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("only-parsed FILE REASON …")
	}
}

type listing struct {
	Groups []struct {
		Name            string
		Children, Hosts []string
	}
	Hosts []struct {
		Name       string
		Groups     []string
		Connection map[string]any
		Vars       map[string]any
	}
}

// ferryReads is an inventory as ferry reads it.
func ferryReads(ts *testscript.TestScript, file string) listing {
	ts.Check(ts.Exec("ferry", "inventory", "list", "--json", "-i", file))
	var l listing
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &l))
	if len(l.Hosts) == 0 {
		ts.Fatalf("%s has no hosts", file)
	}
	return l
}

// cmdSame asserts that inventories are the same: hosts, groups, connections,
// variables (but those of Ansible's connection): same FILE FILE ….
func cmdSame(ts *testscript.TestScript, neg bool, args []string) {
	plain := func(file string) listing {
		l := ferryReads(ts, file)
		for _, h := range l.Hosts {
			for k := range h.Vars {
				if strings.HasPrefix(k, "ansible_") {
					delete(h.Vars, k)
				}
			}
		}
		for i := range l.Groups {
			slices.Sort(l.Groups[i].Children)
		}
		return l
	}
	first := plain(args[0])
	for _, other := range args[1:] {
		if d := cmp.Diff(first, plain(other)); d != "" {
			ts.Fatalf("(-%s +%s):\n%s", args[0], other, d)
		}
	}
}

// cmdAgree asserts that ansible-inventory and ferry read the same hosts, groups
// and variables from inventories: agree FILE ….
func cmdAgree(ts *testscript.TestScript, neg bool, args []string) {
	for _, file := range args {
		l := ferryReads(ts, file)
		if _, err := exec.LookPath("ansible-inventory"); err != nil {
			ts.Logf(notCompared, "ansible-inventory")
			continue
		}
		ts.Check(ts.Exec("ansible-inventory", "--list", "-i", file))
		var all map[string]json.RawMessage
		ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &all))
		var meta struct{ Hostvars map[string]map[string]any }
		ts.Check(json.Unmarshal(all["_meta"], &meta))
		got, want := map[string]map[string]any{}, meta.Hostvars
		groups, theirs := map[string][]string{}, map[string][]string{}
		for _, h := range l.Hosts {
			if len(h.Vars) > 0 {
				got[h.Name] = h.Vars
			}
		}
		for _, g := range l.Groups {
			if len(g.Hosts) > 0 {
				groups[g.Name] = sortedStrings(g.Hosts)
			}
		}
		for name, raw := range all {
			var g struct{ Hosts []string }
			if name != "_meta" && json.Unmarshal(raw, &g) == nil && len(g.Hosts) > 0 {
				theirs[name] = sortedStrings(g.Hosts)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			ts.Fatalf("variables of %s (-ansible +ferry):\n%s", file, d)
		}
		if d := cmp.Diff(theirs, groups); d != "" {
			ts.Fatalf("groups of %s (-ansible +ferry):\n%s", file, d)
		}
	}
}

func sortedStrings(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

// ansible runs one of Ansible's programs, or skips the test loudly.
func ansible(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf(notCompared, program)
	}
	cmd := exec.Command(program, args...) //nolint:gosec // Ansible
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ANSIBLE_NOCOLOR=1", "ANSIBLE_LOCALHOST_WARNING=false", "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
	return string(out)
}

// The playbooks in YAML are ones that Ansible takes.
func TestAnsiblePlaybooksOfThePage(t *testing.T) {
	root := t.TempDir()
	args := []string{"--syntax-check", "-i", "localhost,"}
	for i, s := range readPage(t, ansiblePage) {
		dir := filepath.Join(root, string(rune('a'+i/26))+string(rune('a'+i%26)))
		for _, b := range s.blocks {
			file := filepath.Join(dir, b.file)
			if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if b.isPlaybook() {
				args = append(args, file)
			}
		}
	}
	ansible(t, root, "ansible-playbook", args...)
}
