package playbook_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/playbook"
	"github.com/ferry-ops/ferry/engine/schema"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestErrors loads each playbook of testdata/errors, which is wrong on the lines
// marked with
//
//	# ERROR: SUMMARY
//
// (or, without a place or in a file it uses, with NOWHERE for ERROR) and in no other way, and compares what the user reads with the .txt file
// beside it. "# VAR: NAME=VALUE" gives a variable a value as --var does.
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/errors/*.hcl")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".hcl"), func(t *testing.T) { testErrors(t, file) })
	}
}

func testErrors(t *testing.T, file string) {
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want, vars := marks(src)
	pb, set := playbook.Load(file, mistakeRegistry(), "0.1.0")
	if pb != nil && len(vars) > 0 {
		_, set = pb.Globals(playbook.Inputs{Vars: vars})
	}
	var got []string
	for _, d := range set.Diags {
		line := 0
		if d.Subject != nil && d.Subject.Filename == file {
			line = d.Subject.Start.Line
		}
		got = append(got, place(line, d.Summary))
		if d.Detail == "" {
			t.Errorf("%q has no detail", d.Summary)
		}
		style(t, d.Detail)
	}
	sort.Strings(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("wrong problems (-marked +reported):\n%s", d)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range set.Diags { // before lines are broken, which depends on its length
		d.Detail = strings.ReplaceAll(d.Detail, dir, "$DIR")
	}
	var b strings.Builder
	if err := diag.Render(&b, set, diag.Options{Width: 100}); err != nil {
		t.Fatal(err)
	}
	golden(t, strings.TrimSuffix(file, ".hcl")+".txt", b.String())
}

// style refuses the slips of language that templates of messages make.
func style(t *testing.T, detail string) {
	t.Helper()
	for _, bad := range []string{`\ba a\b`, `\ba an\b`, `\b[aA] [aeio]\w+ `, `  +[A-Z]`, `\.\.(?:$|[^.])`, `argument\(s\)`, `\bfield\b`, `%!`, `\battribute "(?:when|notify)"`} {
		if m := regexp.MustCompile(bad).FindString(detail); m != "" && !strings.HasPrefix(strings.ToLower(m), "a one") {
			t.Errorf("the detail reads badly at %q: %s", m, detail)
		}
	}
	if first := detail[:1]; strings.ToUpper(first) != first {
		t.Errorf("the detail does not start with a capital letter: %s", detail)
	}
	last := detail[strings.LastIndexByte(detail, '\n')+1:]
	if !strings.HasPrefix(last, "  ") && !strings.HasSuffix(last, ".") && !strings.HasSuffix(last, "?") {
		t.Errorf("the detail does not end as a sentence: %s", detail)
	}
}

func marks(src []byte) (want, vars []string) {
	sc := bufio.NewScanner(bytes.NewReader(src))
	for line := 1; sc.Scan(); line++ {
		if _, v, ok := strings.Cut(sc.Text(), "# VAR: "); ok {
			vars = append(vars, v)
		}
		if _, summary, ok := strings.Cut(sc.Text(), "# ERROR: "); ok {
			want = append(want, place(line, summary))
		}
		if _, summary, ok := strings.Cut(sc.Text(), "# NOWHERE: "); ok {
			want = append(want, place(0, summary))
		}
	}
	sort.Strings(want)
	return want, vars
}

func place(line int, summary string) string { return fmt.Sprintf("%03d %s", line, summary) }

func golden(t *testing.T, path, got string) {
	t.Helper()
	if dir, err := os.Getwd(); err == nil {
		got = strings.ReplaceAll(got, dir, "$DIR")
	}
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s differs, go test -update rewrites it (-want +got):\n%s", path, d)
	}
}

// mistakeRegistry holds modules that are like the real ones in all that a message can
// be about.
func mistakeRegistry() *module.Registry {
	step := func(name string, declare func(*schema.Block)) module.Info {
		return module.Info{Name: name, Summary: "Does it.", New: func() module.Step { return fake{declare: declare} }}
	}
	return module.NewRegistry(
		step("copy", func(b *schema.Block) {
			var path, content, src string
			var mode uint32
			b.String(&path, "path", "Path on the host.", schema.Required)
			b.String(&content, "content", "Content of the file.", schema.MaySensitive)
			b.File(&src, "src", "File on this machine.")
			b.Mode(&mode, "mode", "Permission bits.")
		}),
		step("service", func(b *schema.Block) {
			var name, state string
			var enabled *bool
			b.String(&name, "name", "Name of the unit.")
			b.String(&state, "state", "State the unit must be in.", schema.OneOf("running", "stopped"))
			b.OptBool(&enabled, "enabled", "Whether the unit starts with the host.")
		}),
		step("command", func(b *schema.Block) {
			var argv []string
			var env map[string]string
			var retries int
			var wait time.Duration
			b.Strings(&argv, "argv", "Program and arguments.", schema.Required)
			b.StringMap(&env, "env", "Environment.")
			b.Int(&retries, "retries", "How often.")
			b.Duration(&wait, "wait", "How long.")
		}),
		module.Info{Name: "port", Summary: "Looks.", NewCheck: func() module.Check {
			return fake{declare: func(b *schema.Block) {
				var port int
				b.Int(&port, "port", "The port.", schema.Required)
			}}
		}},
	)
}

type fake struct{ declare func(*schema.Block) }

func (f fake) Schema(b *schema.Block)                                     { f.declare(b) }
func (fake) Probe(context.Context, host.Reader) (module.Plan, error)      { return nil, nil }
func (fake) Apply(context.Context, host.Host, module.Plan) error          { return nil }
func (fake) Check(context.Context, host.Reader) ([]module.Finding, error) { return nil, nil }
