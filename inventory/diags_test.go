package inventory_test

import (
	"os"
	"strings"
	"testing"

	"github.com/ferry-ops/ferry/inventory"
)

// TestDiagnostics holds what people see for common mistakes to golden text.
func TestDiagnostics(t *testing.T) {
	cases := []struct{ file, src string }{
		{"hosts.hcl", "group \"web\" {\n  usr = \"admin\"\n  host \"web1\" {\n    identity-file = \"x\"\n  }\n}\n"},
		{"hosts.hcl", "group \"web\" {\n  mirror = \"http://x\"\n  address = \"10.0.0.1\"\n}\nmirror = 1\n"},
		{"hosts.hcl", "grop \"web\" {\n}\ngroup {\n}\nhost \"a\" \"b\" {\n}\nhost \"c\" {\n  vars {\n  }\n}\n"},
		{"hosts.hcl", "group \"web\" {\n  children = [\"bd\"]\n  hosts    = [\"wbe1\"]\n  host \"web1\" {}\n}\ngroup \"db\" {}\n"},
		{"hosts.hcl", "group \"a\" {\n  children = [\"b\"]\n}\ngroup \"b\" {\n  group \"c\" {\n    children = [\"a\"]\n  }\n}\n"},
		{"hosts.hcl", "host \"web[01:20]\" {\n  address = \"10.0.0.[1:19]\"\n}\nhost \"db[9:1]\" {}\nhost \"x y\" {}\nhost \"h[1]\" {}\n"},
		{"hosts.hcl", "host \"a\" {\n  port            = 70000\n  host_key_policy = \"none\"\n  connection      = \"telnet\"\n  connect_timeout = \"soon\"\n  become          = \"perhaps\"\n  jump            = [\"a b\"]\n  user            = [\"x\"]\n  identity_file   = \"~other/key\"\n}\n"},
		{"hosts.hcl", "host \"a\" {\n  password = [\"hunter2\"]\n  user     = var.user\n  vars     = [1]\n}\n"},
		{"hosts.hcl", "host \"a\" {\n  port = 22\n}\ngroup \"web\" {\n  host \"a\" {\n    port = 23\n  }\n}\n"},
		{"hosts.hcl", "group \"web\" {\n  host \"a\" {\n"},
		{"hosts.ini", "[web]\nweb1 ansible_port=ssh\nweb2 x=\"1\nweb3 x = 1\nweb[01:5]\nh:\n"},
		{"hosts.ini", "[web:childs]\ndb\n[web:children]\ndbb\n[db]\nd1\n[dv:vars]\nx=1\n[web:vars]\nnovalue\n[open\n"},
		{"hosts.ini", "[web]\nweb1 ansible_password=hunter2 oops\nweb2 ansible_become_password='hunter2\n"},
		{"hosts.ini", "[a]\nh1 ansible_host={{ ip }} motd=\"{{ x }}\" ansible_become_method=doas\n[all:vars]\nansible_ssh_common_args=-o StrictHostKeyChecking=no -F x\nansible_host_key_checking=False\n"},
		{"hosts.yml", "web:\n  host:\n    a:\n  hosts: [a, {b: 1}]\n  vars: [1]\n"},
		{"hosts.yml", "web:\n\thosts:\n"},
		{"hosts.yml", "web:\n  vars:\n    a: 1\n    a: 2\n"},
		{"hosts.yml", "plugin: aws_ec2\nregions: [x]\n"},
		{"hosts.yml", "web:\n  hosts:\n    a:\n      token: !vault |\n        $ANSIBLE_VAULT;1.1;AES256\n        6162\n"},
		{"hosts.yml", "- a\n- b\n"},
		{"hosts.json", "{\"web\": {\"hosts\": [\"a\",]}}\n"},
	}
	var b strings.Builder
	// In a directory of its own, so that the places do not name it.
	t.Run("load", func(t *testing.T) {
		t.Chdir(t.TempDir())
		for _, c := range cases {
			if err := os.WriteFile(c.file, []byte(c.src), 0o644); err != nil {
				t.Fatal(err)
			}
			_, set := load(t, c.file)
			out := render(t, set)
			b.WriteString("==== " + c.file + "\n" + c.src + "----\n" + out)
			if len(set.Diags) == 0 {
				t.Errorf("no diagnostic for:\n%s", c.src)
			}
			if strings.Contains(out, "hunter2") {
				t.Errorf("a sensitive value is shown:\n%s", out)
			}
		}
	})
	golden(t, "diagnostics.txt", b.String())
}

func TestPatternDiagnostics(t *testing.T) {
	inv := mustLoad(t, "testdata/ini/basic.ini")
	var b strings.Builder
	for _, p := range []string{"wbe", "web:!bd", "web:&nothing_like_it", "all:!nothing_like_it", "zzz*", "web[9]", "~web(", "", ":", "web:!", "[z-a]x", "@file"} {
		_, diags := inv.Select(p, nil)
		b.WriteString("==== " + p + "\n")
		for _, d := range diags {
			b.WriteString(d.Summary + ": " + d.Detail + "\n")
		}
		if len(diags) == 0 {
			t.Errorf("no diagnostic for %q", p)
		}
	}
	golden(t, "patterns.txt", b.String())
}

// TestArgumentsAreDocumented: the reference is complete.
func TestArgumentsAreDocumented(t *testing.T) {
	for _, a := range inventory.Arguments() {
		if a.Type == "" || !strings.HasSuffix(strings.TrimSpace(a.Doc), ".") {
			t.Errorf("argument %q: %+v", a.Name, a)
		}
	}
}
