package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

type inventoryGroup struct {
	Name            string
	Children, Hosts []string
}

type listing struct {
	Groups []inventoryGroup
	Hosts  []struct {
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
		slices.SortFunc(l.Groups, func(a, b inventoryGroup) int { return strings.Compare(a.Name, b.Name) })
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

// needAnsible skips the test, loudly, where a program of Ansible is not installed
// and need not be.
func needAnsible(t *testing.T, program string) string {
	t.Helper()
	bin, err := exec.LookPath(program)
	if err != nil {
		if os.Getenv("FERRY_REQUIRE_ANSIBLE") != "" {
			t.Fatalf(notCompared, program)
		}
		t.Skipf(notCompared, program)
	}
	return bin
}

// ansible runs one of Ansible's programs, or skips the test loudly.
func ansible(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	needAnsible(t, program)
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

var inCode = regexp.MustCompile("`([^`]+)`")

// firstCells are the first cells of a section's tables, in code or not.
func (s *section) firstCells() []string {
	var out []string
	for _, row := range s.rows() {
		out = append(out, row[0])
	}
	return out
}

// rows are the cells of a section's tables, without heads.
func (s *section) rows() [][]string {
	var out [][]string
	for line := range strings.Lines(s.text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			continue
		}
		cells := strings.Split(strings.ReplaceAll(strings.Trim(line, "|"), `\|`, "\x00"), "|")
		for i, c := range cells {
			cells[i] = strings.TrimSpace(strings.ReplaceAll(c, "\x00", "|"))
		}
		if strings.HasPrefix(cells[0], "--") { // the row before was the head
			out = out[:len(out)-1]
			continue
		}
		out = append(out, cells)
	}
	return out
}

// The page answers every word of the lists, and its tables hold no row without
// an answer.
func TestAnsibleWordsAreAnswered(t *testing.T) {
	sections := map[string]*section{}
	for _, s := range readPage(t, ansiblePage) {
		sections[s.title] = s
		for _, row := range s.rows() {
			if len(row) < 2 || row[0] == "" || row[1] == "" {
				t.Errorf("%q: a row without an answer: %q", s.title, row)
			}
		}
	}
	for _, l := range wordLists() {
		s := sections[l.section]
		if s == nil {
			t.Errorf("the page has no section %q", l.section)
			continue
		}
		said := map[string]bool{}
		for _, cell := range s.firstCells() {
			for _, m := range inCode.FindAllStringSubmatch(cell, -1) {
				for _, w := range strings.FieldsFunc(m[1], func(r rune) bool {
					return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
				}) {
					said[w] = true
				}
			}
		}
		var missing []string
		for _, w := range strings.Fields(l.words) {
			if !said[w] {
				missing = append(missing, w)
			}
		}
		if len(missing) > 0 {
			t.Errorf("%s (section %q): not answered: %s", l.name, l.section, strings.Join(missing, " "))
		}
	}
}

// The lists hold what the installed Ansible has.
func TestAnsibleWordsAreThoseOfAnsible(t *testing.T) {
	bin := needAnsible(t, "ansible-inventory")
	head, err := os.ReadFile(bin) //nolint:gosec // Ansible
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(head), "\n")
	script, err := filepath.Abs("testdata/ansible_lists.py")
	if err != nil {
		t.Fatal(err)
	}
	var has map[string]json.RawMessage
	if err := json.Unmarshal([]byte(ansible(t, t.TempDir(), strings.Fields(strings.TrimPrefix(first, "#!"))[0], script)), &has); err != nil {
		t.Fatal(err)
	}
	if v := string(has["version"]); !strings.HasPrefix(v, `"2.14.`) {
		t.Skipf("NOT COMPARED WITH ANSIBLE: the lists are those of ansible-core 2.14, and this is %s", v)
	}
	for _, l := range wordLists() {
		if !l.checked {
			continue
		}
		var want []string
		if err := json.Unmarshal(has[l.name], &want); err != nil {
			t.Fatalf("%s: %v", l.name, err)
		}
		if d := cmp.Diff(want, strings.Fields(l.words)); d != "" {
			t.Errorf("%s (-ansible +list):\n%s", l.name, d)
		}
	}
}

// expressions are the rows of tables with three columns: Jinja, HCL, and what
// both give, as JSON.
func expressions(t *testing.T) (jinja, hcl []string, want []any) {
	t.Helper()
	for _, s := range readPage(t, ansiblePage) {
		if s.title != "Filters" && s.title != "Tests" {
			continue
		}
		for _, row := range s.rows() {
			if len(row) < 3 || strings.HasPrefix(row[1], "no equivalent") || strings.HasPrefix(row[2], "no ") {
				continue
			}
			var v any
			if err := json.Unmarshal([]byte(strings.Trim(row[2], "`")), &v); err != nil {
				t.Errorf("%q: the third column is no JSON: %v", row, err)
				continue
			}
			jinja, hcl, want = append(jinja, strings.Trim(row[0], "`")), append(hcl, strings.Trim(row[1], "`")), append(want, v)
		}
	}
	if len(want) < 60 {
		t.Fatalf("the page compares %d expressions", len(want))
	}
	return jinja, hcl, want
}

// Ansible gives for the left column what the page says.
func TestJinjaExpressions(t *testing.T) {
	jinja, _, want := expressions(t)
	dir := t.TempDir()
	text := "- hosts: localhost\n  gather_facts: false\n  connection: local\n  tasks:\n    - copy:\n        dest: " + dir + "/out.json\n        content: >-\n          {{ [\n"
	for _, e := range jinja {
		text += "          (" + e + "),\n"
	}
	text += "          ] | to_json }}\n"
	if err := os.WriteFile(filepath.Join(dir, "rows.yml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ansible(t, dir, "ansible-playbook", "-i", "localhost,", "rows.yml")
	compareRows(t, filepath.Join(dir, "out.json"), jinja, want)
}

func compareRows(t *testing.T, file string, exprs []string, want []any) {
	t.Helper()
	data, err := os.ReadFile(file) //nolint:gosec // written by this test
	if err != nil {
		t.Fatal(err)
	}
	var got []any
	if err := json.Unmarshal(data, &got); err != nil || len(got) != len(want) {
		t.Fatalf("%d results, want %d: %v\n%s", len(got), len(want), err, data)
	}
	for i, e := range exprs {
		if d := cmp.Diff(want[i], got[i]); d != "" {
			t.Errorf("%s (-page +got):\n%s", e, d)
		}
	}
}

// ferry gives for the middle column what the page says.
func TestHCLExpressions(t *testing.T) {
	_, hcl, want := expressions(t)
	dir, out := t.TempDir(), t.TempDir()
	text := "-- site.hcl --\nplay \"p\" {\n  hosts = \"all\"\n  task \"copy\" \"rows\" {\n    path = \"" + out + "/out.json\"\n    content = jsonencode([\n"
	for _, e := range hcl {
		text += "      " + e + ",\n"
	}
	text = "hosts web1\ncode 0 ferry run site.hcl\n" + text + "    ])\n  }\n}\n"
	if err := os.WriteFile(filepath.Join(dir, "rows.txtar"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("run", func(t *testing.T) {
		testscript.Run(t, testscript.Params{Dir: dir, Setup: setup, RequireExplicitExec: true, Cmds: commands()})
	})
	if !t.Failed() {
		compareRows(t, filepath.Join(out, "out.json"), hcl, want)
	}
}

var quoted = regexp.MustCompile(`'[^']*'`)

// The command lines of Ansible on the page have options that Ansible has.
func TestAnsibleCommandLines(t *testing.T) {
	options := map[string]map[string]bool{}
	for _, l := range wordLists() {
		options[l.name] = map[string]bool{}
		for _, w := range strings.Fields(l.words) {
			options[l.name][w] = true
		}
	}
	n := 0
	for _, s := range readPage(t, ansiblePage) {
		for _, b := range s.blocks {
			for line := range strings.Lines(b.text) {
				words := strings.Fields(quoted.ReplaceAllString(strings.TrimPrefix(line, "$ "), "x"))
				if b.lang != "console" || !strings.HasPrefix(line, "$ ansible") {
					continue
				}
				n++
				for _, w := range words[1:] {
					if strings.HasPrefix(w, "-") && !options[words[0]][w] {
						t.Errorf("%q: %s has no option %s", s.title, words[0], w)
					}
				}
			}
		}
	}
	if n < 20 {
		t.Errorf("the page has %d command lines of Ansible", n)
	}
}
