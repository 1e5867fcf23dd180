package packages

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"

	"github.com/ferry-ops/ferry/modules/internal/rpm"
)

// resolution is what the transaction would do and why it may.
type resolution struct {
	t          transaction
	superseded []item   // old versions of packages whose new version is installed too
	commands   []string // of the dnf shell
	duplicates []string
	leftovers  []rpm.Package // kept on purpose

	note     note            // of a transaction that did not end
	missing  []string        // of its packages, what is not installed
	replaced map[string]bool // names that installed packages declare to replace
}

func (r *resolution) converged() bool { return r.nothing() && r.note == nil }

// options are dnf's options for every command of the module. After an
// interrupted transaction dnf counts the old version of a protected package as
// its removal, so protection is lifted there; the gate takes its place.
func (d *distroSync) options(healing bool) []string {
	args := append([]string{"-y"}, repoArgs(d.repos)...)
	if d.ignoreExcludes {
		args = append(args, "--disableexcludes=all")
	}
	if len(d.allowRemoval) > 0 {
		args = append(args, "--allowerasing") // what it would erase passes the gate first
	}
	if healing {
		args = append(args, "--setopt=protected_packages=")
	}
	return args
}

// shell makes the argv that runs dnf shell commands, which arrive as arguments
// of a small script so that nothing is written on the host to resolve.
func (d *distroSync) shell(res *resolution, more ...string) []string {
	text := `printf '%s\n' "$@" | LC_ALL=C dnf ` + host.QuoteArgv(append(d.options(res.interrupted()), more...)) + ` shell 2>&1`
	return append([]string{"/bin/sh", "-c", text, "sh"}, append(slices.Clone(res.commands), "run")...)
}

// resolve asks dnf what the transaction would do and passes it through the
// gates. An error means that the transaction must not run; with errDNFBroken it
// comes with what could be seen without dnf.
func (d *distroSync) resolve(ctx context.Context, r host.Reader) (*resolution, error) {
	res, pkgs, err := d.look(ctx, r)
	if err != nil {
		return nil, err
	}
	d.before, d.leftovers = len(pkgs), nil
	res.commands = d.commands(pkgs, res.missing)
	if err := d.ask(ctx, r, res, pkgs); err != nil {
		return res, err
	}
	if open := len(res.missing); open > 0 {
		if err := d.undecided(ctx, r, res); err != nil {
			return nil, err
		}
		if len(res.missing) < open {
			res.commands = d.commands(pkgs, res.missing)
			if err := d.ask(ctx, r, res, pkgs); err != nil {
				return nil, err
			}
		}
	}
	// Packages of the old distribution that the transaction leaves alone have no
	// counterpart: remove or keep them by the playbook's word only.
	touched := res.t.touches()
	for _, i := range res.superseded {
		touched[i.Name] = true
	}
	var remove, unknown []string
	for _, p := range pkgs {
		if !rpm.HasDist(p.Release, d.oldDist) || touched[p.Name] && !rpm.InstallOnly(p.Name) {
			continue
		}
		switch {
		case rpm.InstallOnly(p.Name): // the old kernel stays beside the new one, to fall back to
			res.leftovers = append(res.leftovers, p)
			d.leftovers = append(d.leftovers, p.String())
		case matchAny(d.allowRemoval, p.Name):
			remove = append(remove, p.Name)
		case matchAny(d.keep, p.Name):
			res.leftovers = append(res.leftovers, p)
			d.leftovers = append(d.leftovers, p.String())
		default:
			unknown = append(unknown, p.String())
		}
	}
	if len(unknown) > 0 {
		sort.Strings(unknown)
		return nil, fmt.Errorf("what follows is installed from the old distribution and has no counterpart in the repositories %s:\n    %s\nDecide for each package: add it to \"allow_removal\" to have it removed, or to \"keep\" to leave it as it is",
			strings.Join(d.repos, ", "), strings.Join(unknown, "\n    "))
	}
	if len(remove) > 0 {
		for _, n := range slices.Compact(slices.Sorted(slices.Values(remove))) {
			res.commands = append(res.commands, "remove "+n)
		}
		if err := d.ask(ctx, r, res, pkgs); err != nil {
			return nil, err
		}
	}
	return res, d.gate(ctx, r, res)
}

// commands are the dnf shell's: synchronise, swap, install what is missing.
func (d *distroSync) commands(pkgs []rpm.Package, missing []string) []string {
	have := map[string]bool{}
	for _, p := range pkgs {
		have[p.Name] = true
	}
	out := []string{"distro-sync"}
	for _, old := range slices.Sorted(mapKeys(d.swap)) {
		if have[old] {
			out = append(out, "remove "+old)
		}
		if !have[d.swap[old]] {
			out = append(out, "install "+d.swap[old])
		}
	}
	for _, n := range d.install {
		if !have[n] {
			out = append(out, "install "+n)
		}
	}
	for _, n := range missing {
		if line := "install " + n; !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	return out
}

func mapKeys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// ask resolves without doing: the exit code says nothing, the text does.
func (d *distroSync) ask(ctx context.Context, r host.Reader, res *resolution, pkgs []rpm.Package) error {
	more, err := d.undeclared(ctx, r)
	if err != nil {
		return err
	}
	answer, err := r.Query(ctx, d.shell(res, append(more, "--assumeno")...)...)
	if err != nil {
		return err
	}
	out := string(answer.Stdout)
	if strings.Contains(out, "another process") || strings.Contains(out, "Waiting for process") {
		return fmt.Errorf("another program holds dnf's lock:\n    %s\nWait for it to end, or stop what runs package updates by itself (dnf-automatic, packagekit)", firstLines(out, 3))
	}
	if cannotRun(out) {
		return fmt.Errorf("%w. It says:\n    %s", errDNFBroken, indent(lastText(out, 4)))
	}
	t, err := parseTransaction(out)
	switch {
	case err != nil:
		return err
	case t.Problems != "" && t.empty(), strings.Contains(t.Problems, "No match for argument"):
		return fmt.Errorf("dnf finds no way to synchronise with %s:\n    %s\n%s", strings.Join(d.repos, ", "), indent(t.Problems), d.advice(t.Problems))
	case t.empty() && !t.Nothing:
		return fmt.Errorf("dnf neither said what it would do nor that there is nothing to do, so nothing is known. It printed:\n    %s", indent(lastText(out, 12)))
	}
	t.Remove, res.superseded = splitRemovals(t.Remove, pkgs, res.replaced)
	res.t = t
	return nil
}

// obsoleted returns the names that installed packages declare to replace. In an
// interrupted transaction the new package can be there while the old one is too.
func obsoleted(ctx context.Context, r host.Reader) (map[string]bool, error) {
	argv := []string{"rpm", "-qa", "--qf", `[%{OBSOLETENAME}\n]`}
	res, err := rpm.Query(ctx, r, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, n := range strings.Fields(string(res.Stdout)) {
		out[n] = true
	}
	return out, nil
}

// errDNFBroken is a dnf that does not even start: a transaction was ended so
// early that libraries of both distributions are mixed.
var errDNFBroken = errors.New("dnf cannot run on the host")

func cannotRun(out string) bool {
	for _, sign := range []string{"ImportError:", "ModuleNotFoundError:", "error while loading shared libraries", "symbol lookup error", "bad interpreter"} {
		if strings.Contains(out, sign) {
			return true
		}
	}
	return false
}

// splitRemovals tells losses from old versions that go while another version of
// the package stays, or the package that replaces it is installed, which is how
// dnf heals an interrupted transaction.
func splitRemovals(removals []item, pkgs []rpm.Package, replaced map[string]bool) (lost, superseded []item) {
	going := map[string]bool{}
	for _, i := range removals {
		going[i.Name+" "+i.EVR] = true
	}
	stays := map[string]bool{}
	for _, p := range pkgs {
		if !going[p.Name+" "+p.EVR()] {
			stays[p.Name] = true
		}
	}
	for _, i := range removals {
		if stays[i.Name] || replaced[i.Name] {
			superseded = append(superseded, i)
		} else {
			lost = append(lost, i)
		}
	}
	return lost, superseded
}

// undeclared are options that let dnf look into repositories which the host does
// not have yet, so that a plan can say what would happen after they are declared.
func (d *distroSync) undeclared(ctx context.Context, r host.Reader) ([]string, error) {
	if len(d.sources) == 0 {
		return nil, nil
	}
	argv := []string{"/bin/sh", "-c", `cat /dev/null "$1"/*.repo 2>/dev/null; :`, "sh", repoDir}
	res, err := r.Query(ctx, argv...)
	if res, err = host.Must(argv, res, err); err != nil {
		return nil, err
	}
	declared := parseRepoFile(string(res.Stdout)).ids()
	var out []string
	for _, id := range slices.Sorted(mapKeys(d.sources)) {
		if !slices.Contains(declared, id) && slices.Contains(d.repos, id) {
			out = append(out, "--repofrompath="+id+","+d.sources[id])
		}
	}
	return out, nil
}

func (d *distroSync) advice(problem string) string {
	switch {
	case strings.Contains(problem, "does not belong to a distupgrade repository"), strings.Contains(problem, "allowerasing"), strings.Contains(problem, "conflicting requests"):
		return "The packages named need something that the target does not have. Add those that may go to \"allow_removal\", or give the target a repository that has what they need"
	case strings.Contains(problem, "No match for argument"):
		return "A package named in \"swap\" or \"install\", or one that an interrupted transaction was to bring, is in none of these repositories. Check its name and the repositories"
	case strings.Contains(problem, "Failed to download metadata"), strings.Contains(problem, "Cannot download"):
		return "The repository cannot be read from the host. Check its address from there, with the proxy the host uses"
	}
	return "Look at what the packages named need"
}

// plan is the resolution in the user's words.
func (r *resolution) plan() module.Plan {
	var p module.Plan
	add := func(what string, items []item) {
		if len(items) == 0 {
			return
		}
		var lines []string
		names := make([]string, len(items))
		for n, i := range items {
			names[n] = i.Name
			lines = append(lines, "  "+i.Name+"-"+i.EVR)
		}
		to := count(len(items), "package")
		if len(items) <= 8 {
			to += ": " + strings.Join(names, ", ")
		}
		p = append(p, module.Change{Argument: what, To: to, Diff: strings.Join(lines, "\n") + "\n"})
	}
	add("upgrade", r.t.Upgrade)
	add("install", r.t.Install)
	add("downgrade", r.t.Downgrade)
	add("reinstall", r.t.Reinstall)
	add("replace", r.t.Replace)
	add("remove", r.t.Remove)
	add("remove old versions", r.superseded)
	return append(p, r.healing()...)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func indent(s string) string { return strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n    ") }

func firstLines(s string, n int) string {
	l := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(l[:min(n, len(l))], "\n    ")
}

func lastText(s string, n int) string {
	l := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(l[max(0, len(l)-n):], "\n")
}
