package cli

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ferry-ops/ferry/cmd/internal/language"
)

func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual pages into a directory",
		Long: `Writes a manual page for every command, and ferry-playbook(5), ferry-inventory(5) and ferry-modules(7), into DIR/man1, DIR/man5
and DIR/man7, which are made if needed. To read them from there:
    man -M DIR ferry-run`,
		Args: between(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.writeManual(cmd.Root(), args[0])
		},
	}
}

// writeManual writes all pages below dir.
func (a *app) writeManual(root *cobra.Command, dir string) error {
	pages := map[string]string{} // Markdown by name, such as ferry-run.1
	var add func(*cobra.Command)
	add = func(c *cobra.Command) {
		pages[pageName(c)+".1"] = commandPage(c)
		for _, sub := range documented(c) {
			add(sub)
		}
	}
	add(root)
	l := language.New(a.reg, Version())
	pages["ferry-playbook.5"] = l.PlaybookManual()
	pages["ferry-inventory.5"] = l.InventoryManual()
	pages["ferry-modules.7"] = l.ModulesManual()
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		base, section, _ := strings.Cut(name, ".")
		sub := filepath.Join(dir, "man"+section)
		if err := os.MkdirAll(sub, 0o755); err != nil { //nolint:gosec // manual pages are for everybody
			return failf(exitFailed, "Manual not written", "%w", err)
		}
		head := fmt.Sprintf("%% %q %q %q %q %q\n", strings.ToUpper(base), section, manualDate().Format("2006-01-02"), "ferry "+Version(), "ferry manual")
		page := md2man.Render([]byte(head + pages[name]))
		if err := os.WriteFile(filepath.Join(sub, name), page, 0o644); err != nil { //nolint:gosec // the same
			return failf(exitFailed, "Manual not written", "%w", err)
		}
	}
	return nil
}

// manualDate is today, or what $SOURCE_DATE_EPOCH says, for builds that give
// the same files each time.
func manualDate() time.Time {
	if n, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		return time.Unix(n, 0).UTC()
	}
	return time.Now().UTC()
}

func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// documented are the subcommands with a page of their own.
func documented(c *cobra.Command) []*cobra.Command {
	var out []*cobra.Command
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() && !sub.IsAdditionalHelpTopicCommand() && sub.Name() != "help" {
			out = append(out, sub)
		}
	}
	return out
}

// commandPage is the page of a command as Markdown.
func commandPage(c *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# NAME\n\n%s - %s\n\n# SYNOPSIS\n\n**%s**\n\n", pageName(c), language.Escape(c.Short), language.Escape(c.UseLine()))
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	fmt.Fprintf(&b, "# DESCRIPTION\n\n%s\n", language.Prose(text))
	if subs := documented(c); len(subs) > 0 {
		b.WriteString("# COMMANDS\n\n")
		for _, s := range subs {
			fmt.Fprintf(&b, "**%s**\n: %s\n\n", s.Name(), language.Escape(s.Short))
		}
	}
	flagSection(&b, "OPTIONS", c.NonInheritedFlags())
	flagSection(&b, "OPTIONS OF ALL COMMANDS", c.InheritedFlags())
	if c.Example != "" {
		fmt.Fprintf(&b, "# EXAMPLES\n\n%s\n", language.Verbatim(c.Example))
	}
	if !c.HasParent() {
		b.WriteString("# EXIT STATUS\n\n")
		meaning := exitMeaning()
		for _, code := range slices.Sorted(maps.Keys(meaning)) {
			fmt.Fprintf(&b, "**%d**\n: %s\n\n", code, language.Escape(meaning[code]))
		}
	}
	b.WriteString("# SEE ALSO\n\n")
	var see []string
	if c.HasParent() {
		see = append(see, "**"+pageName(c.Parent())+"**(1)")
	}
	for _, s := range documented(c) {
		see = append(see, "**"+pageName(s)+"**(1)")
	}
	see = append(see, "**ferry-playbook**(5)", "**ferry-inventory**(5)", "**ferry-modules**(7)")
	b.WriteString(strings.Join(see, ", ") + "\n")
	return b.String()
}

func flagSection(b *strings.Builder, title string, fs *pflag.FlagSet) {
	if !fs.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, "# %s\n\n", title)
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Deprecated != "" {
			return
		}
		name, usage := pflag.UnquoteUsage(f)
		b.WriteString("**--" + f.Name + "**")
		if f.Shorthand != "" {
			b.WriteString(", **-" + f.Shorthand + "**")
		}
		if name != "" {
			b.WriteString(" *" + language.Escape(name) + "*")
		}
		switch f.DefValue {
		case "", "false", "[]", "0", "0s":
		default:
			usage += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(b, "\n: %s\n\n", language.Escape(usage))
	})
}
