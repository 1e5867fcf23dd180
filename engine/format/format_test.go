package format_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"pgregory.net/rapid"

	"github.com/ferry-ops/ferry/engine/format"
)

func TestSource(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "",
		"\n\n":                  "",
		"a=1":                   "a = 1\n",
		"a=1\nlong=2\n\n\n":     "a    = 1\nlong = 2\n",
		"\xef\xbb\xbfa = 1\n":   "a = 1\n",
		"b \"x\"{\na=1\n}":      "b \"x\" {\n  a = 1\n}\n",
		"a = <<E\n  x  \nE\n":   "a = <<E\n  x  \nE\n",
		"a = 1 # x\nbb = 2 #y":  "a  = 1 # x\nbb = 2 #y\n",
		"# only a comment   \n": "# only a comment\n",
	} {
		got, diags := format.Source([]byte(in), "x.hcl")
		if diags.HasErrors() || string(got) != want {
			t.Errorf("%q: %q %v, want %q", in, got, diags, want)
		}
	}
	for _, bad := range []string{"a = \n", "play {", "\x00", "a = \"\xff\"\n", strings.Repeat("a {\n", 1000)} {
		if got, diags := format.Source([]byte(bad), "x.hcl"); got != nil || !diags.HasErrors() {
			t.Errorf("%.20q: %q %v", bad, got, diags)
		}
	}
}

// formatted holds a result against its source: laid out once more it stays the
// same, and it parses to the same tree.
func formatted(t interface{ Errorf(string, ...any) }, src, out []byte) {
	again, diags := format.Source(out, "x.hcl")
	if diags.HasErrors() || !bytes.Equal(again, out) {
		t.Errorf("not stable: %q, then %q, then %q %v", src, out, again, diags)
	}
	if a, b := shape(src), shape(out); a != b {
		t.Errorf("the tree differs: %q gives\n%s\n%q gives\n%s", src, a, out, b)
	}
}

// shape is a tree in words: blocks, labels, arguments and expressions without places.
func shape(src []byte) string {
	f, _ := hclsyntax.ParseConfig(bytes.TrimPrefix(src, []byte("\xef\xbb\xbf")), "x.hcl", hcl.InitialPos)
	var b strings.Builder
	var body func(*hclsyntax.Body)
	body = func(x *hclsyntax.Body) {
		for _, a := range sortedAttributes(x) {
			b.WriteString(a.Name + " = ")
			_ = hclsyntax.VisitAll(a.Expr, func(n hclsyntax.Node) hcl.Diagnostics {
				switch n := n.(type) {
				case *hclsyntax.LiteralValueExpr:
					b.WriteString(n.Val.GoString())
				case *hclsyntax.ScopeTraversalExpr:
					b.WriteString(n.Traversal.RootName())
				case *hclsyntax.FunctionCallExpr:
					b.WriteString(n.Name)
				}
				b.WriteString(strings.TrimPrefix(strings.Split(strings.TrimPrefix(typeName(n), "*"), "{")[0], "hclsyntax.") + ";")
				return nil
			})
			b.WriteByte('\n')
		}
		for _, c := range x.Blocks {
			b.WriteString(c.Type + " " + strings.Join(c.Labels, ",") + " {\n")
			body(c.Body)
			b.WriteString("}\n")
		}
	}
	body(f.Body.(*hclsyntax.Body))
	return b.String()
}

func TestStable(t *testing.T) {
	words := []string{"a", "bb", "ccc", " ", "  ", "\t", "\n", "\r\n", "=", " = ", "1", "\"x\"", "\"${a}\"", "{", "}", "[", "]", ",", ":", "# c\n", "// d\n", "/* e */", "(", ")", "+", "-", "!", "?", "if", "for", "in", "=>", "<<E\n t\nE\n", "<<-E\n   t\n  E\n", ".", "*", "f("}
	good := 0
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for range rapid.IntRange(1, 6).Draw(t, "lines") {
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				b.WriteString("b \"l\"" + rapid.SampledFrom(words[3:6]).Draw(t, "s") + "{\n x=1\n}\n")
			case 1:
				b.WriteString(strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 1, 8).Draw(t, "words"), ""))
			default:
				b.WriteString(rapid.StringMatching(`[a-z]{1,6}`).Draw(t, "name") + "=" + rapid.SampledFrom([]string{"1", "[1,2]", "{a=1,b=2}", "[\n1,\n2\n]", "{\na=1\nbbb=2 # x\n}", "f(1,2)", "a?b:c", "!x", "-1", "<<-E\n   t\n  E", "\"a${b}c\"", "[for x in y:x]", "x.*.y", "x[ 0 ]"}).Draw(t, "value") + rapid.SampledFrom([]string{"", " # note", "  //n"}).Draw(t, "comment") + "\n")
			}
		}
		src := []byte(b.String())
		out, diags := format.Source(src, "x.hcl")
		if diags.HasErrors() {
			for _, d := range diags {
				if d.Summary == "File not formatted" {
					t.Fatalf("%q: %v", src, diags)
				}
			}
			return
		}
		good++
		formatted(t, src, out)
	})
	if good < 20 {
		t.Errorf("only %d texts were well-formed", good)
	}
}

// The files that ship are formatted.
func TestShippedFilesAreFormatted(t *testing.T) {
	n := 0
	for _, glob := range []string{"../../playbooks/*/*/*.hcl", "../../playbooks/*/*/*/*.hcl"} {
		files, _ := filepath.Glob(glob)
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			n++
			if out, diags := format.Source(src, file); diags.HasErrors() || !bytes.Equal(src, out) {
				t.Errorf("%s is not formatted: %v", file, diags)
			}
		}
	}
	if n == 0 {
		t.Error("no files")
	}
}

func FuzzSource(f *testing.F) {
	files, _ := filepath.Glob("../playbook/testdata/errors/*.hcl")
	for _, file := range files {
		src, _ := os.ReadFile(file)
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		out, diags := format.Source(src, "x.hcl")
		if !diags.HasErrors() {
			formatted(t, src, out)
			return
		}
		for _, d := range diags {
			if d.Summary == "File not formatted" {
				t.Errorf("%v", diags)
			}
		}
	})
}
