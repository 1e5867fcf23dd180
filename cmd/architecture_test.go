// Package cmd_test checks the rules of the layout over the real imports of
// every package, since a linter can be skipped.
package cmd_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const self = "github.com/ferry-ops/ferry/"

type pkg struct {
	ImportPath string
	Imports    []string
	Doc        string
	GoFiles    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Doc,GoFiles", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		p.ImportPath = strings.TrimPrefix(p.ImportPath, self)
		all = append(all, p)
	}
}

// forbidden says whether package from may not import to, and why.
func forbidden(from, to string) string {
	under := func(p string, dirs ...string) bool {
		for _, d := range dirs {
			if p == d || strings.HasPrefix(p, d+"/") {
				return true
			}
		}
		return false
	}
	own := strings.TrimPrefix(to, self)
	isOwn := own != to
	switch {
	case isOwn && under(own, "cmd") && !under(from, "cmd"):
		return "nothing imports cmd"
	case isOwn && under(own, "modules") && under(from, "engine", "inventory"):
		return "the engine is given modules, it does not know them"
	case isOwn && under(from, "modules") && from != "modules" && !under(own, "engine/module", "engine/schema", "engine/host", "engine/rpmver", "modules"):
		return "a module sees engine/module, engine/schema and engine/host"
	case isOwn && under(from, "inventory") && !under(own, "engine/diag"):
		return "the inventory sees engine/diag only"
	case isOwn && under(own, "inventory") && under(from, "engine") && from != "engine":
		return "only the façade knows the inventory"
	case isOwn && under(own, "testenv") && !under(from, "testenv"):
		return "the product does not know its lab"
	case under(to, "golang.org/x/crypto/ssh", "github.com/pkg/sftp") && !under(from, "engine/ssh", "testenv"):
		return "only engine/ssh speaks SSH"
	case under(to, "github.com/spf13/cobra") && !under(from, "cmd/internal/cli"):
		return "the command line lives in cmd/internal/cli"
	case under(to, "github.com/creachadair") && !under(from, "cmd/internal/lsp"):
		return "the language server lives in cmd/internal/lsp"
	case under(to, "charm.land") && !under(from, "cmd/internal/view"):
		return "the live view lives in cmd/internal/view"
	case under(to, "filippo.io/age") && !under(from, "engine/secret"):
		return "only engine/secret knows age"
	case isOwn && under(own, "engine/secret") && under(from, "engine/playbook", "engine/run"):
		return "what decrypts is given to playbooks"
	case under(to, "modernc.org/sqlite", "database/sql") && !under(from, "engine/journal"):
		return "only engine/journal talks to the database"
	case isOwn && under(from, "engine/host", "engine/rpmver", "engine/diag") && !under(own, from, "engine/host"):
		return "a leaf imports nothing of the project"
	}
	return ""
}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		for _, to := range p.Imports {
			if why := forbidden(p.ImportPath, to); why != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, to, why)
			}
		}
	}
}

func TestPackageComments(t *testing.T) {
	for _, p := range packages(t) {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
		base := p.ImportPath[strings.LastIndex(p.ImportPath, "/")+1:]
		switch base {
		case "util", "utils", "common", "helpers", "types":
			t.Errorf("%s: a package is named for what it provides", p.ImportPath)
		}
	}
}
