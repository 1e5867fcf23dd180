package diag_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/ferry-ops/ferry/engine/diag"
)

const playbook = `play "el9" {
  hosts = "web"

  rollout {
    batches = ["1", "bad"]
  }

  task "service" "sshd" {
    enabled = true
    stat    = "running"
	state	= "runing"
  }

  task "nope" "x" {}

  task "copy" "motd" {
    content = <<-EOT
      one
      two
      three
      four
    EOT
  }
}
`

// at is the range of the n-th line's first occurrence of text.
func at(t *testing.T, src, file, text string) *hcl.Range {
	t.Helper()
	i := strings.Index(src, text)
	if i < 0 {
		t.Fatalf("no %q in source", text)
	}
	pos := func(i int) hcl.Pos {
		line := 1 + strings.Count(src[:i], "\n")
		col := 1 + len([]rune(src[strings.LastIndex(src[:i], "\n")+1:i]))
		return hcl.Pos{Line: line, Column: col, Byte: i}
	}
	return &hcl.Range{Filename: file, Start: pos(i), End: pos(i + len(text))}
}

func sample(t *testing.T) diag.Set {
	const file = "playbooks/el9/main.hcl"
	long := `note = "` + strings.Repeat("long ", 60) + `HERE` + strings.Repeat(" tail", 60) + "\"\n"
	odd := "name = \"\x1b[31mred\xff\u202e 日本 x\"\n"
	var set diag.Set
	set.AddSource(file, []byte(playbook))
	set.AddSource("long.hcl", []byte(long))
	set.AddSource("odd.hcl", []byte(odd))
	set.AddSource("secret.hcl", []byte("password = \"hunter2\"\n"))
	set.Append(
		diag.Errorf("Unknown argument", at(t, playbook, file, "stat "),
			"The module %q has no argument %q.%s", "service", "stat", diag.DidYouMean("stat", []string{"enabled", "state"})),
		diag.Errorf("Unknown module", at(t, playbook, file, `"nope"`), `There is no module "nope".`),
		diag.Errorf("Invalid batch", at(t, playbook, file, `"bad"`), "A batch is a number of hosts or a percentage."),
		diag.Warningf("Long text", at(t, playbook, file, "content = <<-EOT\n      one\n      two\n      three\n      four\n    EOT\n"),
			"A long explanation that has to be wrapped because it does not fit into the width that was asked for.\n\nTo see it, run:\n    ferry validate --a-very-long-option that-is-not-wrapped-because-people-copy-it playbooks/el9"),
		diag.Errorf("Wrong value", at(t, playbook, file, `"runing"`), "Tabs line up."),
		diag.Errorf("Found in a long line", at(t, long, "long.hcl", "HERE"), "Only its surroundings are shown."),
		diag.Errorf("Control characters", at(t, odd, "odd.hcl", "x"), "Nothing \x1b[2Jharms the terminal."),
		diag.HideSource(diag.Errorf("Wrong type", &hcl.Range{Filename: "secret.hcl", Start: hcl.InitialPos, End: hcl.InitialPos}, "The password is not shown.")),
		diag.Errorf("No place", nil, "It concerns no file."),
		diag.Errorf("No source", &hcl.Range{Filename: "gone.ini", Start: hcl.Pos{Line: 3, Column: 1}}, "The file is not at hand."),
	)
	for i := range 5 {
		set.Append(&hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Command failed", Subject: at(t, playbook, file, "enabled = true"),
			Detail: "To see why, run on the host:\n    journalctl -u sshd.service -n 50",
			Extra: &diag.RunFailure{
				Hosts: []string{fmt.Sprintf("web%02d", i+3)}, Address: "task.service.sshd", Phase: "applying",
				Argv: []string{"systemctl", "start", "--", "sshd.service"}, Exit: 1,
				Output: "Job for sshd.service failed because\r\nthe \x1b[1mcontrol\x1b[0m process exited.\n",
			},
		})
	}
	set.Append(&hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: "Command failed",
		Extra: diag.RunFailure{Hosts: []string{"db1", "db2"}, Phase: "probing", Argv: []string{"sh", "-c", "it's; bad"}, Exit: 127},
	})
	return set
}

func render(t *testing.T, set diag.Set, o diag.Options) string {
	t.Helper()
	var b strings.Builder
	if err := diag.Render(&b, set, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRender(t *testing.T) {
	set := sample(t)
	golden(t, "plain.txt", render(t, set, diag.Options{Width: 80}))
	golden(t, "wide.txt", render(t, set, diag.Options{}))
	golden(t, "color.txt", render(t, set, diag.Options{Color: true, Width: 100}))
	js, err := diag.JSON(set)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "set.json", string(js)+"\n")
	for name, out := range map[string]string{"plain": render(t, set, diag.Options{}), "json": string(js)} {
		if strings.ContainsAny(out, "\x1b\u202e") {
			t.Errorf("%s form lets control characters through", name)
		}
		if strings.Contains(out, "hunter2") {
			t.Errorf("%s form shows a hidden line", name)
		}
	}
}

func TestValuesOfVariables(t *testing.T) {
	src := "x = var.a + var.secret + var.later + var.list[0] + var.big\n"
	f, diags := hclsyntax.ParseConfig([]byte(src), "v.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	attrs, _ := f.Body.JustAttributes()
	d := diag.Errorf("Invalid operand", attrs["x"].Expr.Range().Ptr(), "A number is required.")
	d.Expression = attrs["x"].Expr
	d.EvalContext = &hcl.EvalContext{Variables: map[string]cty.Value{"var": cty.ObjectVal(map[string]cty.Value{
		"a":      cty.StringVal("text\x1b"),
		"secret": cty.StringVal("hunter2").Mark("sensitive"),
		"later":  cty.UnknownVal(cty.String),
		"list":   cty.ListVal([]cty.Value{cty.NumberIntVal(7)}),
		"big":    cty.TupleVal([]cty.Value{cty.StringVal("hunter2").Mark("sensitive")}),
	})}}
	set := diag.Set{Diags: hcl.Diagnostics{d}, Sources: diag.Sources{"v.hcl": []byte(src)}}
	out := render(t, set, diag.Options{})
	golden(t, "values.txt", out)
	if strings.Contains(out, "hunter2") {
		t.Error("a sensitive value is shown")
	}
}

func TestSetSortAndErr(t *testing.T) {
	var set diag.Set
	if set.Err() != nil {
		t.Error("an empty set is an error")
	}
	set.Append(nil, diag.Warningf("w", nil, "w"))
	if set.Err() != nil || len(set.Diags) != 1 {
		t.Error("a warning is an error, or nil was kept")
	}
	r := func(f string, l, c int) *hcl.Range {
		return &hcl.Range{Filename: f, Start: hcl.Pos{Line: l, Column: c}}
	}
	set.Append(diag.Errorf("b2", r("b", 2, 1), ""), diag.Errorf("b1", r("b", 1, 9), "x\ny"), diag.Errorf("b1first", r("b", 1, 2), "x\ny"), diag.Errorf("a", r("a", 7, 1), "why\nit is"))
	set.Sort()
	var got []string
	for _, d := range set.Diags {
		got = append(got, d.Summary)
	}
	if s := strings.Join(got, " "); s != "w a b1first b1 b2" {
		t.Errorf("order: %s", s)
	}
	err := fmt.Errorf("load: %w", set.Err())
	var de *diag.Error
	if !errors.As(err, &de) || de.Error() != "a:7: a: why it is (and 3 more)" {
		t.Errorf("error: %v", err)
	}
}

func TestSuggest(t *testing.T) {
	names := []string{"state", "enabled", "name", "identity_file", "user", "port", "el", "web"}
	for got, want := range map[string]string{
		"stat": "state", "sttae": "state", "State": "state", "identity-file": "identity_file", "identiyfile": "identity_file",
		"nmae": "name", "wbe": "web", "ell": "el", "zzz": "", "": "", "completely_other": "", "x": "",
	} {
		if s, _ := diag.Suggest(got, names); s != want {
			t.Errorf("Suggest(%q) = %q, want %q", got, s, want)
		}
	}
	if s := diag.DidYouMean("stat", names); s != ` Did you mean "state"?` {
		t.Errorf("DidYouMean: %q", s)
	}
	if s := diag.DidYouMean("zzz", names); s != "" {
		t.Errorf("DidYouMean: %q", s)
	}
}

// FuzzRender: whatever the source and the range, rendering neither panics nor
// lets an escape through.
func FuzzRender(f *testing.F) {
	f.Add([]byte(playbook), 3, 4, 5, 6, 40)
	f.Add([]byte("\xff\x1b\t日本\r\n"), 1, 0, 1, 99, 0)
	f.Fuzz(func(t *testing.T, src []byte, l1, c1, l2, c2, width int) {
		rng := &hcl.Range{Filename: "a.hcl", Start: hcl.Pos{Line: l1, Column: c1, Byte: c1}, End: hcl.Pos{Line: l2, Column: c2, Byte: c2}}
		set := diag.Set{Diags: hcl.Diagnostics{diag.Errorf("s", rng, "%s", src)}, Sources: diag.Sources{"a.hcl": src}}
		if out := render(t, set, diag.Options{Width: width}); strings.ContainsRune(out, 0x1b) {
			t.Errorf("escape in %q", out)
		}
		if _, err := diag.JSON(set); err != nil {
			t.Error(err)
		}
	})
}
