package cli

import (
	"bytes"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/engine/secret"
)

func (a *app) secretsRekey() *cobra.Command {
	var f lockFlags
	cmd := &cobra.Command{
		Use:   "rekey FILE …",
		Short: "Encrypt files anew, for other recipients; turn Ansible Vault files into age files",
		Long: `Decrypts each file and encrypts it for the present recipients. Whoever could read a file before still knows what it held:
change the secrets themselves as well.

A file that Ansible Vault encrypted becomes FILE.age; FILE is removed once FILE.age was read back.`,
		Args: between(1, -1),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, path := range args {
				if err := a.rekey(path, &f); err != nil {
					return err
				}
			}
			return nil
		},
	}
	f.add(cmd)
	return cmd
}

func (a *app) rekey(path string, f *lockFlags) error {
	data, plain, err := a.open(path)
	if err != nil {
		return err
	}
	to, fromVault := path, secret.IsVault(data)
	if fromVault && withoutAge(path) == path {
		to = path + ".age"
	}
	l, err := a.lock(to, f, nil)
	if err != nil {
		return err
	}
	sealed, err := a.seal(to, l, plain)
	if err != nil {
		return err
	}
	if err := writeSecret(to, sealed, 0o644, to == path); err != nil {
		return err
	}
	if to == path {
		fmt.Fprintf(a.err, "%s is encrypted anew.\n", path)
		return nil
	}
	fmt.Fprintf(a.err, "%s is encrypted with age.\n", to)
	if l.Passphrase.IsZero() { // with a passphrase that was just typed twice there is no doubt
		if back, err := a.keyring().Decrypt(to, sealed); err != nil || !bytes.Equal(back, plain) {
			fmt.Fprintf(a.err, "%s stays, since you cannot read %s yourself. Remove it when somebody has read the new file: both would be used.\n", path, to)
			return nil
		}
	}
	if err := os.Remove(path); err != nil {
		return failf(exitFailed, "File not removed", "the file %s could not be removed: %w. Remove it: both files would be used", path, cause(err))
	}
	return nil
}
