package verify

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/rpmver"
	"github.com/ferry-ops/ferry/engine/schema"
	"github.com/ferry-ops/ferry/modules/internal/rpm"
)

// Packages checks what is installed.
func Packages() module.Info {
	return module.Info{
		Name:    "packages",
		Summary: "Checks what is installed: presence, versions, dist tags, vendors, duplicates, broken dependencies.",
		Doc: `"forbid_dist" finds what a migration left behind, "vendors" what does not come from the
distribution, "no_duplicates" what an interrupted transaction leaves.`,
		Example: `check "packages" "no_leftovers" {
  forbid_dist   = [".el7", ".el8"]
  no_duplicates = true
  no_broken     = true
}
`,
		NewCheck: func() module.Check { return &packages{} },
	}
}

type packages struct {
	present, absent        []string
	forbidDist, forbidArch []string
	vendors, except        []string
	minVersions            map[string]string
	noDuplicates, noBroken bool
}

var (
	_ module.Check     = (*packages)(nil)
	_ module.Validator = (*packages)(nil)
)

var distTag = regexp.MustCompile(`^\.?[A-Za-z0-9_.]+$`)

func (c *packages) Schema(b *schema.Block) {
	b.Strings(&c.present, "present", "Packages that must be installed.")
	b.Strings(&c.absent, "absent", "Patterns of packages that must not be installed.")
	b.Strings(&c.forbidDist, "forbid_dist", "Dist tags no installed package may carry.", schema.Match(distTag, "a dist tag such as .el8"))
	b.Strings(&c.forbidArch, "forbid_arch", "Architectures no installed package may be for.")
	b.Strings(&c.vendors, "vendors", "Patterns of vendors; every package must be from one of them.")
	b.Strings(&c.except, "except", "Patterns of packages that \"forbid_dist\", \"forbid_arch\" and \"vendors\" leave alone.")
	b.StringMap(&c.minVersions, "min_versions", "Packages, each with the oldest version ([epoch:]version[-release]) that will do.")
	b.Bool(&c.noDuplicates, "no_duplicates", "No package may be installed in two versions, but for kernels.")
	b.Bool(&c.noBroken, "no_broken", "The package manager must find no broken dependency (dnf check).")
}

// Solitary implements module.Solitary: asking the package manager takes its lock.
func (c *packages) Solitary() bool { return c.noBroken }

func (c *packages) Validate() error {
	if len(c.present)+len(c.absent)+len(c.forbidDist)+len(c.forbidArch)+len(c.vendors)+len(c.minVersions) == 0 && !c.noDuplicates && !c.noBroken {
		return errors.New("The check needs at least one argument that says what to look for.")
	}
	for _, globs := range [][]string{c.absent, c.vendors, c.except} {
		for _, g := range globs {
			if _, err := path.Match(g, ""); err != nil {
				return fmt.Errorf("%q is not a pattern; * and ? and [a-z] can be used.", g)
			}
		}
	}
	return nil
}

func (c *packages) Check(ctx context.Context, r host.Reader) ([]module.Finding, error) {
	all, err := rpm.List(ctx, r)
	if err != nil {
		return nil, err
	}
	out := c.judge(all)
	if c.noBroken {
		more, err := broken(ctx, r)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// judge applies everything that needs only the list.
func (c *packages) judge(all []rpm.Package) []module.Finding {
	var out []module.Finding
	byName := map[string][]rpm.Package{}
	for _, p := range all {
		byName[p.Name] = append(byName[p.Name], p)
	}
	for _, n := range c.present {
		if len(byName[n]) == 0 {
			out = append(out, module.Finding{Summary: n + " is not installed"})
		}
	}
	for _, n := range sortedKeys(c.minVersions) {
		have := byName[n]
		switch {
		case len(have) == 0 && !slices.Contains(c.present, n):
			out = append(out, module.Finding{Summary: n + " is not installed"})
		case len(have) > 0 && !slices.ContainsFunc(have, func(p rpm.Package) bool { return rpmver.Compare(p.EVR(), c.minVersions[n]) >= 0 }):
			out = append(out, module.Finding{Summary: fmt.Sprintf("%s is older than %s", have[len(have)-1], c.minVersions[n])})
		}
	}
	out = append(out, list(all, "is installed and must not be", "are installed and must not be", "Remove what nothing needs:\n    dnf remove NAME", func(p rpm.Package) bool { return match(c.absent, p.Name) })...)
	out = append(out, list(all, "is of the old distribution", "are of the old distribution", "Remove or replace what is left, or name it in \"except\".", func(p rpm.Package) bool {
		return rpm.HasDist(p.Release, c.forbidDist) && !match(c.except, p.Name)
	})...)
	out = append(out, list(all, "is for an architecture that must not be here", "are for architectures that must not be here", "Remove what nothing needs, or name it in \"except\".", func(p rpm.Package) bool {
		return slices.Contains(c.forbidArch, p.Arch) && !match(c.except, p.Name)
	})...)
	if len(c.vendors) > 0 {
		out = append(out, list(all, "comes from another vendor", "come from other vendors", "Find out what each needs and whether there is a version for the target; then name it in \"except\".", func(p rpm.Package) bool {
			return !match(c.vendors, p.Vendor) && !match(c.except, p.Name)
		})...)
	}
	if c.noDuplicates {
		out = append(out, duplicates(byName)...)
	}
	return out
}

// duplicates finds packages that are installed more than once, but for those
// that may be.
func duplicates(byName map[string][]rpm.Package) []module.Finding {
	var twice []string
	for _, n := range sortedKeys(byName) {
		if n == "kernel" || strings.HasPrefix(n, "kernel-") || strings.HasPrefix(n, "kmod-") {
			continue
		}
		byArch := map[string][]string{}
		for _, p := range byName[n] {
			byArch[p.Arch] = append(byArch[p.Arch], p.Version+"-"+p.Release)
		}
		for _, a := range sortedKeys(byArch) {
			if len(byArch[a]) > 1 {
				slices.SortFunc(byArch[a], rpmver.Compare)
				twice = append(twice, fmt.Sprintf("%s.%s (%s)", n, a, strings.Join(byArch[a], ", ")))
			}
		}
	}
	return summarize(twice, "is installed more than once", "are installed more than once", "A package transaction was interrupted. Run it again.")
}

// list makes one finding of all packages of a kind, naming each.
func list(all []rpm.Package, one, many, cure string, is func(rpm.Package) bool) []module.Finding {
	var hits []string
	for _, p := range all {
		if is(p) {
			s := p.String()
			if strings.Contains(one, "vendor") {
				s += " (" + p.Vendor + ")"
			}
			hits = append(hits, s)
		}
	}
	sort.Strings(hits)
	return summarize(hits, one, many, cure)
}

// maxNamed is how many packages a finding names.
const maxNamed = 30

func summarize(hits []string, one, many, cure string) []module.Finding {
	switch len(hits) {
	case 0:
		return nil
	case 1:
		return []module.Finding{{Summary: hits[0] + " " + one, Cure: cure}}
	}
	shown, more := hits, ""
	if len(hits) > maxNamed {
		shown, more = hits[:maxNamed], fmt.Sprintf("\n    … and %d more", len(hits)-maxNamed)
	}
	return []module.Finding{{Summary: fmt.Sprintf("%d packages %s", len(hits), many), Detail: "They are:\n    " + strings.Join(shown, "\n    ") + more, Cure: cure}}
}

// broken asks the package manager for broken dependencies.
func broken(ctx context.Context, r host.Reader) ([]module.Finding, error) {
	argv := []string{"/bin/sh", "-c", `if command -v dnf >/dev/null; then exec dnf -q -C check; elif command -v yum >/dev/null; then exec yum -q -C check; fi; exit 99`}
	res, err := r.Ask(ctx, host.Command{Argv: argv, Limit: rpm.CheckLimit})
	if err != nil {
		return nil, rpm.Explain(err)
	}
	text := strings.TrimSpace(string(res.Stdout))
	switch {
	case res.Code == 0:
		return nil, nil
	case res.Code == 99:
		return nil, errors.New("the host has neither dnf nor yum, so its dependencies cannot be checked. Drop the argument \"no_broken\", or install dnf")
	case text == "":
		return nil, &host.CommandError{Argv: argv, Result: res}
	}
	lines := strings.Split(text, "\n")
	more := ""
	if len(lines) > maxNamed {
		lines, more = lines[:maxNamed], fmt.Sprintf("\n    … and %d more", len(lines)-maxNamed)
	}
	return []module.Finding{{Summary: "the package manager finds that the installed packages do not fit together", Detail: "It says:\n    " + strings.Join(lines, "\n    ") + more, Cure: "Complete or undo what an interrupted transaction left, then check again:\n    dnf check"}}, nil
}

func match(globs []string, s string) bool {
	for _, g := range globs {
		if ok, err := path.Match(g, s); err == nil && ok {
			return true
		}
	}
	return false
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
