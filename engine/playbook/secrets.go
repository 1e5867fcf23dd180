package playbook

import (
	"bytes"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/schema"
)

// Decrypter reads what is encrypted. Its errors are diag.ErrSecret where the
// secret cannot be read. It may be used concurrently.
type Decrypter interface {
	// Decrypt returns the plain text of data; name is what messages call it.
	Decrypt(name string, data []byte) ([]byte, error)
}

// ageSuffix ends the names of encrypted files.
const ageSuffix = ".age"

// Option changes how Load works.
type Option func(*Playbook)

// WithSecrets gives the playbook what decrypts its secrets. Without it, a secret
// that is needed is an error. Loading decrypts nothing.
func WithSecrets(d Decrypter) Option {
	return func(pb *Playbook) { pb.secrets.d = d }
}

// secrets decrypts for a playbook and remembers the plain texts, so that they
// can be kept out of everything that is shown.
type secrets struct {
	d Decrypter

	mu    sync.Mutex
	known map[string]bool
	texts []string
}

func (s *secrets) decrypt(name string, data []byte) (string, error) {
	if s.d == nil {
		return "", fmt.Errorf("%s cannot be decrypted: no keys were given to the playbook: %w", name, diag.ErrSecret)
	}
	plain, err := s.d.Decrypt(name, data)
	if err != nil {
		return "", err
	}
	text := string(plain)
	s.keep(text)
	return text, nil
}

func (s *secrets) keep(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]bool{}
	}
	if !s.known[text] {
		s.known[text] = true
		s.texts = append(s.texts, text)
	}
}

// Revealed returns the texts that the functions of the playbook decrypted so
// far, without the first n. It may be called concurrently.
func (pb *Playbook) Revealed(n int) []string {
	pb.secrets.mu.Lock()
	defer pb.secrets.mu.Unlock()
	if n >= len(pb.secrets.texts) {
		return nil
	}
	return append([]string(nil), pb.secrets.texts[n:]...)
}

// secretFuncs adds the functions that decrypt. Static ones do not: they say that
// there will be a sensitive string.
func secretFuncs(f map[string]function.Function, dir string, s *secrets, static bool) {
	give := func(name string, data []byte) (cty.Value, error) {
		if static {
			return cty.UnknownVal(cty.String).Mark(schema.SensitiveMark), nil
		}
		text, err := s.decrypt(name, data)
		if err != nil {
			return cty.UnknownVal(cty.String), err // not an ArgError, which hides what it wraps
		}
		return cty.StringVal(text).Mark(schema.SensitiveMark), nil
	}
	f["secret"] = function.New(&function.Spec{
		Description: "The plain text of an encrypted text (age, or Ansible Vault), as a sensitive value.",
		Params:      params("text"), Type: function.StaticReturnType(cty.String),
		Impl: func(a []cty.Value, _ cty.Type) (cty.Value, error) {
			text := []byte(a[0].AsString())
			if t := bytes.TrimSpace(text); !bytes.HasPrefix(t, []byte("-----BEGIN AGE")) && !bytes.HasPrefix(t, []byte("$ANSIBLE_VAULT;")) {
				return cty.UnknownVal(cty.String), function.NewArgErrorf(0, "it is not an encrypted text. Make one with\n    ferry secrets value")
			}
			return give("the text given to secret()", text)
		},
	})
	f["secretfile"] = function.New(&function.Spec{
		Description: "The plain text of an encrypted file (age, or Ansible Vault), as a sensitive value.",
		Params:      params("path"), Type: function.StaticReturnType(cty.String),
		Impl: func(a []cty.Value, _ cty.Type) (cty.Value, error) {
			path := a[0].AsString()
			if !filepath.IsAbs(path) {
				path = filepath.Join(dir, path)
			}
			data, err := readBytes(path)
			if err != nil {
				return cty.UnknownVal(cty.String), function.NewArgErrorf(0, "%s cannot be read: %s", path, err)
			}
			return give(path, data)
		},
	})
}

// encryptedFile is a file of variable values that is decrypted when the values
// are needed.
type encryptedFile struct{ name string }

// assignments decrypts the file. Its plain text is no source that a diagnostic
// could quote.
func (f encryptedFile) assignments(pb *Playbook, set *diag.Set) []assignment {
	data, err := readBytes(f.name)
	if err != nil {
		set.Append(diag.Errorf("File not readable", nil, "%s cannot be read: %s.", f.name, err))
		return nil
	}
	text, err := pb.secrets.decrypt(f.name, data)
	if err != nil {
		set.Append(diag.SecretErrorf("Secret not readable", &hcl.Range{Filename: f.name}, "%s", err))
		return nil
	}
	var own diag.Set
	parsed, diags := hclsyntax.ParseConfig([]byte(text), f.name, hcl.InitialPos)
	if diags.HasErrors() {
		own.Append(firstError(diags))
	} else if body, ok := parsed.Body.(*hclsyntax.Body); ok {
		out := assignments(body, &own)
		if !own.HasErrors() {
			for i := range out {
				out[i].secret = true
			}
			return out
		}
	}
	for _, d := range own.Diags {
		set.Append(hushed(d, f.name))
	}
	return nil
}

// hushed is a diagnostic about the plain text of an encrypted file, without
// anything that could show some of it.
func hushed(d *hcl.Diagnostic, file string) *hcl.Diagnostic {
	var set diag.Set
	set.Diags = hcl.Diagnostics{d}
	if set.SecretProblem() {
		return d
	}
	out := diag.Errorf(d.Summary, d.Subject, "This place of the encrypted file %s is wrong. What stands there is not shown, since it is secret. Look at it with\n    ferry secrets edit %s", file, file)
	return diag.HideSource(out)
}

// minNumber is how many digits a sensitive number has that is looked for in what
// is shown: a port in an encrypted file must not hide every other such number.
const minNumber = 6

// Secrets are the texts of the sensitive values that expressions of the scope
// see in variables, also those of the inventory.
func (s *Scope) Secrets() []string {
	return append(secretTexts(s.vars, s.shared.host), s.shared.groupSecrets...)
}

// secretTexts are the texts of the sensitive values in vals.
func secretTexts(vals ...cty.Value) []string {
	var out []string
	for _, v := range vals {
		_ = cty.Walk(v, func(_ cty.Path, e cty.Value) (bool, error) {
			if !e.IsMarked() {
				return true, nil
			}
			e, _ = e.UnmarkDeep()
			_ = cty.Walk(e, func(_ cty.Path, e cty.Value) (bool, error) {
				if !e.IsKnown() || e.IsNull() {
					return true, nil
				}
				switch text := keyText(e); {
				case e.Type() == cty.String, e.Type() == cty.Number && len(text) >= minNumber:
					out = append(out, text)
				}
				return true, nil
			})
			return false, nil
		})
	}
	return out
}

// CheckSecrets decrypts the secrets that the playbook's expressions name without
// the help of a host, so that one that cannot be read is an error before the
// first connection and not in the middle of a run.
func (pb *Playbook) CheckSecrets() hcl.Diagnostics {
	var out hcl.Diagnostics
	var ctx *hcl.EvalContext // of the unit that is looked at
	seen := map[string]bool{}
	look := func(e hclsyntax.Expression) {
		if e == nil {
			return
		}
		_ = hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
			call, ok := n.(*hclsyntax.FunctionCallExpr)
			if !ok || call.Name != "secret" && call.Name != "secretfile" {
				return nil
			}
			_, diags := call.Value(ctx)
			for _, d := range diags {
				set := diag.Set{Diags: hcl.Diagnostics{d}}
				if key := d.Error(); set.SecretProblem() && !seen[key] {
					seen[key] = true
					out = append(out, d)
				}
			}
			return nil
		})
	}
	tasks := func(t *Task) {
		for _, a := range t.Attrs {
			look(a.Expr)
		}
		for _, e := range []hclsyntax.Expression{t.Meta.When, t.Meta.ForEach, t.Meta.ChangedWhen, t.Meta.FailedWhen, t.Meta.Environment} {
			look(e)
		}
	}
	body := func(b *Body) {
		own(b.Items, tasks)
		for _, h := range b.Handlers {
			tasks(h)
		}
		for _, u := range uses(b.Items) {
			for _, a := range u.Args {
				look(a.Expr)
			}
		}
	}
	for i, u := range pb.units {
		ctx = pb.staticScope(u, nil).Context(nil).NewChild()
		ctx.Functions = u.functions
		for _, l := range u.locals {
			look(l.expr)
		}
		for _, o := range u.Outputs {
			look(o.expr)
		}
		body(&u.Body)
		if i > 0 {
			continue
		}
		for _, e := range pb.Files.Expressions() {
			look(e)
		}
		for _, p := range pb.Plays {
			body(&p.Body)
		}
		for _, st := range pb.Stacks {
			for _, a := range st.Args {
				look(a.Expr)
			}
		}
	}
	return out
}
