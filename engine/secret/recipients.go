package secret

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
)

// RecipientsFile is the name of the file that lists who can read the secrets
// in and below its directory.
const RecipientsFile = ".ferry-recipients"

// Recipient is a public key that something is encrypted for.
type Recipient struct {
	Text    string // the key as written, without its comment
	Comment string

	key age.Recipient
}

// Tag is how an age file names the recipient, if it is an SSH key; empty
// otherwise.
func (r Recipient) Tag() string {
	f := strings.Fields(r.Text)
	if len(f) < 2 {
		return ""
	}
	blob, err := base64.StdEncoding.DecodeString(f[1])
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(blob)
	return base64.RawStdEncoding.EncodeToString(sum[:4])
}

// ParseRecipient reads a public key: age1…, or an SSH key as in
// authorized_keys. The error does not repeat what it was given: it may be a
// private key.
func ParseRecipient(s string) (Recipient, error) {
	s = strings.TrimSpace(s)
	f := strings.Fields(s)
	switch {
	case len(f) == 0:
		return Recipient{}, errors.New("it is empty")
	case strings.HasPrefix(f[0], "AGE-SECRET-KEY-"), strings.HasPrefix(s, "-----BEGIN"):
		return Recipient{}, errors.New("it is a private key; a public one is needed")
	case strings.HasPrefix(f[0], "ssh-") || strings.HasPrefix(f[0], "ecdsa-") || strings.HasPrefix(f[0], "sk-"):
		if f[0] != "ssh-ed25519" && f[0] != "ssh-rsa" {
			return Recipient{}, fmt.Errorf("SSH keys of the kind %.40s cannot decrypt; ssh-ed25519 and ssh-rsa can", f[0])
		}
		if len(f) < 2 {
			return Recipient{}, errors.New("the SSH key is not whole")
		}
		key, err := agessh.ParseRecipient(f[0] + " " + f[1])
		if err != nil {
			return Recipient{}, errors.New("it is not a valid SSH public key of 2048 bits or more")
		}
		return Recipient{Text: f[0] + " " + f[1], Comment: strings.Join(f[2:], " "), key: key}, nil
	}
	keys, err := age.ParseRecipients(strings.NewReader(f[0]))
	if err != nil || len(keys) != 1 {
		return Recipient{}, errors.New("it is neither an age public key (age1…) nor an SSH public key (ssh-ed25519 …, ssh-rsa …)")
	}
	comment := strings.TrimSpace(strings.TrimPrefix(strings.Join(f[1:], " "), "#"))
	return Recipient{Text: f[0], Comment: comment, key: keys[0]}, nil
}

// ParseRecipients reads a list of public keys, one a line; a line that begins
// with # is a comment. name is the file's, for messages.
func ParseRecipients(name string, data []byte) ([]Recipient, error) {
	var out []Recipient
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		r, err := ParseRecipient(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		out = append(out, r)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s lists no recipient: write one public key a line", name)
	}
	return out, nil
}

// FindRecipients returns the list beside the file at path, or in the nearest
// directory above it. An empty name means that there is none. A list that
// another user could have put there is an error.
func FindRecipients(path string) (name string, list []Recipient, err error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", nil, err
	}
	for dir := filepath.Dir(abs); ; dir = filepath.Dir(dir) {
		name = filepath.Join(dir, RecipientsFile)
		st, err := os.Stat(name)
		switch {
		case err == nil:
			if !st.Mode().IsRegular() || st.Size() > maxKeyFile {
				return name, nil, fmt.Errorf("%s is not a list of recipients: a regular file of at most %d KiB is needed", name, maxKeyFile>>10)
			}
			if !trustworthy(st, filepath.Dir(abs)) {
				return name, nil, fmt.Errorf("%s belongs to another user, who could read what is encrypted for the recipients it lists. Make it yours (chown), or name recipients with --recipient", name)
			}
			data, err := os.ReadFile(name)
			if err != nil {
				return name, nil, err
			}
			list, err = ParseRecipients(name, data)
			return name, list, err
		case !errors.Is(err, os.ErrNotExist):
			return name, nil, err
		case dir == filepath.Dir(dir):
			return "", nil, nil
		}
	}
}
