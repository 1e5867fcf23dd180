package ssh

import (
	"errors"
	"fmt"
	"os"

	xssh "golang.org/x/crypto/ssh"
)

// maxPrivateKey bounds a private key file, in bytes.
const maxPrivateKey = 1 << 20

// PrivateKey is a private key file as it is on disk.
type PrivateKey struct {
	PEM       []byte
	Encrypted bool
	Public    xssh.PublicKey // nil if the file is encrypted in a format that hides it, and FILE.pub is missing
}

// String keeps the key out of every message.
func (PrivateKey) String() string { return "(sensitive)" }

// GoString keeps the key out of every message.
func (PrivateKey) GoString() string { return "(sensitive)" }

// ReadPrivateKey reads a private key for another use than logging in. It asks
// for no passphrase.
func ReadPrivateKey(file string) (PrivateKey, error) {
	st, err := os.Stat(file)
	if err != nil {
		return PrivateKey{}, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxPrivateKey {
		return PrivateKey{}, fmt.Errorf("%s is not a private key: a regular file of at most %d KiB is needed", file, maxPrivateKey>>10)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return PrivateKey{}, err
	}
	k := PrivateKey{PEM: data}
	signer, err := xssh.ParsePrivateKey(data)
	var missing *xssh.PassphraseMissingError
	switch {
	case errors.As(err, &missing):
		k.Encrypted, k.Public = true, missing.PublicKey
		if k.Public == nil {
			k.Public = readPublic(file + ".pub")
		}
	case err != nil:
		return PrivateKey{}, fmt.Errorf("%s: not a private key ferry can read: %w", file, err)
	default:
		k.Public = signer.PublicKey()
	}
	return k, nil
}
