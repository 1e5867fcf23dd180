package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) secretsDecrypt() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "decrypt FILE …",
		Short: "Decrypt files: FILE.age becomes FILE",
		Long: `Writes the plain text of each FILE.age to FILE, which only you can read, and keeps FILE.age. To look at a secret or to
change it, view and edit leave no plain file behind.`,
		Args: between(1, -1),
		RunE: func(_ *cobra.Command, args []string) error {
			if out != "" && len(args) > 1 {
				return failf(exitFailed, "Invalid flag", "--output names one file, and %d are to be decrypted", len(args))
			}
			for _, path := range args {
				to := out
				if to == "" {
					if to = withoutAge(path); to == path {
						return failf(exitFailed, "Invalid flag", "the name %s does not end in .age, so it says nothing about where to write; name the file with --output", path)
					}
				}
				_, plain, err := a.open(path)
				if err != nil {
					return err
				}
				if err := writeSecret(to, plain, 0o600, false); err != nil {
					return err
				}
				fmt.Fprintf(a.err, "%s is the plain text of %s.\n", to, path)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "write to this `file`")
	return cmd
}
