package cli

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/ferry-ops/ferry/engine/secret"
)

// secretFlags say where keys and passwords are.
type secretFlags struct {
	identities []string // --identity
	vaultFiles []string // --vault-password-file
}

// keyring decrypts for this call of ferry. Nothing is read or asked for before
// something encrypted is met.
func (a *app) keyring() *secret.Keyring {
	if a.keys == nil {
		o := a.secretOptions()
		if ask := a.prompt(); ask != nil {
			o.Prompt = func(question string) (secret.Text, error) {
				if a.running {
					return secret.Text{}, errors.New("nobody is asked while hosts are worked on")
				}
				return ask(question)
			}
		}
		a.keys = secret.NewKeyring(o)
	}
	return a.keys
}

// secretOptions are the flags, the environment and the habitual places.
func (a *app) secretOptions() secret.Options {
	o := secret.Options{
		Identities:     append([]string{}, a.secretFlags.identities...),
		VaultPasswords: append([]string{}, a.secretFlags.vaultFiles...),
		PassphraseFile: os.Getenv("FERRY_SECRETS_PASSPHRASE_FILE"),
	}
	o.Identities = append(o.Identities, filepath.SplitList(os.Getenv("FERRY_AGE_KEY_FILE"))...)
	o.VaultPasswords = append(o.VaultPasswords, filepath.SplitList(os.Getenv("FERRY_VAULT_PASSWORD_FILE"))...)
	if p := os.Getenv("ANSIBLE_VAULT_PASSWORD_FILE"); p != "" {
		o.VaultPasswords = append(o.VaultPasswords, p)
	}
	if key := defaultKeyFile(); key != "" {
		o.Habitual = append(o.Habitual, key)
	}
	if home, err := os.UserHomeDir(); err == nil {
		o.Habitual = append(o.Habitual, filepath.Join(home, ".ssh", "id_ed25519"), filepath.Join(home, ".ssh", "id_rsa"))
	}
	return o
}

// defaultKeyFile is where keygen puts the user's age key, empty if the user has
// no home.
func defaultKeyFile() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "ferry", "age.key")
}
