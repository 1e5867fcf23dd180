package inventory_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/inventory"
)

func load(t *testing.T, paths ...string) (*inventory.Inventory, diag.Set) {
	t.Helper()
	return inventory.Load(context.Background(), paths, inventory.Options{Home: "/home/user"})
}

func mustLoad(t *testing.T, paths ...string) *inventory.Inventory {
	t.Helper()
	inv, set := load(t, paths...)
	if err := set.Err(); err != nil {
		t.Fatal(err)
	}
	return inv
}

func render(t *testing.T, set diag.Set) string {
	t.Helper()
	var b strings.Builder
	if err := diag.Render(&b, set, diag.Options{Width: 100}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// tree writes files, named by their path and given by their content, and
// returns their directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if strings.HasPrefix(content, "#!") {
			mode = 0o755
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFull(t *testing.T) {
	inv := mustLoad(t, "testdata/full/hosts.hcl")
	js, err := inv.List(inv.Hosts).JSON()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "full.json", string(js))
	golden(t, "full.graph", inv.Graph(inv.Group("all")))
	var text strings.Builder
	for _, h := range inv.Hosts {
		text.WriteString(inventory.View(h).Text())
	}
	golden(t, "full.txt", text.String())
	all := string(js) + text.String() + fmt.Sprintf("%+v %#v %q", inv.Host("el-1").Connection, inv.Host("el-1").Connection.Password, inv.Host("el-1").Connection.Password)
	if strings.Contains(all, "hunter2") {
		t.Error("a sensitive value is shown")
	}
	if p := inv.Host("el-1").Connection.Password.Reveal(); p != "hunter2" {
		t.Errorf("password %q", p)
	}
	if !json.Valid(js) {
		t.Error("invalid JSON")
	}
}

// TestSameInEveryForm: one inventory, written in each form.
func TestSameInEveryForm(t *testing.T) {
	forms := map[string]string{
		"hosts.hcl": `group "prod" {
  vars = { tier = "p", n = 1 }
  group "web" {
    user = "me"
    host "w[1:2]" { vars = { x = 5 } }
  }
}
host "alone" { port = 2222 }`,
		"hosts.ini": "alone:2222\n[web]\nw[1:2] x=5\n[web:vars]\nansible_user=me\n[prod:children]\nweb\n[prod:vars]\ntier=p\nn=1\n",
		"hosts.yml": `all:
  hosts:
    alone: {ansible_port: 2222}
  children:
    prod:
      vars: {tier: p, n: 1}
      children:
        web:
          hosts:
            w[1:2]:
              x: 5
          vars:
            ansible_user: me
`,
		"hosts.json": `{"_meta": {"hostvars": {"alone": {"ansible_port": 2222}, "w1": {"x": 5}, "w2": {"x": 5}}},
 "all": {"children": ["ungrouped", "prod"]}, "ungrouped": {"hosts": ["alone"]},
 "prod": {"children": ["web"], "vars": {"tier": "p", "n": 1}}, "web": {"hosts": ["w1", "w2"], "vars": {"ansible_user": "me"}}}`,
		"program": "#!/bin/sh\n" + `case $1 in
--list) echo '{"ungrouped": ["alone"], "prod": {"children": ["web"], "vars": {"tier": "p", "n": 1}}, "web": {"hosts": ["w1", "w2"], "vars": {"ansible_user": "me"}}}' ;;
--host) case $2 in alone) echo '{"ansible_port": 2222}' ;; *) echo '{"x": 5}' ;; esac ;;
esac`,
	}
	type host struct {
		Groups []string
		Conn   inventory.Connection
		Vars   map[string]any
	}
	var want map[string]host
	for _, name := range []string{"hosts.hcl", "hosts.ini", "hosts.yml", "hosts.json", "program"} {
		dir := tree(t, map[string]string{name: forms[name]})
		inv := mustLoad(t, filepath.Join(dir, name))
		got := map[string]host{}
		for _, h := range inv.Hosts {
			vars := plainVars(t, h)
			for k := range vars {
				if strings.HasPrefix(k, "ansible_") {
					delete(vars, k)
				}
			}
			got[h.Name] = host{h.GroupNames(), h.Connection, vars}
		}
		if want == nil {
			want = got
			continue
		}
		if d := cmp.Diff(want, got, cmp.AllowUnexported(inventory.Secret{})); d != "" {
			t.Errorf("%s (-hcl +this):\n%s", name, d)
		}
	}
	if c := want["w1"]; c.Conn.User != "me" || c.Vars["tier"] != "p" || !slices.Equal(c.Groups, []string{"prod", "web"}) {
		t.Errorf("w1: %+v", c)
	}
	if c := want["alone"]; c.Conn.Port != 2222 || !slices.Equal(c.Groups, []string{"ungrouped"}) {
		t.Errorf("alone: %+v", c)
	}
}

func TestAnsibleConnectionVariables(t *testing.T) {
	dir := tree(t, map[string]string{"hosts": `[a]
h1 ansible_host=10.0.0.1 ansible_become=yes ansible_ssh_private_key_file=k/id ansible_ssh_common_args='-o ProxyJump=me@jump:2200 -o StrictHostKeyChecking=accept-new'
h2 ansible_ssh_common_args='-o ProxyCommand="ssh -q -W %h:%p me@bastion"' ansible_connection=local
h3 ansible_ssh_common_args='-J one,two -o ConnectTimeout=7' ansible_become=false
h4 ansible_ssh_common_args='-L 80:x:80 -o Foo=bar'
`})
	inv, set := load(t, filepath.Join(dir, "hosts"))
	if set.HasErrors() || len(set.Diags) != 1 || !strings.Contains(set.Diags[0].Detail, "-L 80:x:80 -o Foo=bar") {
		t.Errorf("diagnostics: %v", set.Diags)
	}
	want := map[string]inventory.Connection{
		"h1": {Kind: "ssh", Address: "10.0.0.1", Become: true, BecomeSet: true, IdentityFile: filepath.Join(dir, "k/id"), Jump: []string{"me@jump:2200"}, HostKeyPolicy: "accept-new"},
		"h2": {Kind: "local", Address: "h2", Jump: []string{"me@bastion"}},
		"h3": {Kind: "ssh", Address: "h3", Jump: []string{"one", "two"}, ConnectTimeout: 7 * time.Second, BecomeSet: true},
		"h4": {Kind: "ssh", Address: "h4"},
	}
	for name, w := range want {
		if d := cmp.Diff(w, inv.Host(name).Connection, cmp.AllowUnexported(inventory.Secret{})); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestVagrant(t *testing.T) {
	dir := tree(t, map[string]string{"machines": `Host el7
  HostName 127.0.0.1
  User vagrant
  Port 2222
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  PasswordAuthentication no
  IdentityFile "/a dir/private_key"
  IdentitiesOnly yes

Host *
  User other
`})
	inv := mustLoad(t, filepath.Join(dir, "machines"))
	want := inventory.Connection{Kind: "ssh", Address: "127.0.0.1", Port: 2222, User: "vagrant", IdentityFile: "/a dir/private_key", HostKeyPolicy: "accept-new"}
	if d := cmp.Diff(want, inv.Host("el7").Connection, cmp.AllowUnexported(inventory.Secret{})); d != "" || len(inv.Hosts) != 1 {
		t.Error(d, len(inv.Hosts))
	}
}

func TestDirectoryAndPrecedence(t *testing.T) {
	dir := tree(t, map[string]string{
		"10-a":               "[web]\nw1 a=ini b=ini c=ini\n[web:vars]\ng=ini\nh=ini\n",
		"20-b.hcl":           "group \"web\" {\n  vars = { g = \"hcl\" }\n}\nhost \"w1\" {\n  vars = { b = \"hcl\" }\n}\n",
		"30-c.ini.orig":      "[[[",
		".hidden":            "[[[",
		"notes.md":           "[[[",
		"sub/x.yml":          "web: {hosts: {w2: {}}}\n",
		"group_vars/web.yml": "h: file\ni: file\n",
		"group_vars/all.yml": "i: all\nj: all\n",
		"host_vars/w1.yml":   "c: file\n",
	})
	inv := mustLoad(t, dir)
	got := plainVars(t, inv.Host("w1"))
	want := map[string]any{"a": "ini", "b": "hcl", "c": "file", "g": "hcl", "h": "file", "i": "file", "j": "all"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if n := names(inv.Group("web").Hosts()); !slices.Equal(n, []string{"w1", "w2"}) {
		t.Error(n)
	}
}

func TestListOfHosts(t *testing.T) {
	inv := mustLoad(t, "b,a[1:2],::1,c:22")
	if n := names(inv.Hosts); !slices.Equal(n, []string{"b", "a1", "a2", "::1", "c"}) || inv.Host("c").Connection.Port != 22 {
		t.Error(n)
	}
}

// TestBadInput: what is no inventory is a message, soon and in little memory.
func TestBadInput(t *testing.T) {
	dir := tree(t, map[string]string{
		"binary.ini":  "web\x00\x01",
		"latin1.hcl":  "host \"caf\xe9\" {}\n",
		"latin1.ini":  "[web]\ncaf\xe9\n",
		"deep.hcl":    "group \"a\" { vars = { x = " + strings.Repeat("[", 200_000) + " } }",
		"bangs.hcl":   "group \"a\" { vars = { x = " + strings.Repeat("!", 200_000) + "true } }",
		"deep.yml":    "a: " + strings.Repeat("[", 5000) + "\n",
		"deep.json":   strings.Repeat(`{"a":`, 5000),
		"bomb.yml":    "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + bomb(),
		"self.yml":    "a: &a {hosts: *a}\n",
		"dense.hcl":   "x = [" + strings.Repeat("1,", 2_000_000) + "]",
		"dense.yml":   "x: [" + strings.Repeat("1,", 4_000_000) + "]",
		"line.yml":    "x: [" + strings.Repeat("1, ", 300_000) + "1]",
		"line.json":   `{"x": [` + strings.Repeat("1, ", 300_000) + "1]}",
		"many.ini":    "web[1:999999999999]\n",
		"many2.ini":   strings.Repeat("w[0:9]", 12) + "\n",
		"junk.ini":    strings.Repeat("not an inventory\n", 5000),
		"slow":        "#!/bin/sh\nsleep 60\n",
		"flood":       "#!/bin/sh\nyes '{'\n",
		"fail":        "#!/bin/sh\necho no token >&2; exit 3\n",
		"notjson":     "#!/bin/sh\necho hello\n",
		"nointerp":    "#!/nonexistent/interpreter\n",
		"twodocs.yml": "a: {}\n---\nb: {}\n",
		"twice.yml":   "a: {hosts: {x: }}\na: {}\n",
	})
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	big := filepath.Join(dir, "big.ini")
	if err := os.WriteFile(big, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(big, 100<<20); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"binary.ini": "Not a text file", "latin1.hcl": "Invalid UTF-8", "latin1.ini": "Invalid UTF-8", "deep.hcl": "Nested too deeply", "bangs.hcl": "Expression too long",
		"deep.yml": "Invalid YAML|Nested too deeply", "deep.json": "Nested too deeply", "bomb.yml": "Too many aliases|Invalid YAML", "self.yml": "Nested too deeply|Too many aliases|Invalid YAML",
		"dense.hcl": "File too large", "dense.yml": "File too large", "line.yml": "Invalid group", "line.json": "Invalid group|Invalid host",
		"many.ini": "Invalid host", "many2.ini": "Invalid host", "junk.ini": "Invalid variable", "fifo": "Not a regular file", "big.ini": "File too large",
		"slow": "Inventory program too slow", "flood": "Inventory program prints too much", "fail": "Inventory program failed", "notjson": "Invalid JSON",
		"nointerp": "Inventory program cannot be run", "twodocs.yml": "More than one document", "twice.yml": "Key twice", "missing.ini": "File not found",
	} {
		start := time.Now()
		o := inventory.Options{}
		if name == "slow" {
			o.ProgramTimeout = 300 * time.Millisecond
		}
		_, set := inventory.Load(context.Background(), []string{filepath.Join(dir, name)}, o)
		var got []string
		for _, d := range set.Diags {
			got = append(got, d.Summary)
		}
		if !set.HasErrors() || !slices.ContainsFunc(strings.Split(want, "|"), func(w string) bool { return slices.Contains(got, w) }) {
			t.Errorf("%s: want %q, got %v", name, want, set.Err())
		}
		if len(set.Diags) > 30 {
			t.Errorf("%s: %d diagnostics", name, len(set.Diags))
		}
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("%s took %s", name, d)
		}
	}
}

func TestLoopOfDirectories(t *testing.T) {
	dir := tree(t, map[string]string{"sub/a": "h\n"})
	if err := os.Symlink("..", filepath.Join(dir, "sub", "loop")); err != nil {
		t.Fatal(err)
	}
	inv, set := load(t, dir)
	if len(inv.Hosts) != 1 || len(set.Diags) != 1 || set.Diags[0].Summary != "Directory read before" {
		t.Errorf("hosts %v, diagnostics %v", names(inv.Hosts), set.Diags)
	}
}

func bomb() string {
	var b strings.Builder
	for c := 'b'; c <= 'j'; c++ {
		fmt.Fprintf(&b, "%c: &%c [%s*%c]\n", c, c, strings.Repeat(fmt.Sprintf("*%c,", c-1), 9), c-1)
	}
	return b.String()
}
