package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// section is a part of a Markdown page between two headings.
type section struct {
	title  string
	text   string // as it stands in the page
	script string // of <!-- script … -->
	blocks []block
}

// block is a fenced block of a section: a file of its script.
type block struct {
	lang, file, text string
	line             int
}

const ansiblePage = "../../docs/coming-from-ansible.md"

// defaultFile is a block's name where no <!-- file NAME --> says another.
var defaultFile = map[string]string{"hcl": "site.hcl", "yaml": "site.yml", "ini": "hosts.ini", "console": "commands"}

// readPage takes a page apart. Comments <!-- script … --> and <!-- file NAME -->,
// which readers of the page do not see, say how its blocks are run.
func readPage(t *testing.T, name string) []*section {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	out := []*section{{title: "start"}}
	file, in, lines := "", "", strings.SplitAfter(string(data), "\n")
	for i, line := range lines {
		s, trimmed := out[len(out)-1], strings.TrimSpace(line)
		last := len(s.blocks) - 1
		switch {
		case in == "block" && trimmed == "```", in == "script" && trimmed == "-->":
			in = ""
		case in == "block":
			s.blocks[last].text += line
		case in == "script":
			s.script += line
		case trimmed == "<!-- script":
			in = "script"
		case strings.HasPrefix(trimmed, "<!-- file "):
			file = strings.TrimSuffix(strings.TrimPrefix(trimmed, "<!-- file "), " -->")
		case strings.HasPrefix(trimmed, "```"):
			lang := strings.TrimPrefix(trimmed, "```")
			if file == "" {
				file = defaultFile[lang]
			}
			if file == "" {
				t.Errorf("%s:%d: the block has no name; write <!-- file NAME --> in front of it", name, i+1)
			}
			s.blocks = append(s.blocks, block{lang: lang, file: file, line: i + 1})
			in, file = "block", ""
		case strings.HasPrefix(line, "##"):
			out = append(out, &section{title: strings.TrimLeft(trimmed, "# ")})
		default:
			s.text += line
		}
	}
	return out
}

// isPlaybook reports whether a block is a playbook for Ansible, which it checks.
func (b block) isPlaybook() bool {
	return b.lang == "yaml" && strings.HasPrefix(b.text, "- ") && !strings.Contains(b.file, "/")
}

// problems are blocks nothing is expected of.
func (s *section) problems() []string {
	var out []string
	seen := map[string]bool{}
	for _, b := range s.blocks {
		if seen[b.file] {
			out = append(out, fmt.Sprintf("line %d: two blocks of %q are called %s", b.line, s.title, b.file))
		}
		seen[b.file] = true
		if b.isPlaybook() || s.mentions(b.file) {
			continue
		}
		out = append(out, fmt.Sprintf("line %d: the script of %q does nothing with %s", b.line, s.title, b.file))
	}
	return out
}

// mentions reports whether the script or another block names a file: as it is, or
// the directory of a role or set that it is a part of.
func (s *section) mentions(file string) bool {
	names := []string{file}
	if dir := path.Dir(file); dir != "." {
		names = append(names, dir, strings.Split(file, "/")[1])
	}
	text := s.script
	for _, b := range s.blocks {
		if b.file != file {
			text += "\n" + b.text
		}
	}
	for _, n := range names {
		if regexp.MustCompile(`(?m)(^|[\s=@"/])` + regexp.QuoteMeta(n) + `(["\s/]|$)`).MatchString(text) {
			return true
		}
	}
	return false
}

// archive is the section as a test script.
func (s *section) archive() string {
	out := "# " + s.title + "\n" + s.script
	for _, b := range s.blocks {
		out += "-- " + b.file + " --\n" + b.text
	}
	return out
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// Every snippet of the page is run: the page's own comments say how.
func TestComingFromAnsible(t *testing.T) {
	dir, n := t.TempDir(), 0
	for _, s := range readPage(t, ansiblePage) {
		for _, p := range s.problems() {
			t.Errorf("%s: %s", filepath.Base(ansiblePage), p)
		}
		if s.script == "" {
			continue
		}
		n++
		name := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(s.title), "-"), "-")
		if err := os.WriteFile(filepath.Join(dir, name+".txtar"), []byte(s.archive()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n < 20 {
		t.Fatalf("the page has %d sections that are run", n)
	}
	testscript.Run(t, testscript.Params{
		Dir: dir, Setup: setup, RequireExplicitExec: true, RequireUniqueNames: true, Cmds: commands(),
	})
}
