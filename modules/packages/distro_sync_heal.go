package packages

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"

	"github.com/ferry-ops/ferry/modules/internal/rpm"
)

// What a killed transaction leaves, and how each is found:
//
//   - packages in two versions, and old versions not replaced yet: dnf resolves
//     both away, once the protection of itself is lifted;
//   - packages of which neither version is listed: the note has them, and
//     "install" lines bring them. dnf alone would not, since it does not ask whether
//     the needs of what is installed are met;
//   - a database whose indexes do not have what it lists, because the kill fell
//     between two writes: dnf, which reads the list, is content, and rpm's test,
//     which reads the indexes, refuses. They are built anew before anything else;
//   - a dnf that does not start, or that rpm refuses all the same: rpm completes the
//     noted set from the packages that were downloaded.

// look asks what every resolution begins with, in one round trip: the installed
// packages, the note, and whether the configuration holds packages back.
func (d *distroSync) look(ctx context.Context, r host.Reader) (*resolution, []rpm.Package, error) {
	var pkgs []rpm.Package
	var n note
	var errs [3]error
	var g errgroup.Group
	g.Go(func() error { pkgs, errs[0] = rpm.List(ctx, r); return nil })
	g.Go(func() error { n, errs[1] = d.readNote(ctx, r); return nil })
	g.Go(func() error { errs[2] = d.excludes(ctx, r); return nil })
	_ = g.Wait() // the errors are in errs
	if err := together(errs[:]); err != nil {
		return nil, nil, err
	}
	res := &resolution{note: n, duplicates: rpm.Duplicates(pkgs), replaced: map[string]bool{}}
	if res.interrupted() {
		var err error
		if res.replaced, err = obsoleted(ctx, r); err != nil {
			return nil, nil, err
		}
		res.missing = n.missing(pkgs, res.replaced)
	}
	return res, pkgs, nil
}

// together joins errors of what was asked at the same time. On a host that is
// lost they all say the same, once.
func together(errs []error) error {
	var out []error
	for _, err := range errs {
		if err != nil && !slices.ContainsFunc(out, func(o error) bool { return o.Error() == err.Error() }) {
			out = append(out, err)
		}
	}
	if len(out) == 1 {
		return out[0]
	}
	return errors.Join(out...)
}

// interrupted says that a transaction was begun on the host and did not end.
func (r *resolution) interrupted() bool { return r.note != nil || len(r.duplicates) > 0 }

// nothing says that dnf has nothing to do. The note may still be there.
func (r *resolution) nothing() bool {
	return r.t.empty() && len(r.duplicates) == 0 && len(r.superseded) == 0
}

// undecided settles what becomes of missing packages for which nothing but the
// note speaks: with everything else in place, the host was either healed by hand
// since, and they were removed on purpose, or it lost them in the last moment of
// the transaction. Only the playbook can tell: "install" brings them,
// "allow_removal" drops them from res.missing, and else it is an error.
func (d *distroSync) undecided(ctx context.Context, r host.Reader, res *resolution) error {
	t := res.t
	if len(res.duplicates)+len(res.superseded)+len(t.Upgrade)+len(t.Downgrade)+len(t.Reinstall)+len(t.Remove) > 0 {
		return nil // the host shows the interruption
	}
	var without, open []string
	for _, n := range res.missing {
		switch {
		case slices.Contains(d.install, n):
		case matchAny(d.allowRemoval, n):
			without = append(without, n)
		default:
			open = append(open, n)
		}
	}
	if len(without)+len(open) == 0 {
		return nil
	}
	argv := []string{"dnf", "-q", "-C", "check"}
	check, err := r.Ask(ctx, host.Command{Argv: argv, Limit: rpm.CheckLimit})
	switch {
	case err != nil:
		return rpm.Explain(err)
	case !check.OK() && strings.TrimSpace(string(check.Stdout)) != "":
		return nil // something needs what is missing
	case !check.OK():
		return &host.CommandError{Argv: argv, Result: check}
	}
	if len(open) > 0 {
		return fmt.Errorf("an earlier transaction was interrupted on this host. What follows was to come with it and is not installed, though everything else is as it should be, so it may have been removed on purpose since:\n    %s\nDecide for each package: add it to \"install\" to have it, or to \"allow_removal\" to do without it",
			strings.Join(open, "\n    "))
	}
	res.missing = slices.DeleteFunc(res.missing, func(n string) bool { return slices.Contains(without, n) })
	res.note = slices.DeleteFunc(res.note, func(p noted) bool {
		return slices.Contains(without, p.Name) || slices.Contains(without, p.Name+"."+p.Arch)
	})
	return nil
}

// healing is the part of a plan that an interrupted transaction makes.
func (r *resolution) healing() module.Plan {
	if !r.interrupted() {
		return nil
	}
	var p module.Plan
	if n := len(r.missing); n > 0 {
		what := count(n, "package")
		if n <= 8 {
			what += " (" + strings.Join(r.missing, ", ") + ")"
		}
		p = append(p, module.Change{Argument: "missing", From: what + " that an interrupted transaction was to bring", To: "installed",
			Diff: "  " + strings.Join(r.missing, "\n  ") + "\n"})
	}
	if n := len(r.duplicates); n > 0 {
		p = append(p, module.Change{Argument: "duplicates", From: count(n, "package") + " in two versions", To: "one version each (an earlier transaction was interrupted)"})
	}
	return append(p, module.Change{Argument: "transaction", From: "interrupted", To: "completed, after the rpm database's indexes were built anew"})
}

// prepare brings the host so far that the transaction it returns can run: it is
// resolved and tested, and the rpm database is sound.
func (d *distroSync) prepare(ctx context.Context, h host.Host) (*resolution, error) {
	res, err := d.resolve(ctx, h)
	switch {
	case errors.Is(err, errDNFBroken) && res.note != nil:
		// A new rpm that is in place already could only read the old database.
		if err := d.sound(ctx, h, true); err != nil {
			return nil, err
		}
		res, err = d.byRPM(ctx, h, "dnf cannot run on the host")
	case err == nil && !res.converged():
		err = d.sound(ctx, h, res.interrupted())
	}
	if err != nil || res.nothing() {
		return res, err
	}
	err = d.rehearse(ctx, h, res)
	if !errors.Is(err, errTestRefused) || res.note == nil {
		return res, err
	}
	// What is noted was tested as a whole once, before anything was changed.
	if res, err = d.byRPM(ctx, h, err.Error()); err != nil || res.nothing() {
		return res, err
	}
	return res, d.rehearse(ctx, h, res)
}

// byRPM completes the noted transaction with rpm, on a sound database, and
// resolves again.
func (d *distroSync) byRPM(ctx context.Context, h host.Host, why string) (*resolution, error) {
	if err := d.recover(ctx, h, why); err != nil {
		return nil, err
	}
	// A new rpm that is in place since can only read the old database.
	if err := d.sound(ctx, h, false); err != nil {
		return nil, err
	}
	return d.resolve(ctx, h)
}

// sound makes the rpm database fit for a transaction: writable for the host's
// rpm, and after an interrupted transaction with indexes that have what it lists.
// A format is changed only if it must be, since the old rpm cannot read the new.
func (d *distroSync) sound(ctx context.Context, h host.Host, interrupted bool) error {
	db := &rpmDB{keepCopy: true, convert: true, rebuild: interrupted, timeout: d.timeout, progress: d.progress}
	if !interrupted {
		have, want, err := db.look(ctx, h)
		if err != nil || have == want {
			return err
		}
	}
	return db.Apply(ctx, h, nil)
}

// conclude removes the note of a transaction that was proven complete, unless
// the transaction has done so itself. after says what to add to an error.
func (d *distroSync) conclude(ctx context.Context, h host.Host, pkgs []rpm.Package, after string) error {
	n, err := d.readNote(ctx, h)
	if err != nil || n == nil {
		return err
	}
	replaced, err := obsoleted(ctx, h)
	if err != nil {
		return err
	}
	missing := slices.DeleteFunc(n.missing(pkgs, replaced), func(n string) bool {
		return matchAny(d.allowRemoval, n) && !slices.Contains(d.install, n)
	})
	if len(missing) > 0 {
		return fmt.Errorf("the transaction did not bring %s that it was to install (%s). Run ferry again, which heals it%s", count(len(missing), "package"), strings.Join(missing[:min(8, len(missing))], ", "), after)
	}
	argv := []string{"rm", "-f", d.notePath()}
	res, err := h.Exec(ctx, host.Command{Argv: argv, Repeatable: true}) // twice is once
	_, err = host.Must(argv, res, err)
	return err
}
