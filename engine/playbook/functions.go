package playbook

import (
	"fmt"
	"path/filepath"
	"strings"

	ctycidr "github.com/hashicorp/go-cty-funcs/cidr"
	ctycrypto "github.com/hashicorp/go-cty-funcs/crypto"
	ctyencoding "github.com/hashicorp/go-cty-funcs/encoding"
	ctyfs "github.com/hashicorp/go-cty-funcs/filesystem"
	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	ctyyaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"github.com/ferry-ops/ferry/engine/rpmver"
	"github.com/ferry-ops/ferry/engine/schema"
)

// functions returns the functions of the language: Terraform's names and
// behaviour where they exist, and the comparison of rpm versions. Relative
// paths are taken from dir. Static ones decrypt nothing.
func functions(dir string, s *secrets, static bool) map[string]function.Function {
	f := map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "log": stdlib.LogFunc,
		"max": stdlib.MaxFunc, "min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "pow": stdlib.PowFunc, "signum": stdlib.SignumFunc,

		"chomp": stdlib.ChompFunc, "format": stdlib.FormatFunc, "formatlist": stdlib.FormatListFunc, "indent": indentFunc(),
		"join": stdlib.JoinFunc, "lower": stdlib.LowerFunc, "regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc,
		"replace": replaceFunc(), "split": stdlib.SplitFunc, "strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc,
		"title": stdlib.TitleFunc, "trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc,
		"trimsuffix": stdlib.TrimSuffixFunc, "upper": stdlib.UpperFunc,
		"startswith":  stringTest(strings.HasPrefix),
		"endswith":    stringTest(strings.HasSuffix),
		"strcontains": stringTest(strings.Contains),

		"alltrue": everyFunc(true), "anytrue": everyFunc(false), "index": indexFunc(), "one": oneFunc(), "sum": sumFunc(),
		"chunklist": stdlib.ChunklistFunc, "coalesce": stdlib.CoalesceFunc, "coalescelist": stdlib.CoalesceListFunc,
		"compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc, "distinct": stdlib.DistinctFunc,
		"element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc, "keys": stdlib.KeysFunc, "length": lengthFunc(),
		"lookup": stdlib.LookupFunc, "merge": stdlib.MergeFunc, "range": stdlib.RangeFunc, "reverse": stdlib.ReverseListFunc,
		"setintersection": stdlib.SetIntersectionFunc, "setproduct": setProductFunc(), "setsubtract": stdlib.SetSubtractFunc,
		"setunion": stdlib.SetUnionFunc, "slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "values": stdlib.ValuesFunc,
		"zipmap": stdlib.ZipmapFunc,

		"csvdecode": stdlib.CSVDecodeFunc, "jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc,
		"yamldecode": yamlDecodeFunc(), "yamlencode": ctyyaml.YAMLEncodeFunc,
		"base64decode": ctyencoding.Base64DecodeFunc, "base64encode": ctyencoding.Base64EncodeFunc, "urlencode": ctyencoding.URLEncodeFunc,
		"md5": ctycrypto.Md5Func, "sha1": ctycrypto.Sha1Func, "sha256": ctycrypto.Sha256Func, "sha512": ctycrypto.Sha512Func,

		"cidrhost": ctycidr.HostFunc, "cidrnetmask": ctycidr.NetmaskFunc, "cidrsubnet": ctycidr.SubnetFunc, "cidrsubnets": ctycidr.SubnetsFunc,

		"file": fileFunc(dir, false), "filebase64": fileFunc(dir, true), "fileexists": ctyfs.MakeFileExistsFunc(dir), "fileset": ctyfs.MakeFileSetFunc(dir),
		"abspath": ctyfs.AbsPathFunc, "basename": ctyfs.BasenameFunc, "dirname": ctyfs.DirnameFunc, "pathexpand": ctyfs.PathExpandFunc,

		"formatdate": stdlib.FormatDateFunc, "timeadd": stdlib.TimeAddFunc,

		"can": tryfunc.CanFunc, "try": tryfunc.TryFunc,
		"tobool": stdlib.MakeToFunc(cty.Bool), "tonumber": stdlib.MakeToFunc(cty.Number), "tostring": stdlib.MakeToFunc(cty.String),
		"tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)), "tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
		"toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),

		"sensitive": sensitiveFunc(true), "nonsensitive": sensitiveFunc(false),
		"rpmcmp":           rpmcmpFunc(),
		"version_at_least": versionAtLeastFunc(),
	}
	secretFuncs(f, dir, s, static)
	f["templatefile"] = templateFileFunc(dir, withoutTemplates(f))
	return f
}

// withoutTemplates keeps a template from including templates for ever.
func withoutTemplates(all map[string]function.Function) map[string]function.Function {
	out := make(map[string]function.Function, len(all))
	for n, fn := range all {
		if n != "templatefile" {
			out[n] = fn
		}
	}
	return out
}

func params(names ...string) []function.Parameter {
	out := make([]function.Parameter, len(names))
	for i, n := range names {
		out[i] = function.Parameter{Name: n, Type: cty.String}
	}
	return out
}

func stringTest(test func(s, part string) bool) function.Function {
	return function.New(&function.Spec{
		Params: params("string", "part"), Type: function.StaticReturnType(cty.Bool),
		Impl: func(a []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(test(a[0].AsString(), a[1].AsString())), nil
		},
	})
}

// replaceFunc replaces a substring, or a regular expression written /…/.
func replaceFunc() function.Function {
	return function.New(&function.Spec{
		Params: params("string", "substring", "replacement"), Type: function.StaticReturnType(cty.String),
		Impl: func(a []cty.Value, _ cty.Type) (cty.Value, error) {
			sub := a[1].AsString()
			if len(sub) > 1 && sub[0] == '/' && sub[len(sub)-1] == '/' {
				return stdlib.RegexReplace(a[0], cty.StringVal(sub[1:len(sub)-1]), a[2])
			}
			return stdlib.Replace(a[0], a[1], a[2])
		},
	})
}

// lengthFunc counts the elements of a collection or the characters of a string.
func lengthFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowUnknown: true}},
		Type: func(a []cty.Value) (cty.Type, error) {
			t := a[0].Type()
			if t == cty.String || t == cty.DynamicPseudoType || t.IsCollectionType() || t.IsTupleType() || t.IsObjectType() {
				return cty.Number, nil
			}
			return cty.Number, function.NewArgErrorf(0, "a string, list, set, map or object is needed")
		},
		Impl: func(a []cty.Value, _ cty.Type) (cty.Value, error) {
			switch t := a[0].Type(); {
			case t == cty.DynamicPseudoType || !a[0].IsKnown() && !t.IsTupleType() && !t.IsObjectType():
				return cty.UnknownVal(cty.Number), nil
			case t == cty.String:
				return stdlib.Strlen(a[0])
			case t.IsObjectType():
				return cty.NumberIntVal(int64(len(t.AttributeTypes()))), nil
			case t.IsTupleType():
				return cty.NumberIntVal(int64(len(t.TupleElementTypes()))), nil
			}
			return a[0].Length(), nil
		},
	})
}

func sensitiveFunc(on bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowMarked: true, AllowUnknown: true, AllowNull: true, AllowDynamicType: true}},
		Type:   func(a []cty.Value) (cty.Type, error) { return a[0].Type(), nil },
		Impl: func(a []cty.Value, _ cty.Type) (cty.Value, error) {
			if on {
				return a[0].Mark(schema.SensitiveMark), nil
			}
			v, marks := a[0].Unmark()
			delete(marks, schema.SensitiveMark)
			return v.WithMarks(marks), nil
		},
	})
}

func rpmcmpFunc() function.Function {
	return function.New(&function.Spec{
		Description: "Compares two rpm versions ([epoch:]version[-release]): -1, 0 or 1.",
		Params:      params("a", "b"), Type: function.StaticReturnType(cty.Number),
		Impl: func(a []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.NumberIntVal(int64(rpmver.Compare(a[0].AsString(), a[1].AsString()))), nil
		},
	})
}

func versionAtLeastFunc() function.Function {
	return function.New(&function.Spec{
		Description: "Whether a dotted version is at least the other one.",
		Params:      params("version", "minimum"), Type: function.StaticReturnType(cty.Bool),
		Impl: func(a []cty.Value, _ cty.Type) (cty.Value, error) {
			var vs [2]*version.Version
			for i, s := range a {
				v, err := version.NewVersion(s.AsString())
				if err != nil {
					return cty.UnknownVal(cty.Bool), function.NewArgError(i, fmt.Errorf("%q is not a version such as 4.18.0", s.AsString()))
				}
				vs[i] = v
			}
			return cty.BoolVal(vs[0].GreaterThanOrEqual(vs[1])), nil
		},
	})
}

// Functions returns the names of the language's functions.
func Functions() []string {
	var out []string
	for n := range functions(string(filepath.Separator), &secrets{}, true) {
		out = append(out, n)
	}
	return out
}
