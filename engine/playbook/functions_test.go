package playbook

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

func call(name string, args ...cty.Value) (cty.Value, error) {
	return functions("/", &secrets{}, true)[name].Call(args)
}

func TestListFunctions(t *testing.T) {
	tuple := func(vs ...cty.Value) cty.Value { return cty.TupleVal(vs) }
	n, s := cty.NumberIntVal, cty.StringVal
	for _, c := range []struct {
		name string
		args []cty.Value
		want string // JSON; empty for an error
	}{
		{"sum", []cty.Value{tuple(n(1), s("2"))}, `3`},
		{"sum", []cty.Value{cty.EmptyTupleVal}, `0`},
		{"sum", []cty.Value{tuple(n(1), s("x"))}, ``},
		{"sum", []cty.Value{tuple(n(1), cty.NullVal(cty.Number))}, ``},
		{"alltrue", []cty.Value{cty.EmptyTupleVal}, `true`},
		{"alltrue", []cty.Value{tuple(cty.True, cty.False)}, `false`},
		{"anytrue", []cty.Value{tuple(cty.False, s("true"))}, `true`},
		{"anytrue", []cty.Value{cty.EmptyTupleVal}, `false`},
		{"one", []cty.Value{cty.EmptyTupleVal}, `null`},
		{"one", []cty.Value{tuple(n(4))}, `4`},
		{"one", []cty.Value{tuple(n(4), n(5))}, ``},
		{"one", []cty.Value{cty.SetVal([]cty.Value{s("a")})}, `"a"`},
		{"index", []cty.Value{tuple(cty.True, s("b")), s("b")}, `1`},
		{"index", []cty.Value{tuple(s("a")), s("b")}, ``},
		{"index", []cty.Value{s("a"), s("a")}, ``},
		{"yamldecode", []cty.Value{s("a: [1, x]\nb: true\n")}, `{"a":[1,"x"],"b":true}`},
		{"yamldecode", []cty.Value{s("a: [")}, ``},
		{"yamlencode", []cty.Value{cty.ObjectVal(map[string]cty.Value{"a": n(1)})}, `"\"a\": 1\n"`},
	} {
		v, err := call(c.name, c.args...)
		if (err != nil) != (c.want == "") {
			t.Errorf("%s%#v: %v", c.name, c.args, err)
			continue
		}
		if c.want == "" {
			continue
		}
		got := "null"
		if !v.IsNull() {
			b, err := ctyjson.Marshal(v, v.Type())
			if err != nil {
				t.Fatal(err)
			}
			got = string(b)
		}
		if got != c.want {
			t.Errorf("%s%#v = %s, want %s", c.name, c.args, got, c.want)
		}
	}
	v, err := call("alltrue", tuple(cty.True, cty.UnknownVal(cty.Bool)))
	if err != nil || v.IsKnown() {
		t.Errorf("alltrue of an unknown element: %#v, %v", v, err)
	}
}

// bombs are texts that a decoder without bounds would work on for ever.
func bombs() []string {
	laughs := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := '1'; i < '9'; i++ {
		laughs += "a" + string(i) + ": &a" + string(i) + " [" + strings.Repeat("*a"+string(i-1)+",", 10) + "]\n"
	}
	steps := ""
	for i := range 1000 {
		steps += strings.Repeat(" ", i) + "a:\n"
	}
	return []string{
		laughs, "- " + strings.Repeat("[", 100000), strings.Repeat("- ", 100000) + "x", strings.Repeat("? ", 100000) + "x",
		strings.Repeat("{a: ", 50000), strings.Repeat("#", maxYAMLText+1), steps + steps + strings.Repeat(" ", 3000) + "x",
	}
}

func TestYAMLBombs(t *testing.T) {
	for i, text := range bombs() {
		if _, err := call("yamldecode", cty.StringVal(text)); err == nil {
			t.Errorf("bomb %d is decoded", i)
		}
	}
}

func FuzzYAMLDecode(f *testing.F) {
	for _, text := range []string{"a: &x 1\nb: *x\n", "- [[[1]]]\n", "? a\n: b\n", "- 1.5\n- ~\n- 2001-01-01\n", "!!binary aGk="} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			t.Skip("HCL has no such string")
		}
		_, _ = call("yamldecode", cty.StringVal(text))
	})
}
