// Package lsp is the language server behind ferry lsp. It speaks the Language
// Server Protocol over a pair of streams: diagnostics of what is in the editor's
// buffers, completion, hover, go to definition and layout.
//
// The description of the language (package language) says what can be written;
// the loader says what is wrong with it. Only this package imports the JSON-RPC
// library.
package lsp
