package secret

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// vaultSource is where one password of Ansible Vault comes from.
type vaultSource struct {
	id   string // vault id; empty fits all
	file string // a file or a program; empty asks
}

// vaultSourceOf reads [ID@]FILE, as Ansible's --vault-id has it. "prompt" asks.
func vaultSourceOf(s string) vaultSource {
	src := vaultSource{file: s}
	if _, err := os.Stat(s); err != nil {
		if id, file, ok := strings.Cut(s, "@"); ok {
			src = vaultSource{id: id, file: file}
		}
	}
	if src.file == "prompt" {
		src.file = ""
	}
	return src
}

func (s vaultSource) String() string {
	file := s.file
	if file == "" {
		file = "prompt"
	}
	if s.id != "" {
		return s.id + "@" + file
	}
	return file
}

// password reads the source, once: the keyring keeps it.
func (k *Keyring) password(s vaultSource) (Text, error) {
	if t, ok := k.passwords[s]; ok {
		return t, nil
	}
	t, err := k.readPassword(s)
	if err != nil {
		return Text{}, err
	}
	k.passwords[s] = t
	return t, nil
}

func (k *Keyring) readPassword(s vaultSource) (Text, error) {
	if s.file == "" {
		question := "Vault password"
		if s.id != "" {
			question += " (" + s.id + ")"
		}
		return k.ask(question)
	}
	var args []string
	name := strings.TrimSuffix(filepath.Base(s.file), filepath.Ext(s.file))
	if strings.HasSuffix(name, "-client") && s.id != "" { // Ansible's convention for key stores
		args = []string{"--vault-id", s.id}
	}
	t, err := readSource(s.file, args...)
	return NewText(strings.TrimSpace(t.Reveal())), err
}

// vaultCure says where a password can be given.
const vaultCure = "Name the file that holds the password with --vault-password-file [ID@]FILE, or in $FERRY_VAULT_PASSWORD_FILE."

// openVault decrypts a text of Ansible Vault: passwords with its vault id are
// tried first, then all others, as Ansible does.
func (k *Keyring) openVault(text []byte) ([]byte, *Error) {
	v, err := parseVault(text)
	switch {
	case errors.Is(err, errVaultVersion):
		what, _, _ := strings.Cut(err.Error(), ": "+errVaultVersion.Error())
		return nil, &Error{Reason: Unsupported, What: what, Cure: "Write it anew with a present ansible-vault (ansible-vault rekey)."}
	case err != nil:
		return nil, &Error{Reason: Damaged, What: err.Error(), Cure: "Take it from a copy or from version control."}
	}
	sources := k.vaultSources(v.id)
	tries := len(sources)
	if tries == 0 {
		sources, tries = []vaultSource{{id: v.id}}, askTries
	}
	of := ""
	if v.id != "" {
		of = fmt.Sprintf(" with the vault id %q", v.id)
	}
	for i := range tries {
		s := sources[min(i, len(sources)-1)]
		_, had := k.passwords[s]
		t, err := k.password(s)
		if errors.Is(err, errNobody) {
			return nil, &Error{Reason: NoKey, What: "it is encrypted by Ansible Vault" + of + ", and no password was given", Cure: vaultCure, Err: err}
		} else if err != nil {
			return nil, &Error{Reason: NoKey, What: "the password cannot be read: " + err.Error(), Cure: vaultCure, Err: err}
		}
		plain, err := v.open(t)
		if err == nil {
			if len(k.o.VaultPasswords) == 0 {
				k.passwords[vaultSource{}] = t // typed once, it is tried for other ids as well
			}
			return plain, nil
		}
		if !errors.Is(err, errVaultPassword) {
			return nil, &Error{Reason: Damaged, What: err.Error(), Cure: "Take it from a copy or from version control."}
		}
		if s.file == "" && !had {
			delete(k.passwords, s) // mistyped: ask again
		}
	}
	names := make([]string, len(sources))
	for i, s := range sources {
		names[i] = s.String()
	}
	return nil, &Error{Reason: Wrong, What: fmt.Sprintf("no password that was given (%s) fits, or it was changed after it was encrypted%s", strings.Join(names, ", "), of), Cure: vaultCure}
}

func (k *Keyring) vaultSources(id string) []vaultSource {
	var fit, rest []vaultSource
	for _, p := range k.o.VaultPasswords {
		s := vaultSourceOf(p)
		if id != "" && s.id == id {
			fit = append(fit, s)
		} else {
			rest = append(rest, s)
		}
	}
	if _, typed := k.passwords[vaultSource{}]; typed && len(fit)+len(rest) == 0 {
		return []vaultSource{{}, {id: id}}
	}
	return append(fit, rest...)
}
