package lsp

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creachadair/jrpc2"
	"github.com/creachadair/jrpc2/channel"

	"github.com/ferry-ops/ferry/cmd/internal/language"
	"github.com/ferry-ops/ferry/modules"
)

// session is an editor that talks to a server over pipes.
type session struct {
	t      *testing.T
	c      *jrpc2.Client
	dir    string
	diags  chan publishParams
	served chan error
}

func options() Options {
	reg := modules.All()
	return Options{Language: language.New(reg, "0.1.0"), Registry: reg}
}

func start(t *testing.T, files map[string]string) *session {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	toServer, fromClient := io.Pipe()
	toClient, fromServer := io.Pipe()
	s := &session{t: t, dir: dir, diags: make(chan publishParams, 1000), served: make(chan error, 1)}
	go func() {
		s.served <- Serve(context.Background(), toServer, fromServer, options())
		_ = fromServer.Close()
	}()
	s.c = jrpc2.NewClient(channel.LSP(toClient, fromClient), &jrpc2.ClientOptions{
		OnNotify: func(r *jrpc2.Request) {
			var p publishParams
			if r.Method() == "textDocument/publishDiagnostics" && r.UnmarshalParams(&p) == nil {
				s.diags <- p
			}
		},
	})
	t.Cleanup(func() { _ = s.c.Close(); _ = fromClient.Close() })
	var caps map[string]any
	s.call("initialize", json.RawMessage(`{"processId":1,"rootUri":null,"capabilities":{"textDocument":{"completion":{"completionItem":{"snippetSupport":true}}}}}`), &caps)
	if caps["capabilities"].(map[string]any)["hoverProvider"] != true {
		t.Fatalf("capabilities: %v", caps)
	}
	s.send("initialized", json.RawMessage(`{}`))
	return s
}

func (s *session) call(method string, params, result any) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.c.CallResult(ctx, method, params, result); err != nil {
		s.t.Fatalf("%s: %v", method, err)
	}
}

func (s *session) send(method string, params any) {
	s.t.Helper()
	if err := s.c.Notify(context.Background(), method, params); err != nil {
		s.t.Fatal(err)
	}
}

func (s *session) uri(file string) string { return uriOf(filepath.Join(s.dir, file)) }

func (s *session) open(file, text string) {
	s.send("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": s.uri(file), "languageId": "hcl", "version": 1, "text": text}})
}

func (s *session) change(file, text string) {
	s.send("textDocument/didChange", map[string]any{"textDocument": map[string]any{"uri": s.uri(file), "version": 2}, "contentChanges": []any{map[string]any{"text": text}}})
}

// problems waits for the diagnostics of a file.
func (s *session) problems(file string) []diagnostic {
	s.t.Helper()
	wait := time.After(time.Minute)
	for {
		select {
		case p := <-s.diags:
			if p.URI == s.uri(file) {
				return p.Diagnostics
			}
		case <-wait:
			s.t.Fatalf("no diagnostics of %s", file)
		}
	}
}

// at splits a text at the mark ‸.
func at(t *testing.T, text string) (string, position) {
	t.Helper()
	before, after, ok := strings.Cut(text, "‸")
	if !ok {
		t.Fatalf("no mark in %q", text)
	}
	src := before + after
	return src, place([]byte(src), len(before))
}

func (s *session) complete(file, text string) []completionItem {
	s.t.Helper()
	src, pos := at(s.t, text)
	s.open(file, src)
	var items []completionItem
	s.call("textDocument/completion", map[string]any{"textDocument": map[string]any{"uri": s.uri(file)}, "position": pos, "context": map[string]any{"triggerKind": 1}}, &items)
	return items
}

func labels(items []completionItem) []string {
	var out []string
	for _, i := range items {
		out = append(out, i.Label)
	}
	return out
}

func TestDiagnostics(t *testing.T) {
	s := start(t, map[string]string{"vars.hcl": "variable \"release\" { default = 1 }\n"})
	s.open("main.hcl", "play \"p\" {\n  hosts = \"all\"\n  task \"print\" \"p\" { value = var.relase }\n}\n")
	// Nothing of it is on the disk yet, so the directory alone says little.
	p := s.problems("main.hcl")
	if len(p) != 1 || !strings.Contains(p[0].Message, "no variable \"relase\"") || p[0].Severity != 1 || p[0].Range.Start != (position{2, 29}) {
		t.Fatalf("%+v", p)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "main.hcl"), []byte("play \"p\" {\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.change("main.hcl", "play \"p\" {\n  hosts = \"all\"\n  task \"print\" \"p\" { value = var.release }\n}\n")
	if p := s.problems("main.hcl"); len(p) != 0 {
		t.Fatalf("%+v", p)
	}
	// A mistake in one buffer shows in the other.
	s.open("vars.hcl", "variable \"other\" {}\n")
	if p := s.problems("main.hcl"); len(p) != 1 {
		t.Fatalf("%+v", p)
	}
	s.send("textDocument/didSave", map[string]any{"textDocument": map[string]any{"uri": s.uri("main.hcl")}})
	if p := s.problems("main.hcl"); len(p) != 1 {
		t.Fatalf("%+v", p)
	}
	s.open("inventory.hcl", "host \"web1\" {\n  adress = \"10.0.0.1\"\n}\n")
	if p := s.problems("inventory.hcl"); len(p) != 1 || p[0].Range.Start.Line != 1 {
		t.Fatalf("%+v", p)
	}
	s.send("textDocument/didClose", map[string]any{"textDocument": map[string]any{"uri": s.uri("inventory.hcl")}})
	if p := s.problems("inventory.hcl"); len(p) != 0 {
		t.Fatalf("%+v", p)
	}
}

const head = "variable \"release\" {\n  type        = string\n  description = \"Where to go.\"\n}\nlocals {\n  base = \"x\"\n}\n"

func TestCompletion(t *testing.T) {
	s := start(t, nil)
	in := func(body string) string { return head + "play \"p\" {\n  hosts = \"all\"\n" + body + "\n}\n" }
	for text, want := range map[string]string{
		"‸":                               "play variable locals ferry !task",
		"pl‸":                             "play",
		"variable \"x\" {\n  ‸\n}":        "type default validation !hosts",
		"variable \"x\" {\n  type = ‸\n}": "string list(string) !var",
		in("  ‸"):                         "hosts task check handler block rollout !play",
		in("  rollout {\n    ‸\n  }"):     "batches gate spread max_failed",
		in("  rollout {\n    order = \"‸\"\n  }"):                                                             "sorted shuffle",
		in("  rollout {\n    gate \"‸\" {}\n  }"):                                                             "approval soak",
		in("  task \"‸"):                                                                                      "copy service command !os_release",
		in("  task \"co‸\" \"x\" {\n  }"):                                                                     "copy command",
		in("  check \"‸\" \"x\" {}"):                                                                          "os_release !copy",
		in("  task \"copy\" \"x\" {\n    ‸\n  }"):                                                             "path content when notify retry !state",
		in("  task \"service\" \"x\" {\n    state = \"‸\"\n  }"):                                              "running stopped",
		in("  task \"service\" \"x\" {\n    state = ‸\n  }"):                                                  "\"running\" var facts format",
		in("  task \"service\" \"x\" {\n    enabled = ‸\n  }"):                                                "true false",
		in("  task \"copy\" \"x\" {\n    content = var.‸\n  }"):                                               "release !base",
		in("  task \"copy\" \"x\" {\n    content = \"a ${local.‸} b\"\n  }"):                                  "base !release",
		in("  task \"copy\" \"x\" {\n    content = \"a ${facts.ar‸\"\n  }"):                                   "arch kernel",
		in("  task \"copy\" \"x\" {\n    content = host.‸\n  }"):                                              "name vars groups",
		in("  task \"copy\" \"x\" {}\n  task \"print\" \"y\" {\n    when = task.‸\n  }"):                      "copy",
		in("  task \"copy\" \"x\" {}\n  task \"print\" \"y\" {\n    when = task.copy.‸\n  }"):                 "x",
		in("  task \"copy\" \"x\" {}\n  task \"print\" \"y\" {\n    when = task.copy.x.‸\n  }"):               "changed failed !passed",
		in("  check \"os_release\" \"x\" {}\n  task \"print\" \"y\" {\n    when = check.os_release.x.‸\n  }"): "passed findings !changed",
		in("  handler \"service\" \"ngx\" {}\n  task \"print\" \"y\" {\n    notify = [‸]\n  }"):               "handler.service.ngx !var",
		in("  handler \"service\" \"ngx\" {}\n  task \"print\" \"y\" {\n    notify = [handler.‸]\n  }"):       "service",
		in("  task \"command\" \"x\" {\n    changed_when = self.‸\n  }"):                                      "changed stdout",
		in("  task \"print\" \"x\" {\n    for_each = [1]\n    value = each.‸\n  }"):                           "key value",
		in("  task \"print\" \"x\" { ‸ }"):                                                                    "value when",
		in("  # ‸"):                                                                                           "!task",
		in("  task \"print\" \"x\" {\n    value = <<E\n ‸\nE\n  }"):                                           "!var",
		in("  block \"b\" {\n    ‸\n  }"):                                                                     "rescue always task when",
	} {
		items := s.complete("main.hcl", text)
		got := labels(items)
		for _, w := range strings.Fields(want) {
			if no, ok := strings.CutPrefix(w, "!"); ok {
				if slices.Contains(got, no) {
					t.Errorf("%q offers %q", text, no)
				}
			} else if !slices.Contains(got, w) {
				t.Errorf("%q does not offer %q: %.300q", text, w, got)
			}
		}
		for _, i := range items {
			if i.TextEdit == nil || i.TextEdit.Range.End.Line != i.TextEdit.Range.Start.Line {
				t.Errorf("%q: %q has no edit on its line", text, i.Label)
			}
		}
	}
	for text, want := range map[string]string{
		"‸":                     "group host !play",
		"group \"a\" {\n  ‸\n}": "user vars host children !address",
		"host \"a\" {\n  ‸\n}":  "address port vars !children",
		"host \"a\" {\n  host_key_policy = \"‸\"\n}":                  "strict accept-new",
		"host \"a\" {\n  become = ‸\n}":                               "true !var",
		"constructed \"a\" {\n  ‸\n}":                                 "when unknown max_age !user",
		"constructed \"a\" {\n  unknown = \"‸\"\n}":                   "error skip",
		"constructed \"a\" {\n  when = ‸\n}":                          "host facts groups !var",
		"constructed \"a\" {\n  when = facts.‸\n}":                    "os_id",
		"group \"web\" {}\nconstructed \"a\" {\n  when = groups.‸\n}": "web",
	} {
		got := labels(s.complete("inventory.hcl", text))
		for _, w := range strings.Fields(want) {
			no, not := strings.CutPrefix(w, "!")
			if slices.Contains(got, no) == not {
				t.Errorf("inventory %q: %q is wrong: %.300q", text, w, got)
			}
		}
	}
}

// A completion replaces what is written already, behind characters of any width.
func TestCompletionEdit(t *testing.T) {
	s := start(t, nil)
	items := s.complete("main.hcl", head+"play \"p\" {\n  hosts = \"🚢${var.re‸}\"\n}\n")
	i := slices.IndexFunc(items, func(i completionItem) bool { return i.Label == "release" })
	if i < 0 {
		t.Fatalf("%v", labels(items))
	}
	e := items[i].TextEdit
	if e.NewText != "release" || e.Range.Start.Character != 19 || e.Range.End.Character != 21 || !strings.Contains(items[i].Documentation.Value, "Where to go") {
		t.Errorf("%+v", items[i])
	}
}

func TestHoverAndDefinition(t *testing.T) {
	s := start(t, map[string]string{"vars.hcl": head})
	hoverAt := func(text string) string {
		src, pos := at(t, text)
		s.open("main.hcl", src)
		var h *hover
		s.call("textDocument/hover", positionParams{TextDocument: textDocument{URI: s.uri("main.hcl")}, Position: pos}, &h)
		if h == nil {
			return ""
		}
		return h.Contents.Value
	}
	play := func(body string) string { return "play \"p\" {\n  hosts = \"all\"\n" + body + "\n}\n" }
	for text, want := range map[string]string{
		play("  ta‸sk \"copy\" \"x\" {}"):                                 "One use of a module",
		play("  task \"co‸py\" \"x\" {}"):                                 "```hcl",
		play("  task \"copy\" \"x\" {\n    pa‸th = \"/x\"\n  }"):          "required",
		play("  task \"copy\" \"x\" {\n    wh‸en = true\n  }"):            "skipped unless it holds",
		play("  task \"copy\" \"x\" {\n    content = var.rele‸ase\n  }"):  "Where to go.",
		play("  task \"copy\" \"x\" {\n    content = facts.ar‸ch\n  }"):   "Machine architecture",
		play("  task \"copy\" \"x\" {\n    content = up‸per(\"x\")\n  }"): "upper(str)",
		play("  task \"copy\" \"x\" {\n    content = \"no‸thing\"\n  }"):  "",
	} {
		if got := hoverAt(text); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]location{
		play("  task \"copy\" \"x\" {\n    content = var.rele‸ase\n  }"):                                 {s.uri("vars.hcl"), span{position{0, 0}, position{0, 18}}},
		play("  task \"copy\" \"x\" {}\n  task \"print\" \"y\" {\n    when = task.co‸py.x.changed\n  }"): {s.uri("main.hcl"), span{position{2, 2}, position{2, 17}}},
	} {
		src, pos := at(t, text)
		s.open("main.hcl", src)
		var l *location
		s.call("textDocument/definition", positionParams{TextDocument: textDocument{URI: s.uri("main.hcl")}, Position: pos}, &l)
		if l == nil || *l != want {
			t.Errorf("%q: %+v, want %+v", text, l, want)
		}
	}
}

func TestFormatting(t *testing.T) {
	s := start(t, nil)
	s.open("main.hcl", "a=1\nlong=2\n")
	var edits []textEdit
	params := map[string]any{"textDocument": map[string]any{"uri": s.uri("main.hcl")}, "options": map[string]any{"tabSize": 2}}
	s.call("textDocument/formatting", params, &edits)
	if len(edits) != 1 || edits[0].NewText != "a    = 1\nlong = 2\n" || edits[0].Range.End != (position{2, 0}) {
		t.Errorf("%+v", edits)
	}
	s.change("main.hcl", "a = \n")
	s.call("textDocument/formatting", params, &edits)
	if len(edits) != 0 {
		t.Errorf("%+v", edits)
	}
}

func TestEnd(t *testing.T) {
	s := start(t, nil)
	var nothing any
	s.call("shutdown", nil, &nothing)
	s.send("exit", nil)
	select {
	case err := <-s.served:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the server did not end")
	}
}

// What is no message ends the session and nothing else.
func TestNoise(t *testing.T) {
	for _, in := range []string{"", "hello\r\n", "Content-Length: 5\r\n\r\nhello", "Content-Length: -1\r\n\r\n", "Content-Length: 99999999999999\r\n\r\n{}", "\x00\x00", "Content-Length: 2\r\n\r\n{}", "Content-Length: 4\r\n\r\nnull"} {
		done := make(chan struct{})
		go func() { _ = Serve(t.Context(), strings.NewReader(in), io.Discard, options()); close(done) }()
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Fatalf("%q: the server did not end", in)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add([]byte(head+"play \"p\" {\n  task \"copy\" \"x\" { content = \"${var.r}\" # c\n}}\n"), 40)
	s := &server{o: options(), buffers: map[string][]byte{}, published: map[string]bool{}}
	f.Fuzz(func(t *testing.T, src []byte, n int) {
		p := position{Line: n % 50, Character: n / 50 % 200}
		if n < 0 {
			p = position{}
		}
		at := offset(src, p)
		if at < 0 || at > len(src) {
			t.Fatal(at)
		}
		c := find(src, at)
		if !strings.HasSuffix(string(src[:at]), c.prefix) {
			t.Fatalf("prefix %q", c.prefix)
		}
		s.buffers["/none/main.hcl"] = src
		params := positionParams{TextDocument: textDocument{URI: "file:///none/main.hcl"}, Position: p}
		if _, err := s.completion(t.Context(), params); err != nil {
			t.Error(err)
		}
		if _, err := s.hover(t.Context(), params); err != nil {
			t.Error(err)
		}
		if _, err := s.definition(t.Context(), params); err != nil {
			t.Error(err)
		}
	})
}
