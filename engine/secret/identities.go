package secret

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"filippo.io/age"
	"filippo.io/age/agessh"

	"github.com/ferry-ops/ferry/engine/ssh"
)

// maxKeyFile bounds a file of keys, in bytes.
const maxKeyFile = 1 << 20

// identity is one private key and where it is from.
type identity struct {
	age.Identity
	file   string
	locked bool  // its passphrase has to be asked for
	failed error // why asking came to nothing: age keeps only the text
}

// String keeps the key out of every message.
func (i *identity) String() string { return "the key " + i.file }

// GoString keeps the key out of every message.
func (i *identity) GoString() string { return i.String() }

// Unwrap is age's. A key whose passphrase is not known gives errKey.
func (i *identity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for try := 1; ; try++ {
		i.failed = nil
		key, err := i.Identity.Unwrap(stanzas)
		switch {
		case err == nil || errors.Is(err, age.ErrIncorrectIdentity) || !i.locked:
			return key, err
		case errors.Is(i.failed, errNobody):
			return nil, fmt.Errorf("the SSH key %s, which would fit, needs its passphrase, and %w: %w", i.file, errNobody, errKey)
		case i.failed != nil:
			return nil, fmt.Errorf("the SSH key %s, which would fit, needs its passphrase (%w): %w", i.file, i.failed, errKey)
		case try == askTries:
			return nil, fmt.Errorf("the passphrase given for the SSH key %s does not fit: %w", i.file, errKey)
		}
	}
}

// identities reads the keys, once.
func (k *Keyring) identities() ([]*identity, error) {
	if k.keys != nil || k.keysErr != nil {
		return k.keys, k.keysErr
	}
	keys := []*identity{}
	for i, file := range append(append([]string{}, k.o.Identities...), k.o.Habitual...) {
		ids, err := k.readIdentities(file)
		switch {
		case err == nil:
			keys = append(keys, ids...)
		case i < len(k.o.Identities):
			k.keysErr = err
			return nil, err
		}
	}
	// What needs no question first.
	for _, locked := range []bool{false, true} {
		for _, id := range keys {
			if id.locked == locked {
				k.keys = append(k.keys, id)
			}
		}
	}
	if k.keys == nil {
		k.keys = keys
	}
	return k.keys, nil
}

// readIdentities reads a file of age keys, itself encrypted or not, or an SSH
// private key.
func (k *Keyring) readIdentities(file string) ([]*identity, error) {
	data, err := readKeyFile(file)
	if err != nil {
		return nil, err
	}
	if IsAge(data) {
		bin, err := binary(data)
		if err != nil {
			return nil, fmt.Errorf("the key file %s: %w", file, err)
		}
		plain, e := k.openWithPassphrase(bin)
		if e != nil {
			return nil, fmt.Errorf("the key file %s: %s", file, e.What)
		}
		data = plain
	}
	if bytes.Contains(data, []byte("-----BEGIN")) {
		return k.sshIdentity(file)
	}
	ids, err := age.ParseIdentities(bytes.NewReader(data))
	if err != nil { // age's words may quote the line
		return nil, fmt.Errorf("the key file %s holds a line that is no age key (AGE-SECRET-KEY-1…), or no key at all", file)
	}
	out := make([]*identity, len(ids))
	for i, id := range ids {
		out[i] = &identity{Identity: id, file: file}
	}
	return out, nil
}

func readKeyFile(file string) ([]byte, error) {
	st, err := os.Stat(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("there is no key file %s", file)
	case err != nil:
		return nil, fmt.Errorf("the key file cannot be read: %w", err)
	case st.Mode().IsRegular() && st.Size() > maxKeyFile:
		return nil, fmt.Errorf("the key file %s has more than %d KiB", file, maxKeyFile>>10)
	}
	data, err := readLimited(file)
	if err != nil {
		return nil, fmt.Errorf("the key file cannot be read: %w", err)
	}
	return data, nil
}

func (k *Keyring) sshIdentity(file string) ([]*identity, error) {
	key, err := ssh.ReadPrivateKey(file)
	if err != nil {
		return nil, err
	}
	if !key.Encrypted {
		id, err := agessh.ParseIdentity(key.PEM)
		if err != nil {
			return nil, fmt.Errorf("the SSH key %s cannot be used: Ed25519 and RSA keys of 2048 bits or more can", file)
		}
		return []*identity{{Identity: id, file: file}}, nil
	}
	if key.Public == nil {
		return nil, fmt.Errorf("the SSH key %s is encrypted in an old format; its public key is needed beside it, as %s.pub", file, file)
	}
	out := &identity{file: file, locked: true}
	out.Identity, err = agessh.NewEncryptedSSHIdentity(key.Public, key.PEM, func() ([]byte, error) {
		t, err := k.ask("Passphrase of the SSH key " + file)
		out.failed = err
		return []byte(t.Reveal()), err
	})
	if err != nil {
		return nil, fmt.Errorf("the SSH key %s cannot be used: Ed25519 and RSA keys can", file)
	}
	return []*identity{out}, nil
}
