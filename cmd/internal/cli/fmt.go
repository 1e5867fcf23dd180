package cli

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ferry-ops/ferry/engine/diag"
	"github.com/ferry-ops/ferry/engine/format"
)

// fmtFlags are the flags of ferry fmt.
type fmtFlags struct {
	recursive, check, diff, write bool
}

func (a *app) fmtCommand() *cobra.Command {
	var f fmtFlags
	cmd := &cobra.Command{
		Use:   "fmt [PATH …]",
		Short: "Lay out playbooks, inventories and files of variables",
		Long: `Lays out HCL files the canonical way: indentation, spaces, aligned equals signs. Nothing but white space changes.
The names of the files that change are printed. PATH is a file or a directory, whose *.hcl files are taken (default: the
current directory); lock files (*.lock.hcl) are left alone. "-" lays out standard input to standard output.

A file that does not parse is reported and left as it is; the others are laid out all the same, and the exit code is 10.
With --check nothing is written and the exit code is 1 if a file is not laid out.`,
		Example: `  ferry fmt -r .
  ferry fmt --check --diff playbooks`,
		Args:              between(0, -1),
		ValidArgsFunction: completePlaybook,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"."}
			}
			return a.format(args, f)
		},
	}
	fs := cmd.Flags()
	fs.BoolVarP(&f.recursive, "recursive", "r", false, "also the directories below")
	fs.BoolVar(&f.check, "check", false, "write nothing; exit 1 if a file is not laid out")
	fs.BoolVar(&f.diff, "diff", false, "show the changes as a unified diff; write nothing")
	fs.BoolVar(&f.write, "write", true, "write the files; with --write=false only their names are printed")
	return cmd
}

func (a *app) format(paths []string, f fmtFlags) error {
	var set diag.Set
	var named []string
	differ := 0
	for _, p := range paths {
		if p != "-" {
			named = append(named, p)
			continue
		}
		src, err := format.ReadFrom(a.in, "standard input")
		if err != nil {
			return err
		}
		changed, err := a.formatOne("standard input", src, f, &set)
		if err != nil {
			return err
		}
		differ += changed
	}
	files, errs := format.Find(named, f.recursive)
	for _, name := range files {
		src, err := format.Read(name)
		changed := 0
		if err == nil {
			changed, err = a.formatOne(name, src, f, &set)
		}
		if err != nil {
			errs = append(errs, err)
		}
		differ += changed
	}
	switch {
	case len(errs) > 0 || set.HasErrors():
		for _, err := range errs {
			set.Append(diag.Errorf("File not formatted", nil, "%s", sentence(err.Error())))
		}
		set.Sort()
		a.show(set)
		if len(errs) > 0 {
			return &codeError{code: exitFailed}
		}
		return &codeError{code: exitInvalid}
	case f.check && differ > 0:
		return &codeError{code: exitFailed}
	}
	return nil
}

// formatOne lays out one text and says whether it differs (1) or not (0).
func (a *app) formatOne(name string, src []byte, f fmtFlags, set *diag.Set) (int, error) {
	stdin := name == "standard input"
	out, diags := format.Source(src, name)
	if diags.HasErrors() {
		set.AddSource(name, src)
		set.Extend(diags)
		return 0, nil
	}
	same := bytes.Equal(src, out)
	if stdin && !f.check && !f.diff {
		_, err := a.out.Write(out)
		return 0, err
	}
	if same {
		return 0, nil
	}
	if f.diff {
		_, err := fmt.Fprint(a.out, format.Diff(name, src, out))
		return 1, err
	}
	fmt.Fprintln(a.out, name)
	if f.check || !f.write {
		return 1, nil
	}
	return 1, format.Write(name, out)
}
