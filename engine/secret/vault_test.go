package secret_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/secret"
)

func recorded(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const whole = "db_password: canary-7f3a\nport: 5432\nlist:\n  - one-secret\n  - two\n"

// TestVault reads what ansible-vault wrote.
func TestVault(t *testing.T) {
	pw, prod := "testdata/password", "prod@testdata/password-prod"
	for _, c := range []struct {
		file      string
		passwords []string
		want      string
	}{
		{"vault-1.1.yml", []string{pw}, whole},
		{"vault-1.2-prod.yml", []string{prod}, whole},
		{"vault-1.2-prod.yml", []string{pw, "testdata/password-prod"}, whole}, // an id is no obligation
		{"vault-1.2-prod.yml", []string{"dev@testdata/password", prod}, whole},
		{"vault-empty", []string{pw}, ""},
		{"vault-16-bytes", []string{pw}, "16 bytes exactly"},
		{"vault-200-zeros", []string{pw}, strings.Repeat("\x00", 200)},
	} {
		k := secret.NewKeyring(secret.Options{VaultPasswords: c.passwords})
		data := recorded(t, c.file)
		for _, text := range [][]byte{data, bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n      "))} {
			got, err := k.Decrypt(c.file, text)
			if err != nil || string(got) != c.want {
				t.Errorf("%s with %v: %q, %v", c.file, c.passwords, got, err)
			}
		}
	}
}

// An inline value keeps the indentation it has in its document.
func TestVaultInline(t *testing.T) {
	_, text, _ := strings.Cut(string(recorded(t, "inline-1.1.yml")), "!vault |\n")
	k := secret.NewKeyring(secret.Options{VaultPasswords: []string{"testdata/password"}})
	if got, err := k.Decrypt("x", []byte(text)); err != nil || string(got) != "inline-canary-11" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestVaultErrors(t *testing.T) {
	good := string(recorded(t, "vault-1.1.yml"))
	changed := []byte(good)
	at := strings.LastIndex(good, "303") + 1 // within "30", the digit 0 of what is encoded
	if at < 200 {
		at = strings.LastIndex(good[:len(good)-8], "33") + 1
	}
	changed[at] ^= 1
	for _, c := range []struct {
		name      string
		text      string
		passwords []string
		reason    secret.Reason
		says      string
	}{
		{"nobody to ask", good, nil, secret.NoKey, "--vault-password-file"},
		{"no such file", good, []string{"testdata/none"}, secret.NoKey, "there is no file testdata/none"},
		{"wrong", good, []string{"testdata/password-prod"}, secret.Wrong, "no password that was given (testdata/password-prod) fits"},
		{"changed", string(changed), []string{"testdata/password"}, secret.Wrong, "or it was changed"},
		{"cut", good[:len(good)-21], []string{"testdata/password"}, secret.Damaged, "whole number of blocks"},
		{"not hex", good[:100] + "xyz" + good[100:], []string{"testdata/password"}, secret.Damaged, "hexadecimal"},
		{"header only", "$ANSIBLE_VAULT;1.1;AES256\n", []string{"testdata/password"}, secret.Damaged, "instead of 3"},
		{"old", strings.Replace(good, "1.1;AES256", "1.0;AES", 1), []string{"testdata/password"}, secret.Unsupported, `"1.0"`},
		{"new", strings.Replace(good, ";1.1;", ";2.0;", 1), []string{"testdata/password"}, secret.Unsupported, `"2.0"`},
		{"cipher", strings.Replace(good, "AES256", "ROT13", 1), []string{"testdata/password"}, secret.Unsupported, `"ROT13"`},
	} {
		_, err := secret.NewKeyring(secret.Options{VaultPasswords: c.passwords}).Decrypt("all.yml", []byte(c.text))
		var e *secret.Error
		if !errors.As(err, &e) || !errors.Is(err, diag.ErrSecret) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if e.Reason != c.reason || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "all.yml") {
			t.Errorf("%s: %s: %v", c.name, e.Reason, err)
		}
	}
}

// A password comes from a program too, which is run once, and is told the vault
// id if it is a client as Ansible has them.
func TestVaultPasswordProgram(t *testing.T) {
	dir := t.TempDir()
	prog := filepath.Join(dir, "keys-client.sh")
	script := "#!/bin/sh\necho run >>" + dir + "/runs\n[ \"$1 $2\" = '--vault-id prod' ] && cat " + mustAbs(t, "testdata/password-prod") + "\n"
	if err := os.WriteFile(prog, []byte(script), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	k := secret.NewKeyring(secret.Options{VaultPasswords: []string{"prod@" + prog}})
	for _, name := range []string{"vault-1.2-prod.yml", "inline-1.2-prod.yml"} {
		text := recorded(t, name)
		if i := bytes.Index(text, []byte("$ANSIBLE")); i > 0 {
			text = text[i:]
		}
		if _, err := k.Decrypt(name, text); err != nil {
			t.Error(err)
		}
	}
	if runs, _ := os.ReadFile(filepath.Join(dir, "runs")); string(runs) != "run\n" {
		t.Errorf("the program ran %q", runs)
	}
	bad := filepath.Join(dir, "fails")
	if err := os.WriteFile(bad, []byte("#!/bin/sh\necho 'no agent' >&2; exit 3\n"), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	_, err := secret.NewKeyring(secret.Options{VaultPasswords: []string{bad}}).Decrypt("f", recorded(t, "vault-1.1.yml"))
	if err == nil || !strings.Contains(err.Error(), "no agent") {
		t.Errorf("%v", err)
	}
}

// A password is asked for once, and again only if it was mistyped.
func TestVaultPrompt(t *testing.T) {
	answers, asked := []string{"wrong", "hunter2-vault"}, 0
	k := secret.NewKeyring(secret.Options{Prompt: func(string) (secret.Text, error) {
		asked++
		return secret.NewText(answers[asked-1]), nil
	}})
	for _, f := range []string{"vault-1.1.yml", "vault-16-bytes"} {
		if _, err := k.Decrypt(f, recorded(t, f)); err != nil {
			t.Error(err)
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

func mustAbs(t *testing.T, p string) string {
	t.Helper()
	abs, err := filepath.Abs(p)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// FuzzVault: no text makes the parser panic, and none of it is in an error.
func FuzzVault(f *testing.F) {
	for _, name := range []string{"vault-1.1.yml", "vault-1.2-prod.yml", "vault-empty"} {
		f.Add(recorded(f, name))
	}
	f.Add([]byte("$ANSIBLE_VAULT;1.1;AES256\n3130\n"))
	f.Add([]byte("$ANSIBLE_VAULT;;;;;\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		text := append([]byte("$ANSIBLE_VAULT;"), data...)
		secret.VaultID(text)
		k := secret.NewKeyring(secret.Options{VaultPasswords: []string{"testdata/password"}})
		if _, err := k.Decrypt("f", text); err != nil && !errors.Is(err, diag.ErrSecret) {
			t.Errorf("%v", err)
		}
	})
}
