package inventory_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ferry-ops/ferry/inventory"
)

type question struct {
	Path     string   `json:"path"`
	Patterns []string `json:"patterns"`
}

type answer struct {
	Error    string                    `json:"error"`
	Hosts    map[string]map[string]any `json:"hosts"`
	Groups   map[string][]string       `json:"groups"`
	Patterns map[string][]string       `json:"patterns"`
}

// askAnsible runs testdata/oracle.py with the Python that ansible-inventory
// runs with.
func askAnsible(t *testing.T, qs []question) []answer {
	t.Helper()
	bin, err := exec.LookPath("ansible-inventory")
	if err != nil {
		t.Fatal(err)
	}
	head, err := os.ReadFile(bin)
	if err != nil {
		t.Fatal(err)
	}
	python := "python3"
	if line, _, _ := strings.Cut(string(head), "\n"); strings.HasPrefix(line, "#!") {
		python = strings.Fields(line[2:])[0]
	}
	in, err := json.Marshal(qs)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "testdata/oracle.py")
	cmd.Stdin = bytes.NewReader(in)
	cmd.Env = append(os.Environ(), "ANSIBLE_INVENTORY_UNPARSED_FAILED=true", "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=true", "ANSIBLE_DEVEL_WARNING=false")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("oracle: %v\n%s", err, stderr.String())
	}
	var as []answer
	if err := json.Unmarshal(out, &as); err != nil {
		t.Fatal(err)
	}
	return as
}

// plainVars is a host's variables as JSON decodes them.
func plainVars(t *testing.T, h *inventory.Host) map[string]any {
	t.Helper()
	out := map[string]any{}
	for k, raw := range inventory.View(h).Vars {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		out[k] = v
	}
	return out
}

func names(hosts []*inventory.Host) []string {
	out := []string{}
	for _, h := range hosts {
		out = append(out, h.Name)
	}
	return out
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	if s == nil {
		s = []string{}
	}
	return s
}

// compare checks one inventory against Ansible's reading of it.
func compare(t *testing.T, q question, want answer) {
	// Inventories that Ansible reads, and ferry refuses on purpose.
	stricter := map[string]string{
		"scalar.yml":     "the word becomes a host, since Ansible tries its INI reader on a file it cannot read as YAML",
		"bad_range2.ini": "h[5:1] is no host at all for Ansible, and certainly not what was meant",
	}
	inv, set := inventory.Load(context.Background(), []string{q.Path}, inventory.Options{Home: "/home/user"})
	if want.Error != "" {
		if !set.HasErrors() {
			t.Errorf("Ansible refuses this inventory and ferry does not: %s", want.Error)
		}
		return
	}
	if stricter[filepath.Base(q.Path)] != "" {
		if !set.HasErrors() {
			t.Error("ferry is no stricter than Ansible here any more")
		}
		return
	}
	if set.HasErrors() {
		t.Errorf("Ansible reads this inventory and ferry does not: %v", set.Err())
		return
	}
	got := map[string]map[string]any{}
	for _, h := range inv.Hosts {
		got[h.Name] = plainVars(t, h)
	}
	for _, vars := range want.Hosts {
		for k := range vars {
			if strings.Contains(k, "pass") {
				vars[k] = "(sensitive)"
			}
		}
	}
	if d := cmp.Diff(want.Hosts, got); d != "" {
		t.Errorf("variables (-ansible +ferry):\n%s", d)
	}
	groups := map[string][]string{}
	for _, g := range inv.Groups {
		groups[g.Name] = sorted(names(g.Hosts()))
	}
	for k := range want.Groups {
		want.Groups[k] = sorted(want.Groups[k])
	}
	if d := cmp.Diff(want.Groups, groups); d != "" {
		t.Errorf("groups (-ansible +ferry):\n%s", d)
	}
	for _, p := range q.Patterns {
		w := want.Patterns[p]
		hosts, diags := inv.Select(p, nil)
		if diags.HasErrors() {
			// Where Ansible warns and goes on without a name, ferry stops.
			if !strings.Contains(diags[0].Summary, "Unknown host or group") && w != nil {
				t.Errorf("pattern %q: %v", p, diags)
			}
			continue
		}
		if d := cmp.Diff(sorted(w), sorted(names(hosts))); d != "" {
			t.Errorf("pattern %q (-ansible +ferry):\n%s", p, d)
		}
	}
}

var patterns = []string{
	"all", "*", "web", "db", "web:db", "web,db", "web:&db", "web:!db", "all:!web", "!web", "&web", "!web:&db", "web:&db:!web01", "!web01:web",
	"web*", "*1", "w?b01", "~web[0-9]+", "~(web|db)0[12]", "~.*1$", "!~web.*", "web[0]", "web[-1]", "web[0:1]", "web[0-1]", "web[1:]", "web[0:99]", "web*[0]",
	"web[0]:db[0]", "all:!db[0]", "ungrouped", "ungrouped:web", "prod", "prod:&web", "prod:!db:&web*", "web01", "web01:web02", "web01,db01", "[w]eb01", "web0[1-2]x",
	"*.example", "host.example", "::1", "::1,web", "fe80::1", "all,!::1", "web[5]", "web[-2]", " web , db ", "[!w]*", "w*:!*1",
}

// TestAgainstAnsible holds hundreds of inventories and every form of pattern
// against Ansible's reading: live where ansible-core is installed, else against
// the answers it gave when they were recorded (go test -update). With
// FERRY_REQUIRE_ANSIBLE set, it must be installed.
func TestAgainstAnsible(t *testing.T) {
	dir := t.TempDir()
	cases := oracleCases(t)
	qs := make([]question, len(cases))
	for i, c := range cases {
		qs[i] = question{Path: c.write(t, dir), Patterns: patterns}
	}
	answers, live := answersFor(t, cases, qs)
	refused := 0
	for i, a := range answers {
		if a.Error != "" {
			refused++
		}
		t.Run(cases[i].name, func(t *testing.T) {
			compare(t, qs[i], a)
			if t.Failed() {
				for name, text := range cases[i].files {
					t.Logf("%s:\n%s", name, text)
				}
			}
		})
	}
	t.Logf("%d inventories (%d of them refused by both), %d patterns each, live: %t", len(qs), refused, len(patterns), live)
}

const recordedAnswers = "testdata/oracle.json.gz"

// answersFor asks Ansible, or takes what was recorded.
func answersFor(t *testing.T, cases []oracleCase, qs []question) ([]answer, bool) {
	t.Helper()
	if _, err := exec.LookPath("ansible-inventory"); err == nil {
		out := askAnsible(t, qs)
		if *update {
			record(t, cases, out)
		}
		return out, true
	}
	if os.Getenv("FERRY_REQUIRE_ANSIBLE") != "" {
		t.Fatal("ansible-inventory is not installed. Install the package ansible-core.")
	}
	f, err := os.Open(recordedAnswers)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]answer{}
	if err := json.NewDecoder(z).Decode(&known); err != nil {
		t.Fatal(err)
	}
	out := make([]answer, len(cases))
	for i, c := range cases {
		a, ok := known[c.key()]
		if !ok {
			t.Fatalf("there is no recorded answer for %s. With the package ansible-core installed, record them:\n    go test ./inventory -run TestAgainstAnsible -update", c.key())
		}
		out[i] = a
	}
	return out, false
}

func record(t *testing.T, cases []oracleCase, answers []answer) {
	t.Helper()
	all := map[string]answer{}
	for i, c := range cases {
		all[c.key()] = answers[i]
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewEncoder(z).Encode(all); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(recordedAnswers, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// generate writes a random inventory of a few hosts and groups.
func generate(r *rand.Rand) string {
	var b strings.Builder
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	hosts := []string{"web01", "web02", "web[01:03]", "db01", "db[1:5:2]", "host.example", "::1", "[fe80::1]:2222", "x-[a:d]", "alone:2200", "r[01:02]-[a:b]"}
	values := []string{"1", "01", "1.5", "True", "true", "None", "abc", "'q s'", `"d q"`, `"[1, 2]"`, "0x1F", "1e3", "-3", `"{'a': 1}"`, "1,2", "a=b", "-", "1_0", `"'x'"`, "1.2.3"}
	line := func() string {
		l := pick(hosts...)
		for range r.IntN(3) {
			l += " " + pick("a", "b", "c", "ansible_x") + "=" + pick(values...)
		}
		if r.IntN(6) == 0 {
			l += " # comment"
		}
		return l + "\n"
	}
	for range r.IntN(3) {
		b.WriteString(line())
	}
	groups := []string{"web", "db", "prod", "zone-a"}
	for _, g := range groups {
		fmt.Fprintf(&b, "\n[%s]%s\n", g, pick("", "", " # note"))
		for range r.IntN(4) {
			b.WriteString(line())
		}
	}
	for i, g := range groups {
		if r.IntN(2) == 0 && i > 0 {
			fmt.Fprintf(&b, "[%s:children]\n%s\n", g, groups[r.IntN(i)])
		}
		if r.IntN(2) == 0 {
			fmt.Fprintf(&b, "[%s:vars]\n; old\n%s = %s\n%s=%s\n", g, pick("a", "b"), pick(values...), pick("c", "d"), pick(values...))
		}
	}
	if r.IntN(3) == 0 {
		fmt.Fprintf(&b, "[all:vars]\na=%s\nz=%s\n", pick(values...), pick(values...))
	}
	return b.String()
}
