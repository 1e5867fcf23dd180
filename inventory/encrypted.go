package inventory

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/ferry-ops/ferry/engine/diag"
)

// Decrypter reads what is encrypted in an inventory: texts of Ansible Vault and
// age files. Its errors are diag.ErrSecret where a secret cannot be read.
type Decrypter interface {
	// Decrypt returns the plain text of data; name is what messages call it. It
	// is called only for what the inventory needs.
	Decrypt(name string, data []byte) ([]byte, error)
}

// errNoDecrypter says that Load was not given what decrypts.
var errNoDecrypter = errors.New("nothing was given that decrypts")

func isEncrypted(data []byte) bool {
	for _, intro := range []string{"$ANSIBLE_VAULT;", "age-encryption.org/", "-----BEGIN AGE ENCRYPTED FILE-----"} {
		if bytes.HasPrefix(data, []byte(intro)) {
			return true
		}
	}
	return false
}

// ext is the extension that says what a file holds: that before .age, if it is
// encrypted.
func ext(name string) string {
	return strings.ToLower(filepath.Ext(withoutAge(name)))
}

func withoutAge(name string) string { return strings.TrimSuffix(name, ".age") }

// addSource makes a file's text known to diagnostics. An encrypted one is
// decrypted: its plain text is no source, and nothing of it is shown. It
// reports false if the file cannot be read or is to be left out.
func (b *builder) addSource(src *source) bool {
	if !isEncrypted(src.data) {
		if strings.HasSuffix(src.name, ".age") {
			b.report(diag.Errorf("File not encrypted", &hcl.Range{Filename: src.name}, "%s has the extension .age and is not an age file. Encrypt it with\n    ferry secrets encrypt FILE", src.name))
			return false
		}
		b.set.AddSource(src.name, src.data)
		return true
	}
	at := &hcl.Range{Filename: src.name}
	plain, err := b.decrypt(src.name, src.data)
	switch {
	case b.skipSecrets:
		return false
	case errors.Is(err, errNoDecrypter):
		b.report(diag.Warningf("Encrypted file", at, "%s is encrypted and was not decrypted. What it holds has no value.", src.name))
		return false
	case err != nil:
		b.set.Append(diag.SecretErrorf("Secret not readable", at, "%s", err))
		return false
	}
	src.data = plain
	b.hushed[src.name] = true
	return true
}

func (b *builder) decrypt(name string, data []byte) ([]byte, error) {
	if b.secrets == nil || b.skipSecrets {
		return nil, errNoDecrypter
	}
	return b.secrets.Decrypt(name, data)
}

// encryptedValue decrypts one value of a document. It reports false if there is
// none: the problem was reported.
func (b *builder) encryptedValue(name string, n *node) (cty.Value, bool) {
	plain, err := b.decrypt(fmt.Sprintf("the variable %q (%s:%d)", name, n.rng.Filename, n.rng.Start.Line), []byte(n.text))
	switch {
	case b.skipSecrets:
	case errors.Is(err, errNoDecrypter):
		b.report(diag.Warningf("Encrypted value", &n.rng, "The variable %q is encrypted and was not decrypted, so it has no value.", name))
	case err != nil:
		b.set.Append(diag.SecretErrorf("Secret not readable", &n.rng, "%s", err))
	default:
		return cty.StringVal(strings.ToValidUTF8(string(plain), "\ufffd")).Mark(diag.SensitiveMark), true
	}
	return cty.NilVal, false
}

// hush removes from d what could show a secret, if it is about the plain text of
// an encrypted file or an encrypted value is being read.
func (b *builder) hush(d *hcl.Diagnostic) *hcl.Diagnostic {
	file := ""
	if d.Subject != nil {
		file = d.Subject.Filename
	}
	if !b.quiet && !b.hushed[file] {
		return d
	}
	set := diag.Set{Diags: hcl.Diagnostics{d}}
	if set.SecretProblem() {
		return d
	}
	out := diag.Errorf(d.Summary, d.Subject, "This place is wrong. What stands there is encrypted and therefore not shown. Look at it with\n    ferry secrets view %s", file)
	out.Severity = d.Severity
	return diag.HideSource(out)
}

// secretFuncs are the functions of an inventory in HCL that decrypt. Paths start
// at the directory dir.
func (b *builder) secretFuncs(dir string) map[string]function.Function {
	path := func(v cty.Value) string {
		if p := v.AsString(); filepath.IsAbs(p) {
			return p
		}
		return filepath.Join(dir, v.AsString())
	}
	read := func(v cty.Value) ([]byte, error) {
		data, d := readFile(path(v), maxFileSize)
		if d != nil {
			return nil, function.NewArgErrorf(0, "%s", d.Detail)
		}
		return data, nil
	}
	give := func(name string, data []byte) (cty.Value, error) {
		if b.skipSecrets {
			return cty.StringVal("").Mark(diag.SensitiveMark), nil
		}
		plain, err := b.decrypt(name, data)
		if err != nil {
			return cty.UnknownVal(cty.String), err // not an ArgError, which hides what it wraps
		}
		return cty.StringVal(strings.ToValidUTF8(string(plain), "\ufffd")).Mark(diag.SensitiveMark), nil
	}
	text := func(doc, param string, impl func(cty.Value) (cty.Value, error)) function.Function {
		return function.New(&function.Spec{
			Description: doc, Params: []function.Parameter{{Name: param, Type: cty.String}}, Type: function.StaticReturnType(cty.String),
			Impl: func(a []cty.Value, _ cty.Type) (cty.Value, error) { return impl(a[0]) },
		})
	}
	return map[string]function.Function{
		"secret": text("The plain text of an encrypted text, as a sensitive value.", "text", func(v cty.Value) (cty.Value, error) {
			data := []byte(strings.TrimSpace(v.AsString()))
			if !isEncrypted(data) {
				return cty.UnknownVal(cty.String), function.NewArgErrorf(0, "it is not an encrypted text. Make one with\n    ferry secrets value")
			}
			return give("the text given to secret()", data)
		}),
		"secretfile": text("The plain text of an encrypted file, as a sensitive value.", "path", func(v cty.Value) (cty.Value, error) {
			data, err := read(v)
			if err != nil {
				return cty.UnknownVal(cty.String), err
			}
			return give(path(v), data)
		}),
		"file": text("The text of a file.", "path", func(v cty.Value) (cty.Value, error) {
			data, err := read(v)
			if err != nil {
				return cty.UnknownVal(cty.String), err
			}
			return cty.StringVal(strings.ToValidUTF8(string(data), "\ufffd")), nil
		}),
	}
}
