package schema_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/schema"
)

// args are variables of every kind an argument can have.
type args struct {
	name, choice, secret, note string
	on                         bool
	maybe                      *bool
	n                          int
	opt                        *int
	wait                       time.Duration
	mode                       uint32
	list                       []string
	labels                     map[string]string
	any                        any
}

func (a *args) block() *schema.Block {
	var b schema.Block
	b.String(&a.name, "name", "A name.", schema.Required, schema.NonEmpty)
	b.String(&a.choice, "choice", "A choice.", schema.OneOf("red", "green"))
	b.String(&a.secret, "secret", "A secret.", schema.Sensitive)
	b.String(&a.note, "note", "A note.", schema.MaySensitive)
	b.Bool(&a.on, "on", "A switch.")
	b.OptBool(&a.maybe, "maybe", "A switch that may be left alone.")
	b.Int(&a.n, "n", "A number.", schema.Between(1, 10))
	b.OptInt(&a.opt, "opt", "A number that may be left out.")
	b.Duration(&a.wait, "wait", "A length of time.")
	b.Mode(&a.mode, "mode", "A file mode.")
	b.Strings(&a.list, "list", "A list.", schema.AbsPath)
	b.StringMap(&a.labels, "labels", "A map.")
	b.Any(&a.any, "any", "Anything.")
	return &b
}

func decode(t testing.TB, src string) (*args, schema.Decoded, hcl.Diagnostics) {
	t.Helper()
	f, diags := hclsyntax.ParseConfig([]byte(src), "test.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		return nil, schema.Decoded{}, diags
	}
	a := &args{choice: "red", n: 3}
	scope := &hcl.EvalContext{Variables: map[string]cty.Value{
		"secret":  cty.StringVal("hunter2-hunter2").Mark(schema.SensitiveMark),
		"unknown": cty.UnknownVal(cty.String), "dynamic": cty.DynamicVal, "nothing": cty.NullVal(cty.String),
	}}
	d, diags := a.block().Decode(schema.Target{What: "The module \"test\"", Attrs: f.Body.(*hclsyntax.Body).Attributes}, scope, schema.NewFiles())
	return a, d, diags
}

func TestDecode(t *testing.T) {
	a, d, diags := decode(t, `
name   = "x"
secret = "pass-word"
on     = "true"
maybe  = false
n      = "7"
wait   = "1h30m"
mode   = "1777"
list   = "/a"
labels = { a = 1, b = true }
any    = [1, "x", { k = null }]
note   = "with ${secret}"
`)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if a.name != "x" || !a.on || a.maybe == nil || *a.maybe || a.n != 7 || a.opt != nil || a.wait != 90*time.Minute || a.mode != 0o1777 ||
		len(a.list) != 1 || a.labels["a"] != "1" || a.labels["b"] != "true" || a.choice != "red" {
		t.Errorf("%+v", a)
	}
	if strings.Join(d.Sensitive, " ") != "secret note" || strings.Join(d.Secrets, "|") != "pass-word|with hunter2-hunter2" {
		t.Errorf("sensitive %v, secrets %v", d.Sensitive, d.Secrets)
	}
}

func TestDecodeProblems(t *testing.T) {
	for src, want := range map[string]string{
		`n = 1`:                                 `needs the argument "name"`,
		`name = ""`:                             `it is empty`,
		`name = nothing`:                        `its value here is null`,
		"name = \"x\"\nnam = 1":                 `Did you mean "name"?`,
		"name = \"x\"\nchoice = \"gren\"":       `Did you mean "green"?`,
		"name = \"x\"\nn = 11":                  `11 is not between 1 and 10`,
		"name = \"x\"\nn = 1.5":                 `is not a whole number`,
		"name = \"x\"\nwait = \"7d\"":           `is not a length of time`,
		"name = \"x\"\nwait = \"-1s\"":          `is negative`,
		"name = \"x\"\nmode = \"999\"":          `is not a file mode`,
		"name = \"x\"\nlist = [\"a\"]":          `is not an absolute path`,
		"name = \"x\"\nlist = [null]":           `element is null`,
		"name = \"x\"\non = \"maybe\"":          `must be true or false`,
		"name = secret":                         `the value is sensitive`,
		"name = [secret]":                       `the value is sensitive`,
		"name = \"x\"\nlabels = { a = secret }": `the value is sensitive`,
	} {
		_, _, diags := decode(t, src)
		text := ""
		for _, d := range diags {
			text += d.Summary + ": " + d.Detail + "\n"
		}
		if !strings.Contains(text, want) {
			t.Errorf("%s\ngives %q, want %q", src, text, want)
		}
		if strings.Contains(text, "hunter2") {
			t.Errorf("%s\nshows a secret: %s", src, text)
		}
	}
}

func TestDecodeUnknown(t *testing.T) {
	a, d, diags := decode(t, "name = unknown\nn = dynamic\nlist = [\"/a\", unknown]\non = true")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if d.Known() || strings.Join(d.Unknown, " ") != "list n name" || a.n != 3 || !a.on {
		t.Errorf("unknown %v, %+v", d.Unknown, a)
	}
}

func TestParseDuration(t *testing.T) {
	for in, want := range map[string]time.Duration{"90s": 90 * time.Second, "1h30m": 90 * time.Minute, "0s": 0} {
		if got, err := schema.ParseDuration(in); err != nil || got != want {
			t.Errorf("%q: %s, %v", in, got, err)
		}
	}
	for _, bad := range []string{"", "5", "1d", "x", "-3m"} {
		if _, err := schema.ParseDuration(bad); err == nil {
			t.Errorf("%q is taken for a length of time", bad)
		}
	}
}

// Whatever a body holds, decoding ends with values or diagnostics, and no
// diagnostic shows a secret.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"name = \"x\"\nn = 3", "name = secret", "list = [1, null, \"/a\", [secret]]", "labels = { a = { b = secret } }",
		"any = { for k, v in { a = 1 } : k => v }", "name = \"${unknown}${secret}\"", "mode = 0644", "wait = nothing", "n = 1e400", "name = [for x in secret: x]",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		_, _, diags := decode(t, src)
		for _, d := range diags {
			if strings.Contains(d.Detail+d.Summary, "hunter2-hunter2") && !strings.Contains(src, "hunter2") {
				t.Errorf("%q shows a secret: %s", src, d.Detail)
			}
		}
	})
}
