package secret

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
)

// askTries is how often a person is asked for the same passphrase.
const askTries = 3

// Options say where keys and passwords come from. The zero value has none.
type Options struct {
	// Identities are files with age keys or SSH private keys that were named; one
	// that cannot be read is an error.
	Identities []string
	// Habitual are such files that are used where they exist.
	Habitual []string
	// PassphraseFile holds, or is a program that prints, the passphrase of age
	// files. Empty means none.
	PassphraseFile string
	// VaultPasswords are [ID@]FILE, each a file or a program, for Ansible Vault.
	VaultPasswords []string
	// Prompt asks for what is not given otherwise; nil means nobody can be asked.
	Prompt Prompt
}

// Keyring decrypts. It reads keys, runs programs and asks only when the first
// text that needs them is met, each once, and remembers what it decrypted. It may
// be used concurrently; while somebody is asked, others wait.
type Keyring struct {
	o Options

	mu         sync.Mutex
	done       map[[sha256.Size]byte]result
	keys       []*identity // nil until the first age file
	keysErr    error
	passphrase *Text
	passwords  map[vaultSource]Text
}

type result struct {
	plain []byte
	err   *Error
}

// String keeps what a keyring holds out of every message.
func (k *Keyring) String() string { return "keyring" }

// GoString keeps what a keyring holds out of every message.
func (k *Keyring) GoString() string { return "keyring" }

// NewKeyring returns a keyring. Nothing is read yet.
func NewKeyring(o Options) *Keyring {
	return &Keyring{o: o, done: map[[sha256.Size]byte]result{}, passwords: map[vaultSource]Text{}}
}

// Decrypt returns the plain text of an age file, binary or armored, or of a text
// of Ansible Vault. name is what messages call it. The error is an *Error. The
// caller must not change what is returned.
func (k *Keyring) Decrypt(name string, data []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := sha256.Sum256(data)
	r, ok := k.done[key]
	if !ok {
		r.plain, r.err = k.decrypt(data)
		k.done[key] = r
	}
	if r.err != nil {
		e := *r.err
		e.Name = name
		return nil, &e
	}
	return r.plain, nil
}

func (k *Keyring) decrypt(data []byte) ([]byte, *Error) {
	switch {
	case len(data) > MaxSize:
		return nil, &Error{Reason: Unsupported, What: fmt.Sprintf("it has more than %d MiB, which no secret needs", MaxSize>>20)}
	case IsAge(data):
		return k.openAge(data)
	case IsVault(data):
		return k.openVault(data)
	}
	return nil, &Error{Reason: Unsupported, What: "it is neither an age file nor a text of Ansible Vault", Cure: "An age file begins with \"-----BEGIN AGE ENCRYPTED FILE-----\" or \"age-encryption.org/v1\". Encrypt a file with\n    ferry secrets encrypt FILE"}
}

// ask asks for a passphrase, and fails if nobody can be asked.
func (k *Keyring) ask(question string) (Text, error) {
	if k.o.Prompt == nil {
		return Text{}, errNobody
	}
	t, err := k.o.Prompt(question)
	if err == nil && t.IsZero() {
		err = errors.New("none was given")
	}
	return t, err
}

// Passphrase returns the passphrase of age files: that of the file named for
// it, or what is typed. It is asked for once.
func (k *Keyring) Passphrase(question string) (Text, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.agePassphrase(question)
}

func (k *Keyring) agePassphrase(question string) (Text, error) {
	if k.passphrase != nil {
		return *k.passphrase, nil
	}
	var t Text
	var err error
	if k.o.PassphraseFile != "" {
		t, err = readSource(k.o.PassphraseFile)
		t = NewText(trimLine(t.Reveal()))
		if err != nil {
			err = fmt.Errorf("the passphrase cannot be read: %w", err)
		}
	} else {
		t, err = k.ask(question)
	}
	if err == nil {
		k.passphrase = &t
	}
	return t, err
}

func trimLine(s string) string {
	for len(s) > 0 && (s[len(s)-1] == '\n' || s[len(s)-1] == '\r') {
		s = s[:len(s)-1]
	}
	return s
}
