package inventory

import (
	"fmt"
	"log/slog"
)

const masked = "(sensitive)"

// Secret is a string that no formatting, logging or encoding shows. The zero
// value is no secret.
type Secret struct{ s string }

// NewSecret returns s as a Secret.
func NewSecret(s string) Secret { return Secret{s} }

// Reveal returns the string itself.
func (s Secret) Reveal() string { return s.s }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.s == "" }

func (s Secret) text() string {
	if s.s == "" {
		return ""
	}
	return masked
}

// String does not return the secret.
func (s Secret) String() string { return s.text() }

// Format keeps the secret out of every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.text())) }

// LogValue keeps the secret out of logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.text()) }

// MarshalText keeps the secret out of JSON and other encodings.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.text()), nil }
