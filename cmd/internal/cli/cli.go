// Package cli is the command line: one file per subcommand, each of which turns
// flags into options, makes one call into the engine and hands what comes back
// to a view.
package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/ferry-ops/ferry/engine"
	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/secret"
	"github.com/ferry-ops/ferry/modules"
)

// app is what every subcommand gets: the outside world and the global flags.
type app struct {
	in       io.Reader
	out, err io.Writer
	reg      *module.Registry
	reader   *bufio.Reader // of in, for questions

	inventories []string
	stateDir    string
	noColor     bool
	json        bool // the subcommand was asked for JSON
	logLevel    string
	profileDir  string
	stopProfile func() error
	secretFlags secretFlags
	passwords   passwordFlags
	keys        *secret.Keyring
	logs        logWriter
	running     bool // hosts are worked on: the terminal belongs to the view

	interrupts
}

// Main runs ferry and returns its exit code.
func Main(args []string, in io.Reader, out, errw io.Writer) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	a := &app{in: in, out: out, err: errw, logs: logWriter{err: errw}, reg: modules.All(), interrupts: newInterrupts(cancel, errw), stopProfile: func() error { return nil }}
	defer a.signals()()
	root := a.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errw)
	err := root.ExecuteContext(ctx)
	a.report(err)
	code := exitCode(err)
	select {
	case <-a.stop:
		if code == exitSecret { // a question for a passphrase was interrupted
			code = exitInterrupted
		}
	default:
	}
	return code
}

func (a *app) root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ferry",
		Short: "Moves fleets of hosts to openEuler without stopping what runs on them",
		Long: `ferry runs playbooks over an inventory of hosts, in parallel, over SSH.
Nothing is installed on a host: sshd, a POSIX shell and the package manager are all it needs.

A first look:
    ferry validate PLAYBOOK           is the playbook right?
    ferry plan PLAYBOOK -i INVENTORY  what would change? (writes nothing)
    ferry run  PLAYBOOK -i INVENTORY  change it`,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			f := cmd.Flags().Lookup("json")
			a.json = f != nil && f.Value.String() == "true"
			if a.profileDir == "" {
				return nil
			}
			stop, err := profile(a.profileDir)
			a.stopProfile = stop
			return err
		},
		PersistentPostRunE: func(*cobra.Command, []string) error { return a.stopProfile() },
	}
	f := cmd.PersistentFlags()
	f.StringArrayVarP(&a.inventories, "inventory", "i", nil, "inventory `file` or directory; may be repeated (default: $FERRY_INVENTORY, else ./inventory.hcl, .ini or .yml)")
	f.StringVar(&a.stateDir, "state-dir", engine.DefaultStateDir, "`directory` for the journal of runs")
	f.BoolVar(&a.noColor, "no-color", false, "no colours (also: NO_COLOR)")
	f.StringVar(&a.profileDir, "profile", "", "write profiles of ferry itself into a `directory`")
	_ = f.MarkHidden("profile")
	f.StringVar(&a.logLevel, "log-level", "warn", "what ferry logs about itself on standard error: debug, info, warn or error")
	f.StringArrayVar(&a.secretFlags.identities, "identity", nil, "`file` with an age key or an SSH private key that decrypts secrets; may be repeated (also: $FERRY_AGE_KEY_FILE)")
	f.StringArrayVar(&a.secretFlags.vaultFiles, "vault-password-file", nil, "`[ID@]FILE` that holds, or a program that prints, a password of Ansible Vault; may be repeated (also: $FERRY_VAULT_PASSWORD_FILE)")
	for _, g := range []struct {
		title    string
		commands []*cobra.Command
	}{
		{"Playbooks", []*cobra.Command{a.validateCommand(), a.planCommand(), a.runCommand(), a.fmtCommand(), a.getCommand()}},
		{"Runs", []*cobra.Command{a.statusCommand(), a.resumeCommand(), a.approveCommand(), a.runsCommand(), a.showCommand()}},
		{"Hosts", []*cobra.Command{a.inventoryCommand(), a.execCommand(), a.factsCommand()}},
		{"Reference and tools", []*cobra.Command{a.modulesCommand(), a.secretsCommand(), a.schemaCommand(), a.lspCommand(), a.manCommand(), a.versionCommand()}},
	} {
		cmd.AddGroup(&cobra.Group{ID: g.title, Title: g.title + ":"})
		for _, c := range g.commands {
			c.GroupID = g.title
			cmd.AddCommand(c)
		}
	}
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return failf(exitFailed, "Invalid flag", "%w.%s The command that lists the flags is\n    %s --help", err, meantFlag(c, err), c.CommandPath())
	})
	return group(cmd)
}

// meantFlag suggests a flag for one that does not exist.
func meantFlag(c *cobra.Command, err error) string {
	var missing *pflag.NotExistError
	if !errors.As(err, &missing) {
		return ""
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	return diag.DidYouMean("--"+missing.GetSpecifiedName(), names)
}

// report prints an error that no view has shown.
func (a *app) report(err error) {
	var de *diag.Error
	var ce *codeError
	switch {
	case err == nil:
	case errors.As(err, &de):
		a.show(de.Set)
	case errors.As(err, &ce) && ce.err == nil:
	default:
		var set diag.Set
		summary := "Command not possible"
		if ce != nil && ce.summary != "" {
			summary = ce.summary
		} else if errors.Is(err, diag.ErrSecret) {
			summary = "Secret not readable"
		} else if errors.Is(err, errInterrupted) {
			summary = "Interrupted"
		}
		set.Append(diag.Errorf(summary, nil, "%s", sentence(err.Error())))
		a.show(set)
	}
}

// sentence makes a Go error readable as one: a capital letter and a full stop.
func sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	s = string(unicode.ToUpper(r)) + s[n:]
	if last := s[strings.LastIndexByte(s, '\n')+1:]; strings.HasPrefix(last, " ") || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") {
		return s // it ends with a command
	}
	return s + "."
}

// show renders diagnostics on standard error, or as one line of JSON on standard
// output where JSON was asked for.
func (a *app) show(set diag.Set) {
	if a.json {
		_ = json.NewEncoder(a.out).Encode(struct {
			Kind string `json:"kind"`
			diag.Document
		}{"diagnostics", diag.NewDocument(set)})
		return
	}
	_ = diag.Render(a.err, set, diag.Options{Color: a.color(a.err), Width: width(a.err)})
}

// failed shows the diagnostics and returns the error for them, if there are errors.
func (a *app) failed(set diag.Set) error {
	if set.HasErrors() {
		return set.Err()
	}
	if len(set.Diags) > 0 {
		a.show(set)
	}
	return nil
}

func (a *app) color(w io.Writer) bool {
	return !a.noColor && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(w)
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width of the terminal, or 100 for everything else.
func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 40 {
			return min(n, 140)
		}
	}
	return 100
}

func (a *app) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(a.logLevel)); err != nil {
		return nil, fmt.Errorf("--log-level %q is not one of debug, info, warn, error", a.logLevel)
	}
	return slog.New(slog.NewTextHandler(&a.logs, &slog.HandlerOptions{Level: level})), nil
}
