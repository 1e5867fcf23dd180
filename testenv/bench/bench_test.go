package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ferry-ops/ferry/inventory"
)

func TestPlanRotates(t *testing.T) {
	it := item{rounds: []entry{{"a", 3}, {"b", 1}, {"c", 2}}}
	var got []string
	for r := range it.most() {
		got = append(got, strings.Join(it.order(r), ""))
	}
	if want := []string{"abc", "ca", "a"}; !slices.Equal(got, want) {
		t.Errorf("rounds are %v, want %v", got, want)
	}
}

// The bars need at least three rounds of what they compare.
func TestPlanServesTheBars(t *testing.T) {
	o, err := parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range plan(o) {
		if it.rtt != 0 || it.hosts != 20 || it.work.id != "noop" && it.work.id != "mixed" {
			continue
		}
		for _, e := range it.rounds {
			if e.rounds < 3 && (e.contender != mitogen || it.work.id != "mixed") {
				t.Errorf("%s: %d rounds of %s", it.work.id, e.rounds, e.contender)
			}
		}
	}
}

// Nothing is measured twice, whatever the number of hosts.
func TestPlanMeasuresOnce(t *testing.T) {
	for _, args := range []string{"", "--hosts 1", "--hosts 4", "--quick"} {
		o, err := parse(strings.Fields(args))
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, it := range plan(o) {
			key := fmt.Sprint(it.work.id, it.rtt, it.hosts)
			if seen[key] {
				t.Errorf("%q: %s is measured twice", args, key)
			}
			seen[key] = true
		}
	}
}

// A phase that nobody wants measured is still done if the next one needs it.
func TestPlanGivesWhatAPhaseNeeds(t *testing.T) {
	for phase, want := range map[string]string{"": "[] [first converged]", "first": "[] [first]", "converged": "[first] [converged]", "converged,first": "[] [first converged]"} {
		o, err := parse([]string{"--only", "b", "--rtt", "0", "--phase", phase})
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range plan(o) {
			if got := fmt.Sprint(it.work.given, it.work.phases); got != want {
				t.Errorf("--phase %s: given and measured are %s, want %s", phase, got, want)
			}
		}
	}
}

func TestParse(t *testing.T) {
	for args, want := range map[string]string{"--rtt 5": "round-trip", "--only e": "a, b, c and d", "--hosts 0": "1 or more", "x": "only flags", "--only ab": "a, b, c and d", "--phase second": "first and converged"} {
		if _, err := parse(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", args, err, want)
		}
	}
	o, err := parse([]string{"--quick", "--hosts", "2"})
	if err != nil || o.hosts != 2 || o.repeat != 1 {
		t.Errorf("--quick does not leave --hosts alone: %+v %v", o, err)
	}
	if o.out != "dist/benchmarks" {
		t.Errorf("a check overwrites what was published: it writes to %s", o.out)
	}
}

func TestMixedHasFiftyTasks(t *testing.T) {
	tasks := mixedTasks()
	if len(tasks) != taskCount {
		t.Errorf("%d tasks", len(tasks))
	}
	seen := map[string]bool{}
	for _, k := range tasks {
		if seen[k.kind+k.name] {
			t.Errorf("%s %s is there twice", k.kind, k.name)
		}
		seen[k.kind+k.name] = true
	}
}

// What runs on hosts must at least be a shell's language.
func TestScriptsParse(t *testing.T) {
	for _, w := range works() {
		for _, script := range []string{w.reset, w.verify} {
			if out, err := exec.Command("/bin/sh", "-n", "-c", script).CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s\n%s", w.id, err, out, script)
			}
		}
	}
}

func testSite(t *testing.T) *site {
	return &site{dir: t.TempDir(), ferry: "ferry", self: "bench", identity: "/k", nodes: []node{{"el-1", "127.0.0.1", "admin", 2201}, {"el-2", "127.0.0.1", "admin", 2202}}}
}

func TestInventoryIsRead(t *testing.T) {
	s := testSite(t)
	if err := s.write(""); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"inventory.hcl", "inventory.ini"} {
		inv, set := inventory.Load(t.Context(), []string{s.path(name)}, inventory.Options{})
		if set.HasErrors() {
			t.Fatal(set)
		}
		if hosts, err := inv.Select("all", nil); err != nil || len(hosts) != 2 {
			t.Errorf("%s has %d hosts: %v", name, len(hosts), err)
		}
	}
}

func TestRecaps(t *testing.T) {
	r := run{site: testSite(t)}
	const good = "host  result        ok  changed\nel-1  changed        1        2\nel-2  changed        1        2\n\n2 hosts done, 4 changes in 1s\n"
	const recap = "PLAY RECAP ***\nel-1   : ok=3    changed=2    unreachable=0    failed=0    skipped=0\nel-2   : ok=3    changed=2    unreachable=0    failed=0    skipped=0\n"
	for name, c := range map[string]struct {
		err error
		bad bool
	}{
		"ferry":                 {ferryRecap(r, good, 3, 2), false},
		"ferry, any changes":    {ferryRecap(r, good, 3, -1), false},
		"ferry, too few tasks":  {ferryRecap(r, good, 4, 2), true},
		"ferry, changed others": {ferryRecap(r, good, 3, 0), true},
		"ferry, one host":       {ferryRecap(r, strings.Replace(good, "el-2 ", "el-3 ", 1), 3, 2), true},
		"ferry, nothing":        {ferryRecap(r, "", 3, 2), true},
		"ferry, nothing to do":  {ferryRecap(r, "host  result  ok\nel-1  ok       3\nel-2  ok       3\n\n2 hosts done, no changes in 1s\n", 3, 0), false},
		"ansible":               {ansibleRecap(r, recap, 3, 2), false},
		"ansible, failed":       {ansibleRecap(r, strings.Replace(recap, "failed=0", "failed=1", 1), 3, 2), true},
		"ansible, lost":         {ansibleRecap(r, strings.Replace(recap, "unreachable=0", "unreachable=1", 1), 3, 2), true},
		"ansible, one host":     {ansibleRecap(r, recap[:strings.Index(recap, "el-2")], 3, 2), true},
	} {
		if (c.err != nil) != c.bad {
			t.Errorf("%s: %v", name, c.err)
		}
	}
}

// Everything a contender is told to run is there once prepare has written it.
func TestCommands(t *testing.T) {
	for _, w := range works() {
		dir := t.TempDir()
		if err := w.prepare(dir); err != nil {
			t.Fatal(err)
		}
		for _, c := range []string{floor, ferry, clush, mitogen, ansible} {
			cmd := w.command(run{work: w, contender: c, site: testSite(t), files: dir, scratch: "/scratch"})
			if cmd == nil {
				continue
			}
			for _, a := range cmd.Args {
				if strings.HasPrefix(a, dir) {
					if m, err := filepath.Glob(a); err != nil || len(m) != 1 {
						t.Errorf("%s, %s: %s is not there", w.id, c, a)
					}
				}
			}
		}
	}
}
