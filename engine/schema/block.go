package schema

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"
)

// Block is the set of arguments one block takes. The zero value is ready.
type Block struct {
	args []*Arg
}

// Arg is one declared argument.
type Arg struct {
	Name     string
	Doc      string // a full sentence for users
	Type     cty.Type
	Kind     Kind
	Required bool
	Default  string // as shown to users; empty if there is none
	Choices  []string
	// Sensitive values are never shown, whatever they come from.
	Sensitive bool
	// MaySensitive arguments accept values marked sensitive (which are then not
	// shown) and show all others.
	MaySensitive bool

	instead map[string]string // what is meant by words that are not among Choices

	checks []func(cty.Value) error
	set    func(cty.Value) error
	local  func(path string, files *Files) // in place of set, for what hosts share
}

// Kind says how the text of an argument is to be understood.
type Kind string

// The kinds of arguments.
const (
	KindValue    Kind = ""          // the value itself
	KindDuration Kind = "duration"  // Go notation: "90s", "15m"
	KindFile     Kind = "file"      // a path on the controller, relative to the playbook file
	KindTemplate Kind = "template"  // such a path; the argument's value is the rendered content
	KindMode     Kind = "file mode" // octal permission bits: "0644"
)

// Args returns the arguments in the order of declaration.
func (b *Block) Args() []*Arg { return b.args }

// Arg returns the argument of that name, or nil.
func (b *Block) Arg(name string) *Arg {
	for _, a := range b.args {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// Names returns the names of all arguments.
func (b *Block) Names() []string {
	names := make([]string, len(b.args))
	for i, a := range b.args {
		names[i] = a.Name
	}
	return names
}

func (b *Block) add(name, doc string, t cty.Type, def string, set func(cty.Value) error, opts []Option) *Arg {
	if b.Arg(name) != nil {
		panic(fmt.Sprintf("schema: argument %q is declared twice", name))
	}
	a := &Arg{Name: name, Doc: doc, Type: t, Default: def, set: set}
	for _, o := range opts {
		o(a)
	}
	b.args = append(b.args, a)
	return a
}

// String declares a string argument.
func (b *Block) String(p *string, name, doc string, opts ...Option) {
	def := ""
	if *p != "" {
		def = fmt.Sprintf("%q", *p)
	}
	b.add(name, doc, cty.String, def, func(v cty.Value) error { *p = v.AsString(); return nil }, opts)
}

// Bool declares a bool argument.
func (b *Block) Bool(p *bool, name, doc string, opts ...Option) {
	b.add(name, doc, cty.Bool, fmt.Sprint(*p), func(v cty.Value) error { *p = v.True(); return nil }, opts)
}

// OptBool declares a bool argument whose absence means "leave as it is": the
// variable stays nil.
func (b *Block) OptBool(p **bool, name, doc string, opts ...Option) {
	b.add(name, doc, cty.Bool, "", func(v cty.Value) error { x := v.True(); *p = &x; return nil }, opts)
}

// Int declares an argument that is a whole number.
func (b *Block) Int(p *int, name, doc string, opts ...Option) {
	b.add(name, doc, cty.Number, fmt.Sprint(*p), func(v cty.Value) error {
		n, err := wholeNumber(v)
		if err == nil {
			*p = n
		}
		return err
	}, opts)
}

// OptInt declares an argument that is a whole number and whose absence leaves
// the variable nil.
func (b *Block) OptInt(p **int, name, doc string, opts ...Option) {
	b.add(name, doc, cty.Number, "", func(v cty.Value) error {
		n, err := wholeNumber(v)
		if err == nil {
			*p = &n
		}
		return err
	}, opts)
}

// Duration declares a length of time, written as in Go: "90s", "15m", "1h30m".
func (b *Block) Duration(p *time.Duration, name, doc string, opts ...Option) {
	def := ""
	if *p != 0 {
		def = fmt.Sprintf("%q", shortDuration(*p))
	}
	a := b.add(name, doc, cty.String, def, func(v cty.Value) error {
		d, err := ParseDuration(v.AsString())
		if err == nil {
			*p = d
		}
		return err
	}, opts)
	a.Kind = KindDuration
}

// Mode declares permission bits, written as an octal string: "0644", "1777".
// Absence leaves the variable 0.
func (b *Block) Mode(p *uint32, name, doc string, opts ...Option) {
	def := ""
	if *p != 0 {
		def = fmt.Sprintf("%q", fmt.Sprintf("%04o", *p))
	}
	a := b.add(name, doc, cty.String, def, func(v cty.Value) error {
		m, err := parseMode(v.AsString())
		if err == nil {
			*p = m
		}
		return err
	}, opts)
	a.Kind = KindMode
}

// Strings declares a list of strings. A single string is accepted for a list of one.
func (b *Block) Strings(p *[]string, name, doc string, opts ...Option) {
	def := ""
	if len(*p) > 0 {
		def = `["` + strings.Join(*p, `", "`) + `"]`
	}
	b.add(name, doc, cty.List(cty.String), def, func(v cty.Value) error {
		out := make([]string, 0, v.LengthInt())
		for _, e := range v.AsValueSlice() {
			if e.IsNull() {
				return fmt.Errorf("an element is null; every element must be a string")
			}
			out = append(out, e.AsString())
		}
		*p = out
		return nil
	}, opts)
}

// StringMap declares a map of strings.
func (b *Block) StringMap(p *map[string]string, name, doc string, opts ...Option) {
	b.add(name, doc, cty.Map(cty.String), "", func(v cty.Value) error {
		out := make(map[string]string, v.LengthInt())
		for k, e := range v.AsValueMap() {
			if e.IsNull() {
				return fmt.Errorf("the value of %q is null; every value must be a string", k)
			}
			out[k] = e.AsString()
		}
		*p = out
		return nil
	}, opts)
}

// Any declares an argument of any type; the variable receives string, bool,
// int64, float64, []any, map[string]any or nil.
func (b *Block) Any(p *any, name, doc string, opts ...Option) {
	b.add(name, doc, cty.DynamicPseudoType, "", func(v cty.Value) error { *p = ToGo(v); return nil }, opts)
}

// File declares the path of a file on the controller, relative to the file the
// argument is written in. It must exist when the playbook is loaded; the
// variable receives the absolute path.
func (b *Block) File(p *string, name, doc string, opts ...Option) {
	a := b.add(name, doc, cty.String, "", func(v cty.Value) error { *p = v.AsString(); return nil }, opts)
	a.Kind = KindFile
}

// LocalFile binds a file of the controller whose content all hosts share.
func (b *Block) LocalFile(p **LocalFile, name, doc string, opts ...Option) {
	a := b.add(name, doc, cty.String, "", nil, opts)
	a.Kind = KindFile
	a.local = func(path string, files *Files) { *p = files.Local(path) }
}

// LocalTree binds a directory of the controller whose content all hosts share.
func (b *Block) LocalTree(p **LocalTree, name, doc string, opts ...Option) {
	a := b.add(name, doc, cty.String, "", nil, opts)
	a.Kind = KindFile
	a.local = func(path string, files *Files) { *p = files.Tree(path) }
}

// Template declares the path of an HCL template on the controller, relative to
// the file the argument is written in. The template sees what the block sees,
// and each element of the block's argument "vars", if there is one, by its
// name; the variable receives the rendered text.
func (b *Block) Template(p *string, name, doc string, opts ...Option) {
	a := b.add(name, doc, cty.String, "", func(v cty.Value) error { *p = v.AsString(); return nil }, opts)
	a.Kind = KindTemplate
}

// Option refines an argument.
type Option func(*Arg)

// Required makes leaving the argument out an error.
func Required(a *Arg) { a.Required = true }

// Sensitive keeps the argument's value out of everything ferry shows or stores.
func Sensitive(a *Arg) { a.Sensitive = true; a.MaySensitive = true }

// MaySensitive lets the argument take sensitive values, which are not shown.
func MaySensitive(a *Arg) { a.MaySensitive = true }

// OneOf restricts a string, or each string of a list, to these values.
func OneOf(choices ...string) Option {
	return func(a *Arg) {
		a.Choices = choices
		a.checks = append(a.checks, func(v cty.Value) error {
			return eachString(v, func(s string) error {
				for _, c := range choices {
					if s == c {
						return nil
					}
				}
				return &choiceError{got: s, choices: choices}
			})
		})
	}
}

// Instead says which choice is meant by words that people bring along from elsewhere.
func Instead(meant map[string]string) Option {
	return func(a *Arg) { a.instead = meant }
}

// Match restricts a string, or each string of a list, to a regular expression;
// want says in words what is expected ("a unit name such as sshd.service").
func Match(re *regexp.Regexp, want string) Option {
	return func(a *Arg) {
		a.checks = append(a.checks, func(v cty.Value) error {
			return eachString(v, func(s string) error {
				if re.MatchString(s) {
					return nil
				}
				return fmt.Errorf("%q is not %s", s, want)
			})
		})
	}
}

// AbsPath restricts a string, or each string of a list, to absolute paths.
func AbsPath(a *Arg) {
	a.checks = append(a.checks, func(v cty.Value) error {
		return eachString(v, func(s string) error {
			switch {
			case !strings.HasPrefix(s, "/"):
				return fmt.Errorf("%q is not an absolute path; paths on the host start with /", s)
			case strings.ContainsRune(s, 0):
				return fmt.Errorf("%q contains a NUL byte, which no path can", s)
			}
			return nil
		})
	})
}

// NonEmpty forbids the empty string and the empty list.
func NonEmpty(a *Arg) {
	a.checks = append(a.checks, func(v cty.Value) error {
		if v.Type() == cty.String && v.AsString() == "" || v.CanIterateElements() && v.LengthInt() == 0 {
			return fmt.Errorf("it is empty")
		}
		return nil
	})
}

// Between restricts a number.
func Between(low, high int) Option {
	return func(a *Arg) {
		a.checks = append(a.checks, func(v cty.Value) error {
			n, err := wholeNumber(v)
			if err == nil && (n < low || n > high) {
				err = fmt.Errorf("%d is not between %d and %d", n, low, high)
			}
			return err
		})
	}
}
