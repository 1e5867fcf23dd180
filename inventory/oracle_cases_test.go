package inventory_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// oracleCase is an inventory that Ansible and ferry both read.
type oracleCase struct {
	name  string
	files map[string]string // by path below the case's directory
	path  string            // what is read, "" for the directory
}

// key names the case's content, for the recorded answers.
func (c oracleCase) key() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%q\n", c.path, patterns)
	for _, f := range slices.Sorted(maps.Keys(c.files)) {
		fmt.Fprintf(h, "%q %q\n", f, c.files[f])
	}
	return c.name + "-" + hex.EncodeToString(h.Sum(nil))[:12]
}

// write makes the case's files and returns what is to be read.
func (c oracleCase) write(t *testing.T, dir string) string {
	t.Helper()
	dir = filepath.Join(dir, c.name)
	for name, text := range c.files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, c.path)
}

func oracleCases(t *testing.T) []oracleCase {
	t.Helper()
	var out []oracleCase
	files, err := filepath.Glob("testdata/ini/*")
	if err != nil || len(files) < 20 {
		t.Fatalf("inventories: %d, %v", len(files), err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, oracleCase{name: filepath.Base(f), files: map[string]string{filepath.Base(f): string(text)}, path: filepath.Base(f)})
	}
	one := func(name, file, text string) {
		out = append(out, oracleCase{name: name, files: map[string]string{file: text}, path: file})
	}
	random := func(seed uint64, i int) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(i))) }
	for i := range 150 {
		one(fmt.Sprintf("ini%03d", i), "hosts.ini", generate(random(1, i)))
	}
	for i := range 120 {
		one(fmt.Sprintf("yaml%03d", i), "hosts.yml", generateYAML(random(2, i)))
	}
	for i := range 80 {
		out = append(out, oracleCase{name: fmt.Sprintf("program%03d", i), files: map[string]string{"prog": generateProgram(random(3, i))}, path: "prog"})
	}
	for i := range 100 {
		out = append(out, oracleCase{name: fmt.Sprintf("dir%03d", i), files: generateDir(random(4, i))})
	}
	for i, r := range ranges {
		one(fmt.Sprintf("range-ini%02d", i), "hosts.ini", r+"\n[web]\n"+r+" a=1\n")
		one(fmt.Sprintf("range-yaml%02d", i), "hosts.yml", fmt.Sprintf("web:\n  hosts:\n    %q: {a: 1}\n", r))
	}
	for _, name := range slices.Sorted(maps.Keys(badInventories)) {
		one("bad-"+strings.ReplaceAll(name, ".", "-"), name, badInventories[name])
	}
	return out
}

// ranges with steps, letters and padding, IPv6 and ports.
var ranges = []string{
	"h[1:3]", "h[01:03]", "h[001:010:3]", "h[0:9:4]", "h[:3]", "h[1:3].example", "a[1:2]b[3:4]c", "h[a:e]", "h[a:e:2]", "h[A:C]", "h[x:C]", "h[9:11]", "h[09:11]",
	"h[5:5]", "[1:3]", "[a:c].example", "h[1:10:10]", "h[1:3]:2222", "::1", "fe80::1", "2001:db8::[1:3]", "[::1]:22", "[2001:db8::1]:2200", "10.0.0.[1:3]", "h-[01:02]-[a:b]",
	"h[00:02]", "h[0:2]", "h[08:12:2]", "h[98:101]", "host:22", "host.example:22",
}

// badInventories are refused by Ansible, or read as something nobody means.
var badInventories = map[string]string{
	"nocolon.yml":      "all:\n  hosts: web1\n web2\n",
	"list.yml":         "- a\n- b\n",
	"scalar.yml":       "hello\n",
	"hostlist.yml":     "web:\n  hosts: [1, 2]\n",
	"tab.yml":          "web:\n\thosts:\n",
	"dup.ini":          "[web]\na\n[web]\nb\n",
	"unclosed.ini":     "[web\na\n",
	"noeq.ini":         "[web:vars]\nabc\n",
	"badkind.ini":      "[web:friends]\na\n",
	"nochild.ini":      "[web:children]\nnothere\n",
	"novars.ini":       "[web:vars]\na=1\n",
	"quote.ini":        "a x='1\n",
	"words.ini":        "a b c\n",
	"range.ini":        "h[1:\n",
	"range2.ini":       "h[a:3]\n",
	"range3.ini":       "h[01:3]\n",
	"range4.ini":       "h[1:9:0]\n",
	"range5.ini":       "h[]\n",
	"cycle.ini":        "[a:children]\nb\n[b:children]\na\n",
	"selfcycle.ini":    "[a:children]\na\n",
	"cycle.yml":        "a:\n  children: {b: {children: {a: }}}\n",
	"broken.json":      "{\"a\": ",
	"array.json":       "[1, 2]\n",
	"fail":             "#!/bin/sh\nexit 1\n",
	"notjson":          "#!/bin/sh\necho hello\n",
	"listjson":         "#!/bin/sh\necho '[1]'\n",
	"allchild.ini":     "[web:children]\nall\n",
	"emptysection.ini": "[]\na\n",
}

var yamlValues = []string{
	"1", "01", "-7", "1.5", "1e3", "1.0e+3", "0x1F", "0o14", "017", "1_000", "true", "yes", "No", "on", "OFF", "y", "null", "~", "", "abc", "'q s'", "\"d\\tq\"", "[1, two, 3.0]",
	"{a: 1, b: [x, y]}", "2020-01-02", "\"1\"", "'yes'", "a b c", "!!str 12", "-", "\"é\"", "[]", "{}", "|\n          two\n          lines\n", ">-\n          folded\n          text\n", "0.10", "+12",
}

// generateYAML writes a random YAML inventory.
func generateYAML(r *rand.Rand) string {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	hosts := []string{"web01", "web[01:03]", "web02", "db[1:5:2]", "db01", "host.example", "x-[a:c]", "alone", "\"::1\""}
	var b strings.Builder
	vars := func(indent string, n int, names ...string) {
		seen := map[string]bool{}
		for range n {
			v := pick(names...)
			if !seen[v] {
				seen[v] = true
				fmt.Fprintf(&b, "%s%s: %s\n", indent, v, strings.TrimRight(pick(yamlValues...), "\n"))
			}
		}
	}
	members := func(indent string) {
		fmt.Fprintf(&b, "%shosts:\n", indent)
		seen := map[string]bool{}
		for range 1 + r.IntN(3) {
			h := pick(hosts...)
			if seen[h] {
				continue
			}
			seen[h] = true
			fmt.Fprintf(&b, "%s  %s:\n", indent, h)
			vars(indent+"    ", r.IntN(3), "a", "b", "c", "ansible_x")
		}
	}
	b.WriteString("all:\n")
	if r.IntN(2) == 0 {
		members("  ")
	}
	if r.IntN(2) == 0 {
		b.WriteString("  vars:\n")
		vars("    ", 1+r.IntN(2), "a", "z")
	}
	b.WriteString("  children:\n")
	for _, g := range []string{"web", "db"} {
		fmt.Fprintf(&b, "    %s:\n", g)
		if r.IntN(3) > 0 {
			members("      ")
		}
		if r.IntN(2) == 0 {
			b.WriteString("      vars:\n")
			vars("        ", 1+r.IntN(2), "a", "b", "d")
		}
		if g == "db" && r.IntN(2) == 0 {
			b.WriteString("      children:\n        web:\n        prod:\n")
		}
	}
	if r.IntN(2) == 0 {
		b.WriteString("prod:\n")
		members("  ")
	}
	return b.String()
}

// generateProgram writes a program that prints an inventory, with the variables
// of hosts in _meta or one host at a time.
func generateProgram(r *rand.Rand) string {
	values := []any{1, 1.5, "x", "01", true, nil, []any{1, "a"}, map[string]any{"k": "v"}, "yes", ""}
	some := func(names ...string) map[string]any {
		out := map[string]any{}
		for _, n := range names {
			if r.IntN(2) == 0 {
				out[n] = values[r.IntN(len(values))]
			}
		}
		return out
	}
	all := []string{"web01", "web02", "db01", "alone", "host.example", "::1"}
	pick := func() []string {
		out := []string{}
		for _, h := range all {
			if r.IntN(3) == 0 {
				out = append(out, h)
			}
		}
		return out
	}
	doc := map[string]any{
		"web":  map[string]any{"hosts": pick(), "vars": some("a", "b")},
		"db":   pick(),
		"prod": map[string]any{"children": []string{"web"}, "vars": some("a", "c")},
	}
	if r.IntN(2) == 0 {
		doc["all"] = map[string]any{"children": []string{"web", "db", "prod", "ungrouped"}, "vars": some("z")}
	}
	if r.IntN(2) == 0 {
		doc["ungrouped"] = map[string]any{"hosts": []string{"alone"}}
	}
	perHost := map[string]any{}
	for _, h := range all {
		perHost[h] = some("a", "h", "ansible_x")
	}
	meta := r.IntN(2) == 0
	if meta {
		doc["_meta"] = map[string]any{"hostvars": perHost}
	}
	text := func(v any) string { s, _ := json.Marshal(v); return strings.ReplaceAll(string(s), "'", "'\\''") }
	var b strings.Builder
	fmt.Fprintf(&b, "#!/bin/sh\ncase \"$1\" in\n--list) echo '%s' ;;\n--host) case \"$2\" in\n", text(doc))
	for _, h := range all {
		fmt.Fprintf(&b, "  %s) echo '%s' ;;\n", h, text(perHost[h]))
	}
	b.WriteString("  *) echo '{}' ;;\n  esac ;;\nesac\n")
	return b.String()
}

// generateDir writes a directory of sources with group_vars and host_vars.
func generateDir(r *rand.Rand) map[string]string {
	out := map[string]string{"10-hosts": generate(r)}
	if r.IntN(2) == 0 {
		out["20-more.yml"] = "prod:\n  hosts:\n    web01: {a: 7}\n    extra:\n  vars: {d: 2}\n"
	}
	if r.IntN(2) == 0 {
		out["30-prog"] = generateProgram(r)
	}
	if r.IntN(2) == 0 {
		out["15-more.ini"] = "[web]\nnotread\n"
	}
	if r.IntN(2) == 0 {
		out["hosts.bak"] = "[[[\n"
	}
	yaml := func(names ...string) string {
		var b strings.Builder
		b.WriteString("---\n")
		for _, n := range names {
			if r.IntN(2) == 0 {
				fmt.Fprintf(&b, "%s: %s\n", n, yamlValues[r.IntN(17)])
			}
		}
		b.WriteString("always: 1\n")
		return b.String()
	}
	if r.IntN(2) == 0 {
		out["group_vars/all.yml"] = yaml("a", "ga", "gb")
	} else {
		out["group_vars/all/one.yml"] = yaml("ga", "gb")
		out["group_vars/all/two.yml"] = yaml("gb", "gc")
	}
	for _, g := range []string{"web", "db", "prod"} {
		switch r.IntN(4) {
		case 0:
			out["group_vars/"+g+".yml"] = yaml("a", "b", "e")
		case 1:
			out["group_vars/"+g] = yaml("a", "b", "e")
		case 2:
			out["group_vars/"+g+"/main.yml"] = yaml("a", "b")
			out["group_vars/"+g+"/z.yaml"] = yaml("b", "e")
		}
	}
	for _, h := range []string{"web01", "db01", "alone"} {
		switch r.IntN(3) {
		case 0:
			out["host_vars/"+h+".yml"] = yaml("a", "h")
		case 1:
			out["host_vars/"+h+".json"] = `{"a": "json", "always": 1, "list": [1, 2]}`
		}
	}
	return out
}
