package secret

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

const (
	binaryIntro = "age-encryption.org/"
	// MaxSize is how large an encrypted text may be, in bytes. Neither format
	// compresses, so the plain text is smaller.
	MaxSize = 32 << 20
)

// IsAge reports whether data is an age file, binary or armored.
func IsAge(data []byte) bool {
	return bytes.HasPrefix(data, []byte(binaryIntro)) || isArmored(data)
}

func isArmored(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte(armor.Header))
}

// IsVault reports whether data was written by ansible-vault.
func IsVault(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte(vaultIntro))
}

// IsEncrypted reports whether data is something Keyring.Decrypt reads.
func IsEncrypted(data []byte) bool { return IsAge(data) || IsVault(data) }

// binary returns the age file without its armor. Text that was indented, as a
// heredoc or a YAML block may leave it, is taken as well.
func binary(data []byte) ([]byte, error) {
	if !isArmored(data) {
		return data, nil
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSpace(l)
	}
	out, err := io.ReadAll(armor.NewReader(strings.NewReader(strings.Join(lines, "\n") + "\n")))
	if err != nil {
		return nil, errors.New("its armor (the text between BEGIN and END) is damaged or not whole")
	}
	return out, nil
}

// Stanza is one way an age file can be read.
type Stanza struct {
	Type string // "X25519", "ssh-ed25519", "ssh-rsa", "scrypt" …
	Tag  string // of an SSH key: what Recipient.Tag returns; otherwise empty
}

// Stanzas lists for whom an age file was encrypted, as far as the file tells: it
// does not name age keys.
func Stanzas(data []byte) ([]Stanza, error) {
	bin, err := binary(data)
	if err != nil {
		return nil, err
	}
	look := &looker{}
	if _, err := age.Decrypt(bytes.NewReader(bin), look); look.seen == nil {
		return nil, err
	}
	return look.seen, nil
}

// looker is an identity that fits nothing and remembers what it was shown.
type looker struct{ seen []Stanza }

func (l *looker) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	l.seen = []Stanza{}
	for _, s := range stanzas {
		out := Stanza{Type: s.Type}
		if strings.HasPrefix(s.Type, "ssh-") && len(s.Args) > 0 {
			if b, err := base64.RawStdEncoding.DecodeString(s.Args[0]); err == nil && len(b) == 4 {
				out.Tag = s.Args[0]
			}
		}
		l.seen = append(l.seen, out)
	}
	return nil, age.ErrIncorrectIdentity
}
