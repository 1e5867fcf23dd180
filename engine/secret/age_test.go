package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
	"pgregory.net/rapid"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/secret"
)

// keyFile makes an age key and returns its file and recipient.
func keyFile(t testing.TB) (string, secret.Recipient) {
	t.Helper()
	private, public, err := secret.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "age.key")
	if err := os.WriteFile(file, []byte(private.Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, recipient(t, public)
}

func recipient(t testing.TB, s string) secret.Recipient {
	t.Helper()
	r, err := secret.ParseRecipient(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// sshKey makes an SSH key with the passphrase and returns its file and recipient.
func sshKey(t *testing.T, kind, passphrase string, more ...string) (string, secret.Recipient) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "id")
	cmd := exec.Command("ssh-keygen", append([]string{"-q", "-t", kind, "-N", passphrase, "-C", "me here", "-f", file}, more...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("ssh-keygen: %v: %s", err, out)
	}
	pub, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return file, recipient(t, string(pub))
}

func seal(t testing.TB, l secret.Lock, plain string) []byte {
	t.Helper()
	out, err := secret.Encrypt(l, []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRoundTrip(t *testing.T) {
	file, r := keyFile(t)
	k := secret.NewKeyring(secret.Options{Identities: []string{file}})
	rapid.Check(t, func(rt *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(rt, "plain")
		sealed, err := secret.Encrypt(secret.Lock{Recipients: []secret.Recipient{r}}, plain)
		if err != nil {
			rt.Fatal(err)
		}
		indented := bytes.ReplaceAll(sealed, []byte("\n"), []byte("\n    "))
		for _, text := range [][]byte{sealed, append([]byte("  "), indented...)} {
			if got, err := k.Decrypt("f", text); err != nil || !bytes.Equal(got, plain) {
				rt.Fatalf("%q, %v", got, err)
			}
		}
	})
	var binary bytes.Buffer // as the program age writes it
	if _, err := io.Copy(&binary, armor.NewReader(bytes.NewReader(seal(t, secret.Lock{Recipients: []secret.Recipient{r}}, "x")))); err != nil {
		t.Fatal(err)
	}
	if got, err := k.Decrypt("f", binary.Bytes()); err != nil || string(got) != "x" {
		t.Errorf("binary: %q, %v", got, err)
	}
}

// TestSSHKeys: existing SSH keys decrypt; a passphrase is asked for only if the
// key fits.
func TestSSHKeys(t *testing.T) {
	edFile, ed := sshKey(t, "ed25519", "")
	rsaFile, rsa := sshKey(t, "rsa", "", "-b", "2048")
	lockedFile, locked := sshKey(t, "ed25519", "open sesame")
	oldFile, old := sshKey(t, "rsa", "open sesame", "-b", "2048", "-m", "PEM")
	asked := 0
	k := secret.NewKeyring(secret.Options{Habitual: []string{"/nonexistent", lockedFile, oldFile, edFile, rsaFile}, Prompt: func(q string) (secret.Text, error) {
		asked++
		if asked == 1 {
			return secret.NewText("close sesame"), nil
		}
		return secret.NewText("open sesame"), nil
	}})
	for i, c := range []struct {
		to    []secret.Recipient
		asked int
	}{
		{[]secret.Recipient{ed}, 0},
		{[]secret.Recipient{rsa}, 0},
		{[]secret.Recipient{locked, ed}, 0},
		{[]secret.Recipient{locked}, 2},
		{[]secret.Recipient{locked}, 2}, // another text, the same key
		{[]secret.Recipient{old}, 3},
	} {
		text := seal(t, secret.Lock{Recipients: c.to}, fmt.Sprint("text", i))
		if got, err := k.Decrypt("f", text); err != nil || string(got) != fmt.Sprint("text", i) {
			t.Errorf("%d: %q, %v", i, got, err)
		}
		if asked != c.asked {
			t.Errorf("%d: asked %d times, want %d", i, asked, c.asked)
		}
	}
	_, err := secret.NewKeyring(secret.Options{Habitual: []string{lockedFile}}).Decrypt("f", seal(t, secret.Lock{Recipients: []secret.Recipient{locked}}, "x"))
	if err == nil || !strings.Contains(err.Error(), lockedFile) || !strings.Contains(err.Error(), "no terminal") {
		t.Errorf("without a terminal: %v", err)
	}
}

func TestPassphrase(t *testing.T) {
	text := seal(t, secret.Lock{Passphrase: secret.NewText("correct horse")}, "staple")
	file := filepath.Join(t.TempDir(), "pass")
	if err := os.WriteFile(file, []byte("correct horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := secret.NewKeyring(secret.Options{PassphraseFile: file}).Decrypt("f", text); err != nil || string(got) != "staple" {
		t.Errorf("%q, %v", got, err)
	}
	asked := 0
	k := secret.NewKeyring(secret.Options{Prompt: func(string) (secret.Text, error) {
		asked++
		return secret.NewText([]string{"", "mule", "correct horse"}[asked]), nil
	}})
	if got, err := k.Decrypt("f", text); err != nil || string(got) != "staple" || asked != 2 {
		t.Errorf("%q, %v, asked %d times", got, err, asked)
	}
	_, err := secret.NewKeyring(secret.Options{}).Decrypt("f", text)
	var e *secret.Error
	if !errors.As(err, &e) || e.Reason != secret.NoKey || !strings.Contains(err.Error(), "FERRY_SECRETS_PASSPHRASE_FILE") {
		t.Errorf("%v", err)
	}
}

func TestAgeErrors(t *testing.T) {
	file, r := keyFile(t)
	other, _ := keyFile(t)
	good := string(seal(t, secret.Lock{Recipients: []secret.Recipient{r}}, "x"))
	flip := func(s string, at int) string { // another letter of the same alphabet
		b := []byte(s)
		if b[at] == 'A' {
			b[at] = 'B'
		} else {
			b[at] = 'A'
		}
		return string(b)
	}
	notKey := filepath.Join(t.TempDir(), "k")
	if err := os.WriteFile(notKey, []byte("AGE-SECRET-KEY-1OOPS-canary\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, text string
		keys       []string
		reason     secret.Reason
		says       string
	}{
		{"no key", good, nil, secret.NoKey, "there is no key here"},
		{"other key", good, []string{other}, secret.Wrong, "1 age key, and no key here fits"},
		{"absent key", good, []string{"/nonexistent/key"}, secret.NoKey, "there is no key file /nonexistent/key"},
		{"no key in it", good, []string{notKey}, secret.NoKey, "no age key"},
		{"changed", flip(good, strings.LastIndex(good, "\n---")-12), []string{file}, secret.Damaged, "changed"},
		{"cut", good[:len(good)/2], []string{file}, secret.Damaged, "armor"},
		{"header", "age-encryption.org/v1\n-> x\n", []string{file}, secret.Damaged, "header"},
		{"version", "age-encryption.org/v9\n-> x\n", []string{file}, secret.Unsupported, "version 1"},
		{"plain", "hello: world", []string{file}, secret.Unsupported, "neither"},
	} {
		_, err := secret.NewKeyring(secret.Options{Identities: c.keys}).Decrypt("s.age", []byte(c.text))
		var e *secret.Error
		if !errors.As(err, &e) || !errors.Is(err, diag.ErrSecret) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if e.Reason != c.reason || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %s: %v", c.name, e.Reason, err)
		}
	}
}

func TestRecipients(t *testing.T) {
	_, r := keyFile(t)
	_, ed := sshKey(t, "ed25519", "")
	list, err := secret.ParseRecipients("f", []byte("# us\n\n"+r.Text+"  # ci\n"+ed.Text+" me@here\n"))
	if err != nil || len(list) != 2 || list[0].Comment != "ci" || list[1].Comment != "me@here" {
		t.Fatalf("%v %v", list, err)
	}
	stanzas, err := secret.Stanzas(seal(t, secret.Lock{Recipients: list}, "x"))
	if err != nil || len(stanzas) != 2 || stanzas[1].Tag != ed.Tag() || stanzas[0].Tag != "" {
		t.Errorf("%v %v", stanzas, err)
	}
	private, _, _ := secret.GenerateKey()
	for _, bad := range []string{"", "age1nope", "ecdsa-sha2-nistp256 AAAA", "ssh-ed25519", "ssh-ed25519 AAAA", "hello", strings.Split(private.Reveal(), "\n")[1]} {
		_, err := secret.ParseRecipients("list", []byte("# x\n"+bad+"\n"))
		if err == nil || strings.Contains(err.Error(), "AGE-SECRET") || !strings.Contains(err.Error(), "list") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestFindRecipients(t *testing.T) {
	_, r := keyFile(t)
	dir := t.TempDir()
	deep := filepath.Join(dir, "a", "b")
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, secret.RecipientsFile)
	if err := os.WriteFile(list, []byte(r.Text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	name, got, err := secret.FindRecipients(filepath.Join(deep, "x.age"))
	if err != nil || name != list || len(got) != 1 {
		t.Errorf("%s %v %v", name, got, err)
	}
}

// TestTextIsNeverShown: whatever prints or encodes a secret or a keyring, does
// not show it.
func TestTextIsNeverShown(t *testing.T) {
	const canary = "canary-in-memory"
	text := secret.NewText(canary)
	k := secret.NewKeyring(secret.Options{Prompt: func(string) (secret.Text, error) { return text, nil }})
	if _, err := k.Passphrase("x"); err != nil {
		t.Fatal(err)
	}
	j, err := json.Marshal(map[string]any{"t": text})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{fmt.Sprint(text), fmt.Sprintf("%v %+v %#v %s %q %x", text, text, text, text, text, text), fmt.Sprintf("%v %+v %#v", k, k, k), string(j), text.LogValue().String()} {
		if strings.Contains(s, canary) || strings.Contains(s, fmt.Sprintf("%x", canary)) {
			t.Errorf("shown: %s", s)
		}
	}
}

func TestWriteFileKeepsMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("old"), 0o640); err != nil { //nolint:gosec // its mode is the matter
		t.Fatal(err)
	}
	link := path + ".link"
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := secret.WriteFile(link, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	st, err := os.Lstat(path)
	got, _ := os.ReadFile(path)
	if err != nil || st.Mode().Perm() != 0o640 || string(got) != "new" {
		t.Errorf("%v %v %q", err, st.Mode(), got)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".ferry*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// FuzzAge: no text makes the reader panic or take much memory.
func FuzzAge(f *testing.F) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		f.Fatal(err)
	}
	file := filepath.Join(f.TempDir(), "k")
	if err := os.WriteFile(file, []byte(id.String()+"\n"), 0o600); err != nil {
		f.Fatal(err)
	}
	r := recipient(f, id.Recipient().String())
	f.Add(seal(f, secret.Lock{Recipients: []secret.Recipient{r}}, "x"))
	f.Add([]byte("age-encryption.org/v1\n-> X25519 x\n--- x\n"))
	f.Add([]byte("age-encryption.org/v1\n-> scrypt bBjlhJVYZeE4aqUdmtRHfw 30\nAAAA\n--- x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = secret.Stanzas(data)
		_, _ = secret.ParseRecipients("f", data)
		if _, err := secret.NewKeyring(secret.Options{Identities: []string{file}}).Decrypt("f", data); err != nil && !errors.Is(err, diag.ErrSecret) {
			t.Errorf("%v", err)
		}
	})
}
