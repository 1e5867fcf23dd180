package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/engine/secret"
)

func (a *app) secretsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "secrets",
		Short: "Make, read and change encrypted files and values",
		Long: `Secrets are age files: encrypted for age keys, for existing SSH keys, or with a passphrase. ferry decrypts them in
memory where a playbook or an inventory needs them. What Ansible Vault wrote is read as well; rekey turns it into age.

Who can read a secret is said by the nearest file ` + secret.RecipientsFile + ` beside or above it: one public key a line.`,
		Example: `  cat ~/.ssh/id_ed25519.pub >` + secret.RecipientsFile + `
  ferry secrets create prod.hcl.age
  ferry run PLAYBOOK --var-file prod.hcl.age`,
	}
	cmd.AddCommand(a.secretsKeygen(), a.secretsCreate(), a.secretsEdit(), a.secretsView(), a.secretsEncrypt(), a.secretsDecrypt(),
		a.secretsRekey(), a.secretsValue(), a.secretsRecipients())
	return group(cmd)
}

// lockFlags say for whom something is encrypted.
type lockFlags struct {
	recipients []string
	passphrase bool
}

func (f *lockFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&f.recipients, "recipient", "r", nil, "encrypt for this `key` (age1…, an SSH public key, or a file of them); may be repeated")
	cmd.Flags().BoolVar(&f.passphrase, "passphrase", false, "encrypt with a passphrase instead")
}

// lock says for whom the file at path is to be encrypted: what the flags name,
// else the passphrase an old version has, else the list beside or above it.
func (a *app) lock(path string, f *lockFlags, old []byte) (secret.Lock, error) {
	var l secret.Lock
	switch {
	case f.passphrase && len(f.recipients) > 0:
		return l, failf(exitFailed, "Invalid flag", "--passphrase and --recipient exclude each other: a file has either")
	case f.passphrase:
		t, err := a.newPassphrase()
		l.Passphrase = t
		return l, err
	case len(f.recipients) > 0:
		for _, r := range f.recipients {
			more, err := recipientFlag(r)
			if err != nil {
				return l, failf(exitFailed, "Invalid recipient", "--recipient: %w", err)
			}
			l.Recipients = append(l.Recipients, more...)
		}
		return l, nil
	case hasPassphrase(old):
		t, err := a.keyring().Passphrase("Passphrase")
		l.Passphrase = t
		return l, err
	}
	_, list, err := secret.FindRecipients(path)
	if err != nil {
		return l, failf(exitFailed, "Invalid list of recipients", "%w", err)
	}
	if len(list) == 0 {
		return l, failf(exitFailed, "No recipients", "nobody is named who can read %s: there is no file %s beside or above it. Write one, with a public key a line, for example your SSH key:\n    cat ~/.ssh/id_ed25519.pub >%s", path, secret.RecipientsFile, secret.RecipientsFile)
	}
	l.Recipients = list
	return l, nil
}

func recipientFlag(s string) ([]secret.Recipient, error) {
	if strings.HasPrefix(s, "age1") || strings.HasPrefix(s, "ssh-") {
		r, err := secret.ParseRecipient(s)
		return []secret.Recipient{r}, err
	}
	data, err := os.ReadFile(s)
	if err != nil {
		if _, perr := secret.ParseRecipient(s); errors.Is(err, fs.ErrNotExist) && perr != nil {
			return nil, fmt.Errorf("%w, nor the name of a file of public keys", perr)
		}
		return nil, err
	}
	return secret.ParseRecipients(s, data)
}

func hasPassphrase(data []byte) bool {
	if !secret.IsAge(data) {
		return false
	}
	st, err := secret.Stanzas(data)
	return err == nil && len(st) == 1 && st[0].Type == "scrypt"
}

// newPassphrase takes a passphrase for something new: typed twice, or from the
// file named for it.
func (a *app) newPassphrase() (secret.Text, error) {
	if os.Getenv("FERRY_SECRETS_PASSPHRASE_FILE") != "" {
		t, err := a.keyring().Passphrase("")
		if err != nil {
			return t, failf(exitSecret, "No passphrase", "%w", err)
		}
		return t, nil
	}
	ask := a.prompt()
	if ask == nil {
		return secret.Text{}, failf(exitSecret, "No passphrase", "a passphrase is needed, and nobody can be asked for it: there is no terminal. Name a file that holds it, or a program that prints it, in $FERRY_SECRETS_PASSPHRASE_FILE")
	}
	one, err := ask("New passphrase")
	if err != nil {
		return one, err
	}
	two, err := ask("The same again")
	switch {
	case err != nil:
		return one, err
	case one.IsZero():
		return one, failf(exitFailed, "No passphrase", "the passphrase is empty")
	case one != two:
		return one, failf(exitFailed, "No passphrase", "the two passphrases differ; nothing was written")
	}
	return one, nil
}

// seal encrypts, and warns if the user could not read the result.
func (a *app) seal(path string, l secret.Lock, plain []byte) ([]byte, error) {
	out, err := secret.Encrypt(l, plain)
	if err != nil {
		return nil, failf(exitFailed, "Not encrypted", "%s: %w", path, err)
	}
	if l.Passphrase.IsZero() {
		var se *secret.Error
		if _, err := secret.NewKeyring(a.secretOptions()).Decrypt(path, out); errors.As(err, &se) && se.Reason == secret.Wrong {
			fmt.Fprintf(a.err, "Note: none of your own keys is among the recipients, so you cannot read %s yourself.\n", path)
		}
	}
	return out, nil
}

// readSecretFile reads a file, "-" being standard input.
func (a *app) readSecretFile(path string) ([]byte, error) {
	if path == "-" {
		return readAtMost(a.in, "standard input")
	}
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, failf(exitFailed, "File not readable", "the file %s cannot be read: %w", path, cause(err))
	case !st.Mode().IsRegular():
		return nil, failf(exitFailed, "File not readable", "the file %s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, failf(exitFailed, "File not readable", "the file %s cannot be read: %w", path, cause(err))
	}
	defer f.Close()
	return readAtMost(f, path)
}

func readAtMost(r io.Reader, name string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, secret.MaxSize+1))
	switch {
	case err != nil:
		return nil, failf(exitFailed, "File not readable", "the file %s cannot be read: %w", name, cause(err))
	case len(data) > secret.MaxSize:
		return nil, failf(exitFailed, "File too large", "%s has more than %d MiB, which no secret needs", name, secret.MaxSize>>20)
	}
	return data, nil
}

// cause drops the path that errors of package os repeat.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// open reads and decrypts a file.
func (a *app) open(path string) (data, plain []byte, err error) {
	data, err = a.readSecretFile(path)
	if err != nil {
		return nil, nil, err
	}
	if !secret.IsEncrypted(data) {
		return nil, nil, failf(exitFailed, "File not encrypted", "the file %s is not encrypted: it is neither an age file nor one of Ansible Vault. Encrypt it with\n    ferry secrets encrypt %s", path, path)
	}
	plain, err = a.keyring().Decrypt(path, data)
	return data, plain, err
}

// writeSecret writes a file; one that exists already is only replaced.
func writeSecret(path string, data []byte, mode fs.FileMode, replace bool) error {
	if _, err := os.Lstat(path); err == nil && !replace {
		return failf(exitFailed, "File exists", "the file %s exists already; nothing was written. Name another file with --output", path)
	}
	if err := secret.WriteFile(path, data, mode); err != nil {
		return failf(exitFailed, "File not written", "the file %s cannot be written: %w", path, cause(err))
	}
	return nil
}

func withoutAge(path string) string { return strings.TrimSuffix(path, ".age") }

func baseWithoutAge(path string) string { return filepath.Base(withoutAge(path)) }
