package diag_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"pgregory.net/rapid"

	"github.com/ferry-ops/ferry/engine/diag"
)

// What would end the process with a stack overflow is a diagnostic.
func TestParseBounds(t *testing.T) {
	const n = 100_000
	r := strings.Repeat
	for what, src := range map[string]string{
		"not":            "a = " + r("!", n) + "true\n",
		"minus":          "a = " + r("- ", n) + "1\n",
		"sum":            "a = 1" + r(" + 1", n) + "\n",
		"sum over lines": "a = [1" + r("\n+ 1", n) + "]\n",
		"sum in for":     "a = {for k in x : k => 1" + r("\n+ 1", n) + "}\n",
		"condition":      "a = " + r("true ? 1 : ", n) + "1\n",
		"index":          "a = x" + r("[0]", n) + "\n",
		"splat":          "a = x" + r("[*]", n) + "\n",
		"attribute":      "a = x" + r(".a", n) + "\n",
		"list":           "a = " + r("[", n) + "\n",
		"closed list":    "a = " + r("[", n) + r("]", n) + "\n",
		"parentheses":    "a = " + r("(", n) + "\n",
		"object":         "a = " + r("{a=", n) + "\n",
		"call":           "a = " + r("f(", n) + "\n",
		"template":       "a = " + r(`"${`, n) + "\n",
		"template if":    `a = "` + r("%{if true}", n) + r("%{endif}", n) + "\"\n",
		"heredoc":        "a = <<E\n" + r("%{for x in y}", n) + "\nE\n",
		"blocks":         r("a {\n", n),
		"text":           "a = <<E\n" + r("line\n", n) + "E\n",
		"after a string": `a = "}}}}" == ` + r("[", n) + "\n",
		"after comments": "# }}}\n// ]]]\n/* ]] */\na = " + r("[", n),
	} {
		f, diags := diag.ParseConfig([]byte(src), "x.hcl")
		if f != nil || len(diags) != 1 || diags[0].Summary != "Nested too deeply" && diags[0].Summary != "Expression too long" && diags[0].Summary != "Text too long" {
			t.Errorf("%s: %v", what, diags)
		}
		set := diag.Set{Diags: diags}
		set.AddSource("x.hcl", []byte(src))
		if err := diag.Render(io.Discard, set, diag.Options{}); err != nil {
			t.Error(err)
		}
	}
	if _, diags := diag.ParseConfig([]byte("a = ["+r("1,", 2<<20)+"]\n"), "x.hcl"); len(diags) != 1 || diags[0].Summary != "File too large" {
		t.Errorf("a long list: %v", diags)
	}
	if _, diags := diag.ParseExpression([]byte(r("[", n)), "x"); len(diags) != 1 {
		t.Error(diags)
	}
	if _, diags := diag.ParseTemplate([]byte(r("%{ if x }", n)), "x"); len(diags) != 1 {
		t.Error(diags)
	}
}

// What people write is not refused, however much of it there is.
func TestParseWithinBounds(t *testing.T) {
	const n = 20_000
	r := strings.Repeat
	for what, src := range map[string]string{
		"hosts":         r("host \"a\" { address = \"10.0.0.1\" }\n", n),
		"brackets":      r("# (((\nb { x = \"[[\" }\n", n),
		"interpolation": "a = <<E\n" + r("${x} ${y}\n", n) + "E\n",
		"directives":    "a = <<E\n" + r("%{ if x }a%{ else }b%{ endif }\n", n) + "E\n",
		"list":          "a = [\n" + r("  x.y - 1,\n", n) + "]\n",
		"object":        "a = {\n" + r("  \"k-${x}\" = y[0].z\n", n) + "}\n",
		"calls":         r("b {\n  a = f(x, [1, 2])\n}\n", n),
	} {
		if d := diag.Bounds([]byte(src), "x.hcl"); d != nil {
			t.Errorf("%s: %s", what, d)
		}
	}
	if _, diags := diag.ParseTemplate([]byte(r("%{ for a in b }${a} %{ endfor }\n", n)), "x"); diags.HasErrors() {
		t.Error(diags)
	}
}

// The quick look agrees with the tokens: whatever it lets pass is within the
// bounds.
func TestQuickLook(t *testing.T) {
	pieces := []string{"a = ", "[", "]", "{", "}", "\n", "\"", "\\", "#", "//", "1", "+", ",", "x", "(", ")", "${", "%{", "for ", "=>", "<<E\n", "E\n", "/*", "*/", "-", " ", ":", "if "}
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for range rapid.IntRange(1, 12).Draw(t, "parts") {
			p := rapid.SampledFrom(pieces).Draw(t, "piece")
			b.WriteString(strings.Repeat(p, rapid.SampledFrom([]int{1, 1, 1, 2, 150, 2500}).Draw(t, "times")))
		}
		if why := diag.QuickLookDiffers([]byte(b.String())); why != nil {
			t.Fatalf("%s: %.200q", why, b.String())
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("a = [1, \"${x}\"]\nb \"c\" {\n}\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		if why := diag.QuickLookDiffers(src); why != nil {
			t.Errorf("%s", why)
		}
		var set diag.Set
		set.AddSource("x.hcl", src)
		file, diags := diag.ParseConfig(src, "x.hcl")
		set.Extend(diags)
		if file != nil {
			body, ok := file.Body.(*hclsyntax.Body)
			if !ok {
				t.Fatal("not a native body")
			}
			for _, a := range body.Attributes {
				_, diags := a.Expr.Value(&hcl.EvalContext{})
				set.Extend(diags)
			}
		}
		_, diags = diag.ParseTemplate(src, "x.hcl")
		set.Extend(diags)
		if err := diag.Render(io.Discard, set, diag.Options{Width: 80}); err != nil {
			t.Error(err)
		}
	})
}

// A file parsed in parts has the blocks, at the places, of the whole.
func TestParseParts(t *testing.T) {
	var b strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&b, "group \"g%d\" { # é\n  host \"h%d\" { x = [%d,\n 2] }\n}\n", i, i, i)
	}
	src := []byte(b.String())
	parts, diags := diag.ParseParts(src, "x.hcl")
	if diags.HasErrors() || len(parts) < 4 {
		t.Fatalf("%d parts, %v", len(parts), diags)
	}
	whole, _ := diag.ParseConfig(src, "x.hcl")
	want := whole.Body.(*hclsyntax.Body).Blocks
	var got hclsyntax.Blocks
	for _, p := range parts {
		got = append(got, p.Blocks...)
	}
	if len(got) != len(want) {
		t.Fatalf("%d blocks, want %d", len(got), len(want))
	}
	for i := range want {
		a, b := want[i].Body.Blocks[0], got[i].Body.Blocks[0]
		if a.Labels[0] != b.Labels[0] || a.Body.Attributes["x"].SrcRange != b.Body.Attributes["x"].SrcRange || want[i].CloseBraceRange != got[i].CloseBraceRange {
			t.Fatalf("block %d: %v, want %v", i, b.Range(), a.Range())
		}
	}
	src = append(src, "}\n"...)
	_, diags = diag.ParseParts(src, "x.hcl")
	if _, want := diag.ParseConfig(src, "x.hcl"); len(diags) == 0 || diags[0].Error() != want[0].Error() {
		t.Errorf("%v, want %v", diags, want)
	}
}
