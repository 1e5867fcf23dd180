package packages

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
)

// gate refuses removals the playbook does not allow, naming who needs each.
func (d *distroSync) gate(ctx context.Context, r host.Reader, res *resolution) error {
	var refused []item
	for _, i := range res.t.Remove {
		_, swapped := d.swap[i.Name]
		if !swapped && !matchAny(d.allowRemoval, i.Name) {
			refused = append(refused, i)
		}
	}
	if len(refused) > 0 && res.interrupted() {
		// Healing, dnf calls the removal of a package that the target replaces by
		// its plain name.
		var err error
		if refused, err = d.notReplaced(ctx, r, refused); err != nil {
			return err
		}
	}
	if len(refused) == 0 {
		return nil
	}
	lines := make([]string, len(refused))
	for n, i := range refused {
		needed, err := neededBy(ctx, r, i.Name)
		if err != nil {
			return err
		}
		lines[n] = fmt.Sprintf("%s-%s", i.Name, i.EVR)
		if len(needed) > 0 {
			lines[n] += ", needed by " + strings.Join(needed, ", ")
		} else {
			lines[n] += ", which no other package needs"
		}
		if i.Dependent {
			lines[n] += " (it would go because what it depends on goes)"
		}
	}
	return fmt.Errorf("the transaction would remove %s that \"allow_removal\" does not cover:\n    %s\nAdd what may go to \"allow_removal\", or give the host a repository with a version for the target",
		count(len(refused), "package"), strings.Join(lines, "\n    "))
}

// notReplaced keeps the packages that no package of the target's repositories
// declares to replace.
func (d *distroSync) notReplaced(ctx context.Context, r host.Reader, items []item) ([]item, error) {
	var out []item
	for _, i := range items {
		argv := append(append([]string{"dnf", "-q", "-C"}, repoArgs(d.repos)...), "repoquery", "--whatobsoletes", i.Name, "--qf", "%{name}")
		res, err := r.Query(ctx, argv...)
		if res, err = host.Must(argv, res, err); err != nil {
			return nil, err
		}
		if strings.TrimSpace(string(res.Stdout)) == "" {
			out = append(out, i)
		}
	}
	return out, nil
}

// neededBy returns the installed packages that depend on a package.
func neededBy(ctx context.Context, r host.Reader, name string) ([]string, error) {
	argv := []string{"dnf", "-q", "-C", "repoquery", "--installed", "--whatrequires", name, "--qf", "%{name}"}
	res, err := r.Query(ctx, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return nil, err
	}
	out := strings.Fields(string(res.Stdout))
	out = slices.DeleteFunc(out, func(s string) bool { return s == name })
	return slices.Compact(slices.Sorted(slices.Values(out))), nil
}

// excludes refuses configuration that would silently hold packages back.
func (d *distroSync) excludes(ctx context.Context, r host.Reader) error {
	if d.ignoreExcludes {
		return nil
	}
	argv := []string{"/bin/sh", "-c", `grep -HnsE '^[[:space:]]*(exclude|excludepkgs)[[:space:]]*=[[:space:]]*[^[:space:]]' /etc/dnf/dnf.conf /etc/yum.conf; grep -Hnsv -e '^[[:space:]]*#' -e '^[[:space:]]*$' /etc/dnf/plugins/versionlock.list; :`}
	res, err := r.Query(ctx, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return err
	}
	if text := strings.TrimSpace(string(res.Stdout)); text != "" {
		return fmt.Errorf("the host's configuration holds packages back, so they would not be synchronised:\n    %s\nRemove these lines, or set ignore_excludes = true to disregard exclude= for this transaction", indent(text))
	}
	return nil
}
