package moduletest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/schema"
)

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// Info checks what a module says of itself: names, documentation, example.
func Info(t *testing.T, reg *module.Registry, i module.Info) {
	t.Helper()
	if !nameForm.MatchString(i.Name) {
		t.Errorf("the name %q is not of the form words_of_lower_case", i.Name)
	}
	if why := notASentence(i.Summary); why != "" {
		t.Errorf("the summary %q %s", i.Summary, why)
	}
	if strings.Contains(strings.TrimSuffix(i.Summary, "."), ". ") && !strings.HasSuffix(i.Summary, "Changes nothing.") {
		t.Errorf("the summary %q is more than one sentence", i.Summary)
	}
	for n, line := range strings.Split(i.Doc, "\n") {
		if len(line) > 100 {
			t.Errorf("line %d of the documentation has %d characters; break it before the 100th", n+1, len(line))
		}
		if line != strings.TrimRight(line, " \t") {
			t.Errorf("line %d of the documentation ends with a blank", n+1)
		}
	}
	if doc := strings.TrimSpace(i.Doc); doc == "" {
		t.Errorf("there is no documentation; say what a user cannot guess from the arguments")
	}
	arguments(t, i)
	example(t, reg, i)
}

// notASentence says why a text does not do as one, or "".
func notASentence(s string) string {
	switch {
	case s == "":
		return "is empty"
	case strings.TrimSpace(s) != s:
		return "begins or ends with a blank"
	case !strings.HasSuffix(s, "."):
		return "does not end with a period"
	case strings.Contains(s, "\n"):
		return "is more than one line"
	case s[:1] != strings.ToUpper(s[:1]) && !strings.HasPrefix(s, "file, directory"):
		return "does not begin with a capital letter"
	}
	return ""
}

func arguments(t *testing.T, i module.Info) {
	t.Helper()
	var b schema.Block
	var m any
	if i.NewCheck != nil {
		m = i.NewCheck()
	} else {
		m = i.New()
	}
	m.(interface{ Schema(*schema.Block) }).Schema(&b)
	for _, a := range b.Args() {
		if !nameForm.MatchString(a.Name) {
			t.Errorf("the name of the argument %q is not of the form words_of_lower_case", a.Name)
		}
		if why := notASentence(a.Doc); why != "" {
			t.Errorf("what is said of the argument %q, %q, %s", a.Name, a.Doc, why)
		}
		if slices.Contains(playbook.MetaArguments(), a.Name) {
			t.Errorf("the argument %q has the name of one that every task takes", a.Name)
		}
		if len(a.Choices) > 0 && a.Default != "" && !slices.Contains(a.Choices, strings.Trim(a.Default, `"`)) {
			t.Errorf("the default %s of the argument %q is none of its choices", a.Default, a.Name)
		}
	}
	if r, ok := m.(module.Reporter); ok {
		var rs schema.Results
		r.Results(&rs)
		for _, a := range rs.Attrs() {
			if why := notASentence(a.Doc); why != "" {
				t.Errorf("what is said of the result %q, %q, %s", a.Name, a.Doc, why)
			}
			if slices.Contains([]string{"changed", "failed", "skipped", "passed", "findings"}, a.Name) {
				t.Errorf("the result %q has the name of one that every task has", a.Name)
			}
		}
	}
}

// example loads the example in a play of its own. Files it names are made.
func example(t *testing.T, reg *module.Registry, i module.Info) {
	t.Helper()
	if string(hclwrite.Format([]byte(i.Example))) != i.Example {
		t.Errorf("the example is not formatted; it should be\n%s", hclwrite.Format([]byte(i.Example)))
	}
	f, diags := hclsyntax.ParseConfig([]byte(i.Example), "example.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Errorf("the example is not HCL: %s", diags)
		return
	}
	blocks := f.Body.(*hclsyntax.Body).Blocks
	if len(blocks) != 1 || blocks[0].Type != i.Kind() || len(blocks[0].Labels) != 2 || blocks[0].Labels[0] != i.Name {
		t.Errorf("the example must be one block: %s %q \"NAME\"", i.Kind(), i.Name)
		return
	}
	dir := t.TempDir()
	var b schema.Block
	if i.NewCheck != nil {
		i.NewCheck().Schema(&b)
	} else {
		i.New().Schema(&b)
	}
	for name, attr := range blocks[0].Body.Attributes {
		a := b.Arg(name)
		if a == nil || a.Kind != schema.KindFile && a.Kind != schema.KindTemplate {
			continue
		}
		if v, diags := attr.Expr.Value(nil); !diags.HasErrors() && v.Type() == cty.String {
			path := filepath.Join(dir, v.AsString())
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("text\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	src := fmt.Sprintf("play \"example\" {\n  hosts = \"all\"\n\n%s}\n", i.Example)
	path := filepath.Join(dir, "playbook.hcl")
	if err := os.WriteFile(path, []byte(src), 0o644); err != nil {
		t.Fatal(err)
	}
	_, set := playbook.Load(path, reg, "")
	for _, d := range set.Diags {
		t.Errorf("the example does not load: %s: %s", d.Summary, d.Detail)
	}
}
