package cli

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/engine/secret"
)

func (a *app) secretsValue() *cobra.Command {
	var f lockFlags
	var yaml bool
	cmd := &cobra.Command{
		Use:   "value [NAME]",
		Short: "Encrypt one value, ready to be pasted into a file",
		Long: `Takes a value from standard input (without its last line break) or, on a terminal, from a question that does not show what is
typed. Prints it encrypted, as an argument in HCL or, with --yaml, as a variable of a YAML file.`,
		Example: `  ferry secrets value db_password >>prod.auto.vars.hcl
  pass show db | ferry secrets value --yaml db_password >>group_vars/db.yml`,
		Args: between(0, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			name := ""
			if len(args) == 1 {
				if name = args[0]; !hclsyntax.ValidIdentifier(name) {
					return failf(exitFailed, "Invalid name", "%q cannot be the name of a variable: letters, digits, _ and - can, beginning with a letter", name)
				}
			}
			l, err := a.lock("value", &f, nil)
			if err != nil {
				return err
			}
			plain, err := a.readValue(name)
			if err != nil {
				return err
			}
			sealed, err := a.seal("the value", l, plain)
			if err != nil {
				return err
			}
			fmt.Fprint(a.out, pasteable(name, string(sealed), yaml))
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&yaml, "yaml", false, "print a variable of a YAML file")
	return cmd
}

func (a *app) readValue(name string) ([]byte, error) {
	if ask := a.prompt(); ask != nil {
		question := "Value"
		if name != "" {
			question += " of " + name
		}
		t, err := ask(question)
		return []byte(t.Reveal()), err
	}
	data, err := readAtMost(a.in, "standard input")
	if err != nil {
		return nil, err
	}
	data = bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
	if len(data) == 0 {
		return nil, failf(exitFailed, "No value", "standard input is empty; write the value to it, for example\n    printf %%s VALUE | ferry secrets value NAME")
	}
	return data, nil
}

// pasteable is an armored text as part of a file.
func pasteable(name, sealed string, yaml bool) string {
	body := "  " + strings.ReplaceAll(strings.TrimSpace(sealed), "\n", "\n  ") + "\n"
	switch {
	case yaml && name != "":
		return name + ": !age |\n" + body
	case yaml:
		return "!age |\n" + body
	case name != "":
		name += " = "
	}
	return name + "secret(<<-EOT\n" + body + "EOT\n)\n"
}

func (a *app) secretsRecipients() *cobra.Command {
	return &cobra.Command{
		Use:   "recipients [FILE]",
		Short: "Show who can read secrets here, or for whom a file is encrypted",
		Long: `Without a file: the recipients that ` + secret.RecipientsFile + ` lists for this directory. With one: those listed for its directory, and
what the file itself tells. An age file does not name the age keys it is encrypted for, only how many there are.`,
		Args: between(0, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			path := "file"
			if len(args) == 1 {
				path = args[0]
			}
			name, list, err := secret.FindRecipients(path)
			if err != nil {
				return failf(exitFailed, "Invalid list of recipients", "%w", err)
			}
			if name == "" && len(args) == 0 {
				return failf(exitFailed, "No recipients", "there is no file %s in this directory or above it. Write one, with a public key a line, for example your SSH key:\n    cat ~/.ssh/id_ed25519.pub >%s", secret.RecipientsFile, secret.RecipientsFile)
			}
			if name != "" {
				fmt.Fprintf(a.out, "%s:\n", name)
			}
			for _, r := range list {
				fmt.Fprintf(a.out, "  %s\n", strings.TrimSpace(r.Text+"  "+r.Comment))
			}
			if len(args) == 0 {
				return nil
			}
			return a.showStanzas(path, list)
		},
	}
}

// showStanzas prints what a file tells about who can read it.
func (a *app) showStanzas(path string, list []secret.Recipient) error {
	data, err := a.readSecretFile(path)
	if err != nil {
		return err
	}
	if secret.IsVault(data) {
		fmt.Fprintf(a.out, "%s: encrypted by Ansible Vault with a password\n", path)
		return nil
	}
	stanzas, err := secret.Stanzas(data)
	if err != nil || !secret.IsAge(data) {
		return failf(exitFailed, "Not an age file", "the file %s is not an age file, or its header is damaged", path)
	}
	fmt.Fprintf(a.out, "%s is encrypted for:\n", path)
	for _, s := range stanzas {
		who := map[string]string{"X25519": "an age key", "scrypt": "a passphrase"}[s.Type]
		if who == "" {
			who = "a key of the kind " + fmt.Sprintf("%.30q", s.Type)
		}
		for _, r := range list {
			if s.Tag != "" && r.Tag() == s.Tag {
				who = strings.TrimSpace(r.Text + "  " + r.Comment)
			}
		}
		fmt.Fprintf(a.out, "  %s\n", who)
	}
	return nil
}
