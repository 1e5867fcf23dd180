package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ferry-ops/ferry/modules"
)

var (
	isReference  = regexp.MustCompile(`^(facts|host|groups|path|split|try|one|lookup)[.(]`)
	isIdentifier = regexp.MustCompile(`^[a-z][a-z_]+$`)
)

// secondCells are the texts in code in the second column of a section's tables.
func (s *section) secondCells() []string {
	var out []string
	for _, row := range s.rows() {
		for _, m := range inCode.FindAllStringSubmatch(row[1], -1) {
			out = append(out, m[1])
		}
	}
	return out
}

// Facts and magic variables: what the tables name instead can be evaluated.
func TestReferencesOfThePage(t *testing.T) {
	text, n := "play \"p\" {\n  hosts = \"all\"\n", 0
	for _, s := range readPage(t, ansiblePage) {
		if s.title != "Facts" && s.title != "Magic variables" {
			continue
		}
		for _, code := range s.secondCells() {
			if isReference.MatchString(code) {
				n++
				text += fmt.Sprintf("  task \"print\" \"r%d\" { value = [%s] }\n", n, code)
			}
		}
	}
	if n < 25 {
		t.Fatalf("the page has %d references", n)
	}
	dir := t.TempDir()
	script := "hosts db1\nfake getenforce rpm systemctl\nexec sh -c 'cat groups >>inventory.hcl'\ncode 0 ferry run site.hcl\n-- groups --\n" +
		"group \"web\" {\n  host \"db1\" { vars = { x = 1 } }\n}\n-- site.hcl --\n" + text + "}\n"
	if err := os.WriteFile(filepath.Join(dir, "references.txtar"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Dir: dir, Setup: setup, RequireExplicitExec: true, Cmds: commands()})
}

// The modules that the table of modules names exist.
func TestModulesOfThePage(t *testing.T) {
	reg := modules.All()
	known := map[string]bool{}
	for _, name := range append(reg.StepNames(), reg.CheckNames()...) {
		known[name] = true
	}
	words := " argv cat stdin read_only creates authorized_keys locals use variable type validation sha256 after changed_when gate approval soak match "
	n := 0
	for _, s := range readPage(t, ansiblePage) {
		if s.title != "Modules" {
			continue
		}
		for _, code := range s.secondCells() {
			if isIdentifier.MatchString(code) && !strings.Contains(words, " "+code+" ") {
				if n++; !known[code] {
					t.Errorf("ferry has no module %q", code)
				}
			}
		}
	}
	if n < 35 {
		t.Errorf("the table names %d modules", n)
	}
}
