package cli

import "github.com/spf13/cobra"

func (a *app) secretsView() *cobra.Command {
	return &cobra.Command{
		Use:   "view FILE",
		Short: "Print the plain text of an encrypted file",
		Long:  `Prints the plain text of an age file or of a file that Ansible Vault encrypted. "-" reads standard input.`,
		Args:  between(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			_, plain, err := a.open(args[0])
			if err != nil {
				return err
			}
			_, err = a.out.Write(plain)
			return err
		},
	}
}
