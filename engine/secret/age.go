package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
)

// maxWork bounds the memory a passphrase's key derivation may take: 2^20 is
// 1 GiB, four times what age writes.
const maxWork = 20

const keyCure = "Name a key file with --identity FILE or in $FERRY_AGE_KEY_FILE, or have somebody who can read it add you:\n    ferry secrets rekey FILE"

// openAge decrypts an age file with whatever fits it, cheapest first; a
// passphrase is asked for only if the file says that it would help.
func (k *Keyring) openAge(data []byte) ([]byte, *Error) {
	bin, err := binary(data)
	if err != nil {
		return nil, damaged(err)
	}
	stanzas, err := Stanzas(bin)
	switch {
	case err != nil && !strings.HasPrefix(string(bin), binaryIntro+"v1\n"):
		return nil, &Error{Reason: Unsupported, What: "it is not of version 1 of the age format, which is the one that is read"}
	case err != nil:
		return nil, damaged(errors.New("its header cannot be read"))
	}
	if len(stanzas) == 1 && stanzas[0].Type == "scrypt" {
		return k.openWithPassphrase(bin)
	}
	ids, err := k.identities()
	if err != nil {
		return nil, &Error{Reason: NoKey, What: err.Error(), Cure: "Correct --identity or $FERRY_AGE_KEY_FILE.", Err: err}
	}
	var tried, notes []string
	for _, id := range ids {
		plain, err := readAge(bin, id)
		switch {
		case err == nil:
			return plain, nil
		case errors.Is(err, age.ErrIncorrectIdentity):
			tried = append(tried, id.file)
		case errors.Is(err, errKey):
			notes = append(notes, strings.TrimSuffix(err.Error(), ": "+errKey.Error()))
		default:
			return nil, damaged(errors.New("its header or content was changed after it was encrypted, or it was cut off"))
		}
	}
	what := "it is encrypted for " + describeStanzas(stanzas)
	reason := Wrong
	switch {
	case len(notes) > 0:
		reason = NoKey
		what += ", and " + strings.Join(notes, "; ")
	case len(tried) == 0:
		reason = NoKey
		what += ", and there is no key here"
	default:
		what += ", and no key here fits (tried: " + strings.Join(slices.Compact(tried), ", ") + ")"
	}
	return nil, &Error{Reason: reason, What: what, Cure: keyCure}
}

func damaged(err error) *Error {
	return &Error{Reason: Damaged, What: err.Error(), Cure: "Take it from a copy or from version control."}
}

// errKey is a key that would fit and cannot be used.
var errKey = errors.New("key not usable")

func readAge(bin []byte, id age.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(bin), id)
	if err != nil {
		var none *age.NoIdentityMatchError
		if errors.As(err, &none) {
			return nil, age.ErrIncorrectIdentity
		}
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, MaxSize))
}

func (k *Keyring) openWithPassphrase(bin []byte) ([]byte, *Error) {
	const cure = "Name a file that holds the passphrase, or a program that prints it, in $FERRY_SECRETS_PASSPHRASE_FILE."
	for range askTries {
		had := k.passphrase != nil
		t, err := k.agePassphrase("Passphrase")
		if errors.Is(err, errNobody) {
			return nil, &Error{Reason: NoKey, What: "it is encrypted with a passphrase, and " + err.Error(), Cure: cure, Err: err}
		} else if err != nil {
			return nil, &Error{Reason: NoKey, What: "it is encrypted with a passphrase: " + err.Error(), Cure: cure, Err: err}
		}
		id, err := age.NewScryptIdentity(t.Reveal())
		if err != nil {
			return nil, &Error{Reason: NoKey, What: "the passphrase is empty", Cure: cure}
		}
		id.SetMaxWorkFactor(maxWork)
		plain, err := readAge(bin, id)
		switch {
		case err == nil:
			return plain, nil
		case strings.Contains(err.Error(), "work factor"):
			return nil, &Error{Reason: Unsupported, What: fmt.Sprintf("its passphrase takes more memory to check than ferry gives it (a work factor over %d)", maxWork)}
		case !errors.Is(err, age.ErrIncorrectIdentity):
			return nil, damaged(errors.New("its header or content was changed after it was encrypted, or it was cut off"))
		}
		if k.o.PassphraseFile != "" {
			return nil, &Error{Reason: Wrong, What: "the passphrase from " + k.o.PassphraseFile + " does not fit", Cure: cure}
		}
		if !had || k.o.Prompt != nil {
			k.passphrase = nil // mistyped, or that of another file
		}
	}
	return nil, &Error{Reason: Wrong, What: "the passphrase does not fit"}
}

// describeStanzas says for whom a file is encrypted.
func describeStanzas(stanzas []Stanza) string {
	count := map[string]int{}
	var order []string
	for _, s := range stanzas {
		if count[s.Type]++; count[s.Type] == 1 {
			order = append(order, s.Type)
		}
	}
	var out []string
	for i, t := range order {
		if i == 6 {
			out = append(out, "others")
			break
		}
		name := map[string]string{"X25519": "age key", "ssh-ed25519": "Ed25519 SSH key", "ssh-rsa": "RSA SSH key", "mlkem768x25519": "post-quantum age key"}[t]
		if name == "" {
			name = fmt.Sprintf("key of the kind %.20q", t)
		}
		if count[t] > 1 {
			name = fmt.Sprintf("%d %ss", count[t], name)
		} else {
			name = "1 " + name
		}
		out = append(out, name)
	}
	if len(out) == 0 {
		return "nobody"
	}
	return strings.Join(out, ", ")
}
