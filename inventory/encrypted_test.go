package inventory

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-ops/ferry/engine/diag"
)

// rot decrypts by taking an intro away; "locked" cannot be read.
type rot struct{ names []string }

func (r *rot) Decrypt(name string, data []byte) ([]byte, error) {
	r.names = append(r.names, name)
	_, text, _ := strings.Cut(string(data), "\n")
	if strings.HasPrefix(text, "locked") {
		return nil, errors.Join(errors.New("Cannot decrypt "+name), diag.ErrSecret)
	}
	return []byte(text), nil
}

const (
	vaultHead = "$ANSIBLE_VAULT;1.1;AES256\n"
	ageHead   = "-----BEGIN AGE ENCRYPTED FILE-----\n"
)

func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func encryptedTree(t *testing.T) string {
	return tree(t, map[string]string{
		"hosts.ini":                       "[web]\na.example.com\n",
		"group_vars/web.yml":              vaultHead + "whole: w-canary\nansible_become_password: become-canary\nlist: [x, l-canary]\n",
		"group_vars/all/more.hcl.age":     ageHead + "hcl = \"h-canary\"\n",
		"group_vars/all/plain.yml":        "plain: p\ninline: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  i-canary\nnested: {deep: !age \"-----BEGIN AGE ENCRYPTED FILE-----\\nd-canary\"}\n",
		"host_vars/a.example.com.yml.age": ageHead + "of_host: o-canary\n",
		"host_vars/unused.yml":            vaultHead + "locked\n",
	})
}

func TestEncryptedVariables(t *testing.T) {
	dir := encryptedTree(t)
	r := &rot{}
	inv, set := Load(t.Context(), []string{filepath.Join(dir, "hosts.ini")}, Options{Secrets: r})
	if len(set.Diags) > 0 {
		t.Fatal(set.Diags)
	}
	h := inv.Host("a.example.com")
	if h.Connection.BecomePassword.Reveal() != "become-canary" {
		t.Error("the become password is not read")
	}
	for name, want := range map[string]bool{"whole": true, "list": true, "hcl": true, "inline": true, "nested": true, "of_host": true, "plain": false} {
		v, ok := h.Var(name)
		if !ok || diag.Sensitive(v.Value) != want {
			t.Errorf("%s: there %v, sensitive %v", name, ok, ok && diag.Sensitive(v.Value))
		}
	}
	if v, _ := h.Var("inline"); func() string { u, _ := v.Value.Unmark(); return strings.TrimSpace(u.AsString()) }() != "i-canary" {
		t.Error("the inline value is another")
	}
	text := View(h).Text()
	j, err := View(h).JSON()
	if err != nil || strings.Contains(text+string(j), "canary") {
		t.Errorf("shown: %v\n%s\n%s", err, text, j)
	}
	if strings.Contains(strings.Join(r.names, " "), "unused") {
		t.Error("what no host needs was decrypted")
	}
	for name, src := range set.Sources {
		if strings.Contains(string(src), "w-canary") || strings.Contains(string(src), "h-canary") {
			t.Errorf("diagnostics could quote the plain text of %s", name)
		}
	}
}

func TestEncryptedWithoutKeys(t *testing.T) {
	dir := encryptedTree(t)
	path := filepath.Join(dir, "hosts.ini")
	if _, set := Load(t.Context(), []string{path}, Options{SkipSecrets: true}); len(set.Diags) > 0 {
		t.Errorf("asked for nothing, and told of: %v", set.Diags)
	}
	_, set := Load(t.Context(), []string{path}, Options{})
	if set.HasErrors() || len(set.Diags) != 5 {
		t.Errorf("without what decrypts: %v", set.Diags)
	}
	if err := os.WriteFile(filepath.Join(dir, "group_vars/web.yml"), []byte(vaultHead+"locked\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, set = Load(t.Context(), []string{path}, Options{Secrets: &rot{}})
	if !set.SecretProblem() {
		t.Errorf("not told that a secret cannot be read: %v", set.Diags)
	}
}

// What is wrong in a plain text is said without showing it.
func TestEncryptedMistakes(t *testing.T) {
	for _, text := range []string{"a: [canary\n", "canary\n", "ansible_port: canary\n", "ansible_ssh_common_args: -o Canary=canary\n", "ansible_become_method: canary\n", "a: \"{{ canary }}\"\n"} {
		dir := tree(t, map[string]string{"hosts.ini": "a\n", "group_vars/all.yml": vaultHead + text,
			"host_vars/a.yml": "x: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  y\n"})
		_, set := Load(t.Context(), []string{filepath.Join(dir, "hosts.ini")}, Options{Secrets: &rot{}})
		j, err := diag.JSON(set)
		if len(set.Diags) == 0 || err != nil || strings.Contains(string(j), "canary") {
			t.Errorf("%s: %v\n%s", text, err, j)
		}
	}
	dir := tree(t, map[string]string{"hosts.yml": "all:\n  hosts:\n    a:\n      ansible_port: !vault |\n        $ANSIBLE_VAULT;1.1;AES256\n        port-canary\n"})
	_, set := Load(t.Context(), []string{filepath.Join(dir, "hosts.yml")}, Options{Secrets: &rot{}})
	if j, _ := diag.JSON(set); len(set.Diags) == 0 || strings.Contains(string(j), "port-canary") {
		t.Errorf("%s", j)
	}
}

func TestSecretFunctions(t *testing.T) {
	dir := tree(t, map[string]string{
		"inv.hcl": "host \"a\" {\n  password = secret(file(\"one.age\"))\n  vars = {\n    two = secretfile(\"one.age\")\n    bad = sensitive(\"x\")\n  }\n}\n",
		"one.age": ageHead + "f-canary",
	})
	inv, set := Load(t.Context(), []string{filepath.Join(dir, "inv.hcl")}, Options{Secrets: &rot{}})
	if len(set.Diags) > 0 {
		t.Fatal(set.Diags)
	}
	h := inv.Host("a")
	if v, _ := h.Var("two"); !diag.Sensitive(v.Value) || h.Connection.Password.Reveal() != "f-canary" {
		t.Error("the secrets are not read")
	}
	if _, set := Load(t.Context(), []string{filepath.Join(dir, "inv.hcl")}, Options{SkipSecrets: true}); len(set.Diags) > 0 {
		t.Error(set.Diags)
	}
}
