package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/engine/secret"
)

func (a *app) secretsEdit() *cobra.Command {
	var f lockFlags
	cmd := &cobra.Command{
		Use:   "edit FILE",
		Short: "Change an encrypted file with your editor",
		Long: `Opens the plain text in $VISUAL or $EDITOR (else vi) and encrypts what you leave. The plain text is only ever in a private
directory, in memory where the machine has such a place, and gone when ferry ends. A file that was not changed is not written.`,
		Args: between(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			path := args[0]
			data, plain, err := a.open(path)
			if err != nil {
				return err
			}
			if secret.IsVault(data) {
				return failf(exitFailed, "Ansible Vault is not written", "the file %s is encrypted by Ansible Vault, which ferry reads and does not write. Change it with ansible-vault, or turn it into an age file first:\n    ferry secrets rekey %s", path, path)
			}
			l, err := a.lock(path, &f, data) // before the editor: what is typed must have a place to go
			if err != nil {
				return err
			}
			return a.edit(path, l, plain, true)
		},
	}
	f.add(cmd)
	return cmd
}

func (a *app) secretsCreate() *cobra.Command {
	var f lockFlags
	cmd := &cobra.Command{
		Use:   "create FILE",
		Short: "Write a new encrypted file with your editor",
		Long:  `Opens an empty text in $VISUAL or $EDITOR (else vi) and writes it encrypted to FILE, whose name should end in .age.`,
		Args:  between(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			path := args[0]
			if _, err := os.Lstat(path); err == nil {
				return failf(exitFailed, "File exists", "the file %s exists already. To change it:\n    ferry secrets edit %s", path, path)
			}
			l, err := a.lock(path, &f, nil)
			if err != nil {
				return err
			}
			return a.edit(path, l, nil, false)
		},
	}
	f.add(cmd)
	return cmd
}

// edit lets the user change a plain text and writes it encrypted.
func (a *app) edit(path string, l secret.Lock, plain []byte, exists bool) error {
	changed, edited, err := a.inEditor(path, plain)
	if !changed {
		if err == nil {
			fmt.Fprintf(a.err, "%s: nothing was changed.\n", path)
		}
		return err
	}
	sealed, serr := a.seal(path, l, edited)
	if serr != nil {
		return serr
	}
	if err == nil {
		if err = writeSecret(path, sealed, 0o644, exists); err == nil {
			fmt.Fprintf(a.err, "%s is written.\n", path)
			return nil
		}
	}
	// What was typed is not lost: it is put aside, encrypted.
	aside, aerr := putAside(path, sealed)
	if aerr != nil {
		return err
	}
	fmt.Fprintf(a.err, "%s is as it was. What you typed is, encrypted, in %s.\n", path, aside)
	return err
}

func putAside(path string, sealed []byte) (string, error) {
	for _, dir := range []string{filepath.Dir(path), os.TempDir()} {
		f, err := os.CreateTemp(dir, baseWithoutAge(path)+".unsaved.*.age")
		if err != nil {
			continue
		}
		_, err = f.Write(sealed)
		if err = errors.Join(err, f.Close()); err == nil {
			return filepath.Clean(f.Name()), nil
		}
		_ = os.Remove(f.Name())
	}
	return "", errors.New("there is no place for it")
}

// inEditor lets the user change a text until it can be read. The text that was
// changed is returned with an error too.
func (a *app) inEditor(path string, plain []byte) (changed bool, edited []byte, err error) {
	s, err := secret.NewScratch()
	if err != nil {
		return false, nil, failf(exitFailed, "Nothing to edit in", "%w", err)
	}
	defer func() {
		if rerr := s.Remove(); rerr != nil {
			fmt.Fprintf(a.err, "The plain text could not be removed: %s. Remove it.\n", rerr)
		}
	}()
	if !s.InMemory {
		fmt.Fprintln(a.err, "Note: this machine has no file system in memory, so the plain text is on a disk while you edit.")
	}
	file, err := s.Write(baseWithoutAge(path), plain)
	if err != nil {
		return false, nil, failf(exitFailed, "Nothing to edit in", "%w", err)
	}
	for {
		eerr := a.runEditor(file)
		edited, err = os.ReadFile(file)
		switch {
		case err != nil && eerr == nil:
			return false, nil, failf(exitFailed, "Nothing to save", "the editor left no file; %s is as it was", path)
		case eerr != nil:
			return err == nil && !bytes.Equal(edited, plain), edited, eerr
		case bytes.Equal(edited, plain):
			return false, nil, nil
		}
		problem := checkHCL(path, edited)
		if problem == "" {
			return true, edited, nil
		}
		fmt.Fprintf(a.err, "This is not valid HCL: %s\n", problem)
		if !a.confirm("Edit again?") {
			return true, edited, failf(exitInvalid, "Invalid syntax", "the file %s was not written, since it could not be read: %s", path, problem)
		}
	}
}

// checkHCL says where a text that should be HCL is not, without quoting it.
func checkHCL(path string, text []byte) string {
	if !strings.HasSuffix(withoutAge(path), ".hcl") {
		return ""
	}
	_, diags := hclsyntax.ParseConfig(text, path, hcl.InitialPos)
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			line := 1
			if d.Subject != nil {
				line = d.Subject.Start.Line
			}
			return fmt.Sprintf("line %d: %s", line, d.Summary)
		}
	}
	return ""
}

// runEditor runs the user's editor on a file. A signal that ends ferry ends the
// editor first, so that the plain text can be removed; an interrupt is the
// editor's own business.
func (a *app) runEditor(file string) error {
	editor := os.Getenv("VISUAL")
	if editor == "" {
		editor = os.Getenv("EDITOR")
	}
	if editor == "" {
		editor = "vi"
	}
	cmd := exec.Command("/bin/sh", "-c", `exec `+editor+` "$@"`, "sh", file) //nolint:gosec // the user's own editor
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.in, a.out, a.err
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(ended)
	a.tell(func(string) {})
	if err := cmd.Start(); err != nil {
		return failf(exitFailed, "No editor", "the editor %s cannot be started: %w. Name another in $EDITOR", editor, err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			return failf(exitFailed, "Editor failed", "the editor %s ended with an error (%w). Name another in $EDITOR if it could not be started", editor, err)
		}
		return nil
	case <-ended:
		_ = cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(2*time.Second, func() { _ = cmd.Process.Kill() })
		err := <-done
		kill.Stop()
		return failf(exitInterrupted, "Interrupted", "ferry was told to end while the editor ran, and ended it (%v)", err)
	}
}
