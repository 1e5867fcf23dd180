package playbook

import (
	"fmt"
	"os"
	"path/filepath"

	ctyfs "github.com/hashicorp/go-cty-funcs/filesystem"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// Bounds on what functions read and make, so that a slip is a message and not a
// machine out of memory.
const (
	maxFunctionFile = 16 << 20 // bytes
	maxIndent       = 1000     // spaces
	maxProduct      = 1 << 20  // combinations
)

// guarded returns f with a look at its arguments before it is called.
func guarded(f function.Function, look func(args []cty.Value) error) function.Function {
	spec := &function.Spec{
		Description: f.Description(), Params: f.Params(), VarParam: f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			if err := look(args); err != nil {
				return cty.DynamicPseudoType, err
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.Call(args) },
	}
	return function.New(spec)
}

// fileFunc reads a regular file of limited size: a FIFO would hang, a device may
// have no end.
func fileFunc(dir string, base64 bool) function.Function {
	return guarded(ctyfs.MakeFileFunc(dir, base64), func(args []cty.Value) error {
		if !args[0].IsKnown() || args[0].IsNull() {
			return nil
		}
		arg, _ := args[0].Unmark()
		v, err := ctyfs.Pathexpand(arg)
		if err != nil {
			return nil // the function says it
		}
		path := v.AsString()
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		st, err := os.Stat(path)
		switch {
		case err != nil:
			return nil // the function says it
		case !st.Mode().IsRegular():
			return function.NewArgErrorf(0, "%s is not a regular file", path)
		case st.Size() > maxFunctionFile:
			return function.NewArgErrorf(0, "%s has %d bytes, and at most %d are read into a value", path, st.Size(), maxFunctionFile)
		}
		return nil
	})
}

func indentFunc() function.Function {
	return guarded(stdlib.IndentFunc, func(args []cty.Value) error {
		n, _ := args[0].Unmark()
		if n.IsKnown() && !n.IsNull() && n.GreaterThan(cty.NumberIntVal(maxIndent)).True() {
			return function.NewArgErrorf(0, "at most %d spaces are possible", maxIndent)
		}
		return nil
	})
}

func setProductFunc() function.Function {
	return guarded(stdlib.SetProductFunc, func(args []cty.Value) error {
		n := 1
		for _, a := range args {
			a, _ := a.Unmark()
			if !a.IsKnown() || a.IsNull() || !a.CanIterateElements() {
				return nil
			}
			if n *= max(1, a.LengthInt()); n > maxProduct {
				return fmt.Errorf("there are more than %d combinations", maxProduct)
			}
		}
		return nil
	})
}
