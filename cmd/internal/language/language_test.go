package language_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ferry-ops/ferry/cmd/internal/language"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/inventory"
	"github.com/ferry-ops/ferry/modules"
)

func lang() language.Language { return language.New(modules.All(), "0.1.0") }

// Whatever the loader names as an argument or a block of something is described.
func TestBlocksAreComplete(t *testing.T) {
	files, err := filepath.Glob("../../../engine/playbook/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for name, b := range lang().Playbook.Blocks {
		known[name] = true
		for _, a := range b.Arguments {
			known[a.Name] = true
		}
	}
	for _, n := range playbook.MetaArguments() {
		if !known[n] {
			t.Errorf("the meta-argument %q is not described", n)
		}
	}
	lists := regexp.MustCompile(`(?s)(?:\.only\((.*?)\)\n|(?:play|rollout|top|set|stack)(?:Attrs|Blocks) += \[\]string\{(.*?)\})`)
	found := 0
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range lists.FindAllStringSubmatch(string(src), -1) {
			for _, w := range regexp.MustCompile(`"(\w+)"`).FindAllStringSubmatch(m[1]+m[2], -1) {
				found++
				if !known[w[1]] {
					t.Errorf("%s: %q is not described", f, w[1])
				}
			}
		}
	}
	if found < 30 {
		t.Errorf("only %d names found; does the loader list them elsewhere?", found)
	}
}

// Whatever is described can be written where it is said to be.
func TestBlocksLoad(t *testing.T) {
	l := lang()
	var write func(name string, depth int) string
	write = func(name string, depth int) string {
		b := l.Playbook.Blocks[name]
		var s strings.Builder
		s.WriteString(name)
		for i := range b.Labels {
			fmt.Fprintf(&s, " %q", []string{map[bool]string{true: map[bool]string{true: "file", false: "command"}[b.Module == "check"], false: "n"}[b.Module != ""], fmt.Sprintf("n%d", depth)}[i])
		}
		s.WriteString(" {\n")
		for _, a := range b.Arguments {
			fmt.Fprintf(&s, "  %s = null\n", a.Name)
		}
		if depth < 5 {
			for _, c := range b.Blocks {
				s.WriteString(write(c, depth+1))
			}
		}
		s.WriteString("}\n")
		return s.String()
	}
	for _, top := range l.Playbook.Top {
		text := write(top, 0)
		if top == "play" {
			text = strings.ReplaceAll(text, "gate \"n\"", "gate \"soak\"")
		}
		file := filepath.Join(t.TempDir(), "main.hcl")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, set := playbook.Load(file, modules.All(), "")
		for _, d := range set.Diags {
			kind := d.Summary == "Unknown argument" || d.Summary == "Unknown block" || d.Summary == "Wrong number of labels"
			if kind && !strings.Contains(d.Detail, "gate") && !strings.Contains(d.Detail, "module") {
				t.Errorf("%s: %s", top, d)
			}
		}
	}
}

// The arguments of a gate are those its kinds take.
func TestGateArguments(t *testing.T) {
	for _, a := range lang().Playbook.Blocks["gate"].Arguments {
		kinds := 0
		for _, kind := range []string{"approval", "soak", "check", "window"} {
			file := filepath.Join(t.TempDir(), "main.hcl")
			text := fmt.Sprintf("play \"p\" {\n hosts = \"all\"\n rollout {\n gate %q {\n %s = null\n }\n }\n}\n", kind, a.Name)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, set := playbook.Load(file, modules.All(), "")
			unknown := false
			for _, d := range set.Diags {
				unknown = unknown || d.Summary == "Unknown argument"
			}
			if !unknown {
				kinds++
			}
		}
		if kinds == 0 {
			t.Errorf("no kind of gate takes %q", a.Name)
		}
	}
}

func TestInventoryIsComplete(t *testing.T) {
	l := lang()
	for _, a := range inventory.Arguments() {
		if _, ok := l.Inventory.Blocks["host"].Argument(a.Name); !ok {
			t.Errorf("the argument %q of hosts is not described", a.Name)
		}
	}
	for name, b := range l.Inventory.Blocks {
		for _, a := range b.Arguments {
			file := filepath.Join(t.TempDir(), "inventory.hcl")
			if err := os.WriteFile(file, []byte(fmt.Sprintf("%s \"x\" {\n  %s = 1\n}\n", name, a.Name)), 0o600); err != nil {
				t.Fatal(err)
			}
			_, set := inventory.Load(t.Context(), []string{file}, inventory.Options{})
			for _, d := range set.Diags {
				if d.Summary == "Unknown argument" {
					t.Errorf("%s: %s", name, d)
				}
			}
		}
	}
}

func TestDocs(t *testing.T) {
	l := lang()
	for _, f := range []language.File{l.Playbook, l.Inventory} {
		for name, b := range f.Blocks {
			if !strings.HasSuffix(b.Doc, ".") {
				t.Errorf("the block %q has no sentence", name)
			}
			for _, c := range b.Blocks {
				if _, ok := f.Blocks[c]; !ok {
					t.Errorf("%s: unknown block %q", name, c)
				}
			}
			for _, a := range b.Arguments {
				if !strings.HasSuffix(a.Doc, ".") || a.Type == "" {
					t.Errorf("%s: the argument %q has no sentence or type", name, a.Name)
				}
			}
		}
	}
	for _, f := range l.Functions {
		if f.Doc == "" {
			t.Errorf("the function %q has no description", f.Name)
		}
	}
	if len(l.Modules) == 0 || len(l.Facts) == 0 || !slices.ContainsFunc(l.Functions, func(f language.Function) bool { return strings.HasPrefix(f.Signature, "rpmcmp(a, b)") }) {
		t.Error("modules, facts or functions are missing")
	}
	if _, err := json.Marshal(l); err != nil {
		t.Error(err)
	}
}
