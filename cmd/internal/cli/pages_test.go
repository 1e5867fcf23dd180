package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"github.com/ferry-ops/ferry/modules"
)

var (
	inlineCommand = regexp.MustCompile("`(ferry [a-z][^`]*)`")
	optionalPart  = regexp.MustCompile(`\[[^\]]*\]`)
)

// commandLines are the command lines of a page: those in fenced blocks, and those
// in the text.
func commandLines(page string) map[int]string {
	out := map[int]string{}
	fence := ""
	for i, line := range strings.Split(page, "\n") {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "```"); ok {
			if fence == "" {
				fence = "block " + rest
			} else {
				fence = ""
			}
			continue
		}
		cmd := strings.TrimPrefix(strings.TrimSpace(line), "$ ")
		cmd = strings.TrimPrefix(cmd, "bin/")
		switch {
		case fence == "block " && strings.HasPrefix(cmd, "ferry "), fence == "block console" && strings.Contains(cmd, "ferry "):
			cmd, _, _ = strings.Cut(cmd, "   ") // what is said about it
			out[i+1] = cmd
		case fence == "":
			var all []string
			for _, m := range inlineCommand.FindAllStringSubmatch(line, -1) {
				all = append(all, strings.ReplaceAll(m[1], `\|`, "|"))
			}
			if len(all) > 0 {
				out[i+1] = strings.Join(all, "\n")
			}
		}
	}
	return out
}

// ferryCalls are the arguments of each call of ferry in shell text.
func ferryCalls(t *testing.T, text string) [][]string {
	t.Helper()
	text = optionalPart.ReplaceAllString(text, "")
	for _, dots := range []string{" …", "…"} {
		text = strings.ReplaceAll(text, dots, "")
	}
	f, err := syntax.NewParser().Parse(strings.NewReader(text), "")
	if err != nil {
		t.Errorf("%q: %v", text, err)
		return nil
	}
	var out [][]string
	syntax.Walk(f, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.CallExpr); ok && len(c.Args) > 0 && c.Args[0].Lit() == "ferry" {
			words, err := expand.Fields(&expand.Config{NoUnset: false}, c.Args[1:]...)
			if err != nil {
				t.Errorf("%q: %v", text, err)
			}
			out = append(out, words)
		}
		return true
	})
	return out
}

// parse finds the command, its flags and the number of its arguments, and runs
// nothing.
func parse(args []string) error {
	a := &app{in: strings.NewReader(""), reg: modules.All()}
	cmd, rest, err := a.root().Find(args)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil && !strings.Contains(err.Error(), "help requested") {
		return err
	}
	if len(cmd.Flags().Args()) == 0 && cmd.HasParent() { // a command, or one of its flags, that the text only names
		return nil
	}
	if cmd.HasSubCommands() && len(cmd.Flags().Args()) > 0 {
		return failf(exitFailed, "Unknown command", "%q", cmd.Flags().Args())
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// Command lines in the pages are ones that ferry takes.
func TestCommandLinesOfThePages(t *testing.T) {
	pages, err := filepath.Glob("../../../docs/*.md")
	if err != nil || len(pages) < 5 {
		t.Fatalf("pages: %d, %v", len(pages), err)
	}
	n := 0
	for _, page := range append(pages, "../../../README.md") {
		text, err := os.ReadFile(page) //nolint:gosec // a page
		if err != nil {
			t.Fatal(err)
		}
		for line, cmds := range commandLines(string(text)) {
			for _, args := range ferryCalls(t, cmds) {
				n++
				if err := parse(args); err != nil {
					t.Errorf("%s:%d: ferry %s: %v", filepath.Base(page), line, strings.Join(args, " "), err)
				}
			}
		}
	}
	if n < 100 {
		t.Errorf("the pages have %d command lines", n)
	}
}
