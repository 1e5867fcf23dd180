package lsp

import (
	"context"
	"errors"
	"io"
	"path/filepath"

	"github.com/creachadair/jrpc2"
	"github.com/creachadair/jrpc2/handler"

	"github.com/ferry-ops/ferry/cmd/internal/language"
	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/format"
	"github.com/ferry-ops/ferry/engine/module"
)

// Options is what the server knows of the language.
type Options struct {
	Language language.Language
	Registry *module.Registry
}

// server is the state of one editor's session. Requests are handled one after
// the other.
type server struct {
	o         Options
	snippets  bool
	buffers   diag.Sources       // by path
	published map[string]bool    // files with diagnostics in the editor
	notify    func(string, any)  // to the editor
	stop      context.CancelFunc // ends the session
}

// Serve answers an editor until it says exit, closes in, or ctx is done.
func Serve(ctx context.Context, in io.Reader, out io.Writer, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &server{o: o, buffers: diag.Sources{}, published: map[string]bool{}, stop: cancel}
	srv := jrpc2.NewServer(s.methods(), &jrpc2.ServerOptions{AllowPush: true, Concurrency: 1, DisableBuiltin: true})
	s.notify = func(method string, params any) { _ = srv.Notify(ctx, method, params) } // an editor that is gone needs none
	srv.Start(newFraming(in, out))
	done := make(chan error, 1)
	go func() { done <- srv.Wait() }()
	select {
	case err := <-done:
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		return err
	case <-ctx.Done():
		srv.Stop()
		return nil
	}
}

func (s *server) methods() handler.Map {
	return handler.Map{
		"initialize":              handler.New(s.initialize),
		"initialized":             ignore,
		"shutdown":                ignore,
		"exit":                    func(context.Context, *jrpc2.Request) (any, error) { s.stop(); return nil, nil },
		"textDocument/didOpen":    handler.New(s.didOpen),
		"textDocument/didChange":  handler.New(s.didChange),
		"textDocument/didSave":    handler.New(s.didSave),
		"textDocument/didClose":   handler.New(s.didClose),
		"textDocument/completion": handler.New(s.completion),
		"textDocument/hover":      handler.New(s.hover),
		"textDocument/definition": handler.New(s.definition),
		"textDocument/formatting": handler.New(s.formatting),
		"$/setTrace":              ignore,
		"$/cancelRequest":         ignore,
	}
}

func ignore(context.Context, *jrpc2.Request) (any, error) { return nil, nil }

func (s *server) initialize(_ context.Context, p initializeParams) (any, error) {
	s.snippets = p.Capabilities.TextDocument.Completion.CompletionItem.SnippetSupport
	return map[string]any{
		"serverInfo": map[string]string{"name": "ferry", "version": s.o.Language.Version},
		"capabilities": map[string]any{
			"textDocumentSync":           map[string]any{"openClose": true, "change": 1, "save": true}, // 1: the whole text
			"completionProvider":         map[string]any{"triggerCharacters": []string{".", "\"", "$", "{"}},
			"hoverProvider":              true,
			"definitionProvider":         true,
			"documentFormattingProvider": true,
		},
	}, nil
}

func (s *server) didOpen(_ context.Context, p didOpenParams) error {
	return s.put(p.TextDocument.URI, p.TextDocument.Text)
}

func (s *server) didChange(_ context.Context, p didChangeParams) error {
	if len(p.ContentChanges) == 0 {
		return nil
	}
	return s.put(p.TextDocument.URI, p.ContentChanges[len(p.ContentChanges)-1].Text)
}

func (s *server) put(uri, text string) error {
	path, err := pathOf(uri)
	if err != nil {
		return nil // a buffer that is no file: nothing to say about it
	}
	s.buffers[path] = []byte(text)
	s.diagnose(path)
	return nil
}

func (s *server) didSave(_ context.Context, p documentParams) error {
	if path, err := pathOf(p.TextDocument.URI); err == nil {
		s.diagnose(path)
	}
	return nil
}

func (s *server) didClose(_ context.Context, p documentParams) error {
	path, err := pathOf(p.TextDocument.URI)
	if err != nil {
		return nil
	}
	delete(s.buffers, path)
	delete(s.published, path)
	s.notify("textDocument/publishDiagnostics", publishParams{URI: p.TextDocument.URI, Diagnostics: []diagnostic{}})
	return nil
}

func (s *server) formatting(_ context.Context, p documentParams) ([]textEdit, error) {
	path, err := pathOf(p.TextDocument.URI)
	if err != nil {
		return nil, err
	}
	src := s.buffers[path]
	out, diags := format.Source(src, path)
	if diags.HasErrors() || string(out) == string(src) {
		return []textEdit{}, nil // what does not parse has its diagnostics
	}
	return []textEdit{{Range: span{End: place(src, len(src))}, NewText: string(out)}}, nil
}

// text is what a file holds: its buffer, else what is on the disk.
func (s *server) text(path string) []byte {
	if src, ok := s.buffers[path]; ok {
		return src
	}
	src, err := format.Read(path)
	if err != nil {
		return nil
	}
	return src
}

// beside lists the playbook files in a file's directory, itself among them.
func (s *server) beside(path string) []string {
	files, _ := format.Find([]string{filepath.Dir(path)}, false)
	for _, f := range files {
		if f == path {
			return files
		}
	}
	return append(files, path)
}
