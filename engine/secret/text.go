package secret

import (
	"fmt"
	"log/slog"
)

// Text is a passphrase or a decrypted value that no formatting, logging or
// encoding shows. The zero value is empty.
type Text struct{ s string }

// NewText returns s as a Text.
func NewText(s string) Text { return Text{s} }

// Reveal returns the string itself.
func (t Text) Reveal() string { return t.s }

// IsZero reports whether there is nothing in it.
func (t Text) IsZero() bool { return t.s == "" }

func (t Text) shown() string {
	if t.s == "" {
		return ""
	}
	return "(sensitive)"
}

// String does not return the text.
func (t Text) String() string { return t.shown() }

// Format keeps the text out of every verb.
func (t Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(t.shown())) }

// LogValue keeps the text out of logs.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.shown()) }

// MarshalText keeps the text out of JSON and other encodings.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.shown()), nil }
