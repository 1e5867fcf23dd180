package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/engine/secret"
)

func (a *app) secretsKeygen() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "keygen",
		Short: "Make an age key for yourself or for CI",
		Long: `Makes a key and prints its public half, which goes into ` + secret.RecipientsFile + `. Without --output the key is put where ferry
looks for it. An existing key is never replaced. Whoever has an Ed25519 or RSA SSH key needs no other.`,
		Args: between(0, 0),
		RunE: func(*cobra.Command, []string) error {
			path := out
			if path == "" {
				if path = defaultKeyFile(); path == "" {
					return failf(exitFailed, "No home directory", "there is no place for the key; name one with --output FILE")
				}
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					return failf(exitFailed, "File not written", "%w", err)
				}
			}
			private, public, err := secret.GenerateKey()
			if err != nil {
				return failf(exitFailed, "No key", "%w", err)
			}
			if err := writeSecret(path, []byte(private.Reveal()), 0o600, false); err != nil {
				return err
			}
			fmt.Fprintf(a.err, "The key is in %s. Keep a copy of it: without it, what is encrypted for it is lost. Its public half:\n", path)
			fmt.Fprintln(a.out, public)
			return nil
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "put the key into this `file`")
	return cmd
}
