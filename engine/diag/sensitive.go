package diag

import "github.com/zclconf/go-cty/cty"

// SensitiveMark is the cty mark of values that must not be shown: they come
// from an inventory's passwords, sensitive variables and decrypted files. It
// is declared here because this package is the one that everything which
// shows a value imports. Rendering treats a value with any mark as sensitive.
const SensitiveMark = mark("sensitive")

type mark string

// Sensitive reports whether v, or a part of it, must not be shown.
func Sensitive(v cty.Value) bool { return v.ContainsMarked() }
