package secret

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Ansible Vault, versions 1.1 and 1.2: a header line, then hexadecimal digits
// in lines; decoded once they are three lines of hexadecimal digits: salt,
// HMAC-SHA256 of the ciphertext, and the ciphertext (AES-256 in counter mode,
// padded). The keys come from the password by PBKDF2. The libraries there are
// for Go check neither the header nor the sizes and know no vault ids, so this
// is written here.
const (
	vaultIntro      = "$ANSIBLE_VAULT;"
	vaultIterations = 10_000
)

// vaultText is a parsed text of Ansible Vault.
type vaultText struct {
	id         string // the vault id of version 1.2; may be empty
	salt, hmac []byte
	data       []byte
}

// errVaultVersion is a version or cipher that is not read.
var errVaultVersion = errors.New("unsupported")

// VaultID returns the vault id that a text of Ansible Vault names, if any.
func VaultID(data []byte) string {
	head, _, _ := strings.Cut(strings.TrimSpace(string(data[:min(len(data), 1000)])), "\n")
	if f := strings.Split(strings.TrimSpace(head), ";"); len(f) == 4 {
		return f[3]
	}
	return ""
}

func parseVault(text []byte) (vaultText, error) {
	var v vaultText
	head, body, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	f := strings.Split(strings.TrimSpace(head), ";")
	if len(f) < 3 || f[0]+";" != vaultIntro {
		return v, errors.New("its first line is not one of Ansible Vault")
	}
	switch {
	case f[1] != "1.1" && f[1] != "1.2":
		return v, fmt.Errorf("it has the version %.20q of Ansible Vault, and 1.1 and 1.2 are read: %w", f[1], errVaultVersion)
	case f[2] != "AES256":
		return v, fmt.Errorf("it uses the cipher %.20q of Ansible Vault, and AES256 is read: %w", f[2], errVaultVersion)
	case f[1] == "1.2" && len(f) == 4:
		v.id = f[3]
	case len(f) != 3:
		return v, errors.New("its first line has more parts than Ansible Vault writes")
	}
	outer, err := unhex(body)
	if err != nil {
		return v, err
	}
	parts := bytes.Split(outer, []byte("\n"))
	if len(parts) != 3 {
		return v, fmt.Errorf("it holds %d parts instead of 3", len(parts))
	}
	for i, to := range []*[]byte{&v.salt, &v.hmac, &v.data} {
		if *to, err = unhex(string(parts[i])); err != nil {
			return v, err
		}
	}
	if len(v.salt) < 8 || len(v.salt) > 256 || len(v.hmac) != sha256.Size {
		return v, errors.New("its salt or its checksum has a wrong length")
	}
	if len(v.data) == 0 || len(v.data)%aes.BlockSize != 0 {
		return v, errors.New("it was cut off: its length is not a whole number of blocks")
	}
	return v, nil
}

// unhex decodes hexadecimal digits with white space between them.
func unhex(s string) ([]byte, error) {
	digits := strings.Map(func(r rune) rune {
		if r == ' ' || r == '\n' || r == '\r' || r == '\t' {
			return -1
		}
		return r
	}, s)
	out, err := hex.DecodeString(digits)
	if err != nil {
		return nil, errors.New("it holds something other than pairs of hexadecimal digits")
	}
	return out, nil
}

// errVaultPassword says that the checksum does not fit the password: it is the
// wrong one, or the text was changed.
var errVaultPassword = errors.New("the password does not fit")

func (v vaultText) open(password Text) ([]byte, error) {
	keys, err := pbkdf2.Key(sha256.New, password.Reveal(), v.salt, vaultIterations, 32+32+aes.BlockSize)
	if err != nil {
		return nil, err
	}
	sum := hmac.New(sha256.New, keys[32:64])
	sum.Write(v.data)
	if !hmac.Equal(sum.Sum(nil), v.hmac) {
		return nil, errVaultPassword
	}
	block, err := aes.NewCipher(keys[:32])
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(v.data))
	cipher.NewCTR(block, keys[64:]).XORKeyStream(out, v.data)
	pad := int(out[len(out)-1])
	if pad < 1 || pad > aes.BlockSize || !bytes.Equal(out[len(out)-pad:], bytes.Repeat([]byte{byte(pad)}, pad)) {
		return nil, errors.New("what it decrypts to is not padded as Ansible Vault does it")
	}
	return out[:len(out)-pad], nil
}
