package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/engine/secret"
)

func (a *app) secretsEncrypt() *cobra.Command {
	var f lockFlags
	var out string
	var remove bool
	cmd := &cobra.Command{
		Use:   "encrypt FILE …",
		Short: "Encrypt files: FILE becomes FILE.age",
		Long: `Writes FILE.age for each FILE. The plain file stays unless --remove is given: remove it once the playbook works without it,
and remember that version control keeps what was ever committed. "-" reads standard input and needs --output.`,
		Args: between(1, -1),
		RunE: func(_ *cobra.Command, args []string) error {
			if out != "" && len(args) > 1 {
				return failf(exitFailed, "Invalid flag", "--output names one file, and %d are to be encrypted", len(args))
			}
			for _, path := range args {
				to := out
				if to == "" {
					to = path + ".age"
				}
				if path == "-" && out == "" {
					return failf(exitFailed, "Invalid flag", "standard input has no name; say with --output FILE.age where to write")
				}
				if err := a.encryptFile(path, to, &f, remove); err != nil {
					return err
				}
			}
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "", "write to this `file`")
	cmd.Flags().BoolVar(&remove, "remove", false, "remove the plain file afterwards")
	return cmd
}

func (a *app) encryptFile(path, to string, f *lockFlags, remove bool) error {
	plain, err := a.readSecretFile(path)
	if err != nil {
		return err
	}
	if secret.IsEncrypted(plain) {
		return failf(exitFailed, "File encrypted already", "the file %s is encrypted already. To encrypt it for others:\n    ferry secrets rekey %s", path, path)
	}
	l, err := a.lock(to, f, nil)
	if err != nil {
		return err
	}
	sealed, err := a.seal(to, l, plain)
	if err != nil {
		return err
	}
	if err := writeSecret(to, sealed, 0o644, false); err != nil {
		return err
	}
	fmt.Fprintf(a.err, "%s is encrypted.\n", to)
	if path == "-" {
		return nil
	}
	if remove {
		if err := os.Remove(path); err != nil {
			return failf(exitFailed, "File not removed", "the plain file %s could not be removed: %w", path, cause(err))
		}
		return nil
	}
	fmt.Fprintf(a.err, "The plain file %s is still there.\n", path)
	return nil
}
