package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// Lock is for whom something is encrypted: recipients, or whoever knows a
// passphrase, never both.
type Lock struct {
	Recipients []Recipient
	Passphrase Text
}

// Encrypt returns an age file, armored as text.
func Encrypt(l Lock, plain []byte) ([]byte, error) {
	var to []age.Recipient
	switch {
	case !l.Passphrase.IsZero() && len(l.Recipients) > 0:
		return nil, errors.New("a file is encrypted either for recipients or with a passphrase, not both")
	case !l.Passphrase.IsZero():
		r, err := age.NewScryptRecipient(l.Passphrase.Reveal())
		if err != nil {
			return nil, errors.New("the passphrase cannot be used")
		}
		to = append(to, r)
	case len(l.Recipients) == 0:
		return nil, errors.New("nobody is named who could read it")
	}
	if len(plain) > MaxSize-MaxSize/3 { // armor makes it a third longer
		return nil, fmt.Errorf("%d bytes are too many: a secret may have %d MiB", len(plain), (MaxSize-MaxSize/3)>>20)
	}
	for _, r := range l.Recipients {
		to = append(to, r.key)
	}
	var out bytes.Buffer
	a := armor.NewWriter(&out)
	w, err := age.Encrypt(a, to...)
	if err != nil {
		return nil, fmt.Errorf("cannot encrypt: %w", err)
	}
	if _, err := io.Copy(w, bytes.NewReader(plain)); err != nil {
		return nil, fmt.Errorf("cannot encrypt: %w", err)
	}
	if err := errors.Join(w.Close(), a.Close()); err != nil {
		return nil, fmt.Errorf("cannot encrypt: %w", err)
	}
	return out.Bytes(), nil
}

// GenerateKey returns a new age key: the content of a key file, and its public
// key.
func GenerateKey() (private Text, public string, err error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return Text{}, "", err
	}
	public = id.Recipient().String()
	return NewText("# public key: " + public + "\n" + id.String() + "\n"), public, nil
}
