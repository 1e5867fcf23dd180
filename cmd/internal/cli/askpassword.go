package cli

import (
	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/inventory"
)

// passwordFlags ask for passwords that the inventory does not give.
type passwordFlags struct{ login, become bool }

func (a *app) passwordFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVarP(&a.passwords.login, "ask-password", "k", false, "ask for the password to log in with, for hosts whose inventory gives none")
	f.BoolVarP(&a.passwords.become, "ask-become-password", "K", false, "ask for the password sudo wants, for hosts whose inventory gives none")
}

// askPasswords asks once for what the flags want and gives it to the hosts that
// have none.
func (a *app) askPasswords(inv *inventory.Inventory) error {
	for _, q := range []struct {
		wanted   bool
		question string
		of       func(*inventory.Connection) *inventory.Secret
	}{
		{a.passwords.login, "Password to log in with", func(c *inventory.Connection) *inventory.Secret { return &c.Password }},
		{a.passwords.become, "Password for sudo", func(c *inventory.Connection) *inventory.Secret { return &c.BecomePassword }},
	} {
		if !q.wanted {
			continue
		}
		ask := a.prompt()
		if ask == nil {
			return failf(exitFailed, "No terminal", "a password is to be asked for, and standard input is no terminal. Put it into the inventory as a secret instead; the command that makes one is\n    ferry secrets value")
		}
		text, err := ask(q.question)
		if err != nil {
			return err
		}
		for _, h := range inv.Hosts {
			if s := q.of(&h.Connection); s.IsZero() {
				*s = inventory.NewSecret(text.Reveal())
			}
		}
	}
	return nil
}
