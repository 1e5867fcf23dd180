package packages

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// DistroSync replaces the host's distribution by that of some repositories.
func DistroSync() module.Info {
	return module.Info{
		Name:    "distro_sync",
		Summary: "Replaces every package of the host by its counterpart in the target's repositories.",
		Doc: `One dnf transaction does all of it: distro-sync, the packages swapped, the ones
without a counterpart removed. So one resolution says what would happen, one
gate decides, and one transaction test covers it.

Before anything changes
- the transaction is resolved. Every package that would be removed must match
  "allow_removal"; otherwise the task names each one and who needs it, and stops;
- installed packages of the old distribution ("old_dist") that have no counterpart
  must match "allow_removal" (they are removed) or "keep" (they stay); kernels stay;
- an "exclude=" or a versionlock that would hold packages back is an error, unless
  "ignore_excludes" is set;
- everything is downloaded, signatures are checked, and rpm's transaction test
  runs, which finds file conflicts.

Then the transaction runs as a detached job: it goes on when the connection is
lost or ferry dies, and running ferry again follows it or collects its result. At
its end, still in the job, sshd is restarted if the new "sshd -t" accepts its
configuration, because until then new logins can fail.

An exit code proves nothing here: afterwards the module looks again, for packages
not synchronised, duplicates, leftovers of the old distribution and broken
dependencies.

A transaction that was killed in the middle is a difference like any other, and
running the task again heals it. Before it begins, a transaction notes on the host
what it brings (/var/lib/ferry/distro-sync-*.transaction); when it has ended, the
note is removed. So packages are found that a kill made the rpm database lose, the old version and
the new: they are installed in the same transaction that removes duplicates. The
database's indexes are built anew before it, with a copy first. If dnf cannot even
start, or rpm's test refuses the transaction all the same, rpm completes it from the packages that
were downloaded, after checking their signatures once more. Where everything
else is in place, a package that was noted and is not installed may have been removed on purpose
since: the task then asks for a word in "install" or "allow_removal".

Mark the task as the point of no return.`,
		Example: `task "distro_sync" "openeuler" {
  release            = "22.03-LTS-SP4"
  repos              = ["openeuler", "openeuler-update"]
  swap               = { "centos-release" = "openEuler-release" }
  allow_removal      = ["centos-*", "sysvinit-tools"]
  point_of_no_return = true
}
`,
		Effects: module.ReplacesPackages | module.RestartsServices | module.MayLoseConnection | module.ChangesFacts,
		New: func() module.Step {
			return &distroSync{oldDist: []string{".el6", ".el7", ".el8", ".el9"}, restartSSHD: true, timeout: 2 * time.Hour}
		},
	}
}

type distroSync struct {
	release, dist  string
	repos, oldDist []string
	sources, swap  map[string]string
	install        []string
	allowRemoval   []string
	keep           []string
	ignoreExcludes bool
	restartSSHD    bool
	timeout        time.Duration
	before         int
	leftovers      []string
	progress       func(string)
}

var (
	_ module.Step      = (*distroSync)(nil)
	_ module.Validator = (*distroSync)(nil)
	_ module.Reporter  = (*distroSync)(nil)
	_ module.Progress  = (*distroSync)(nil)
)

var releaseForm = regexp.MustCompile(`^[0-9]{2}\.[0-9]{2}(-LTS(-SP[0-9]+)?)?$`)

func (d *distroSync) Schema(b *schema.Block) {
	b.String(&d.release, "release", "Release of openEuler to move to; it says what dist tag to expect.", schema.Match(releaseForm, "a release as openEuler writes it, for example 22.03-LTS-SP4"))
	b.String(&d.dist, "dist", "Dist tag of the target's packages, where it does not follow from the release: \".oe2203sp4\".")
	b.Strings(&d.repos, "repos", "Repositories to synchronise with; all others are left out.", schema.Required, schema.NonEmpty)
	b.StringMap(&d.sources, "sources", "Addresses of the repositories by id. They let a plan look into repositories that the tasks before this one would declare.")
	b.StringMap(&d.swap, "swap", "Packages to remove, each with the one to install in its place.")
	b.Strings(&d.install, "install", "Packages to install in the same transaction.")
	b.Strings(&d.allowRemoval, "allow_removal", "Patterns of packages that may be removed.")
	b.Strings(&d.keep, "keep", "Patterns of packages without a counterpart in the target that stay as they are.")
	b.Strings(&d.oldDist, "old_dist", "Dist tags of the distribution to be replaced.")
	b.Bool(&d.ignoreExcludes, "ignore_excludes", "Let the transaction disregard exclude= lines of dnf's configuration.")
	b.Bool(&d.restartSSHD, "restart_sshd", "Restart sshd at the end of the transaction, if it accepts its configuration.")
	b.Duration(&d.timeout, "job_timeout", "How long downloading and testing may take on the host. The transaction itself is never ended.")
}

func (d *distroSync) Validate() error {
	for name, globs := range map[string][]string{"allow_removal": d.allowRemoval, "keep": d.keep} {
		if g := badGlob(globs); g != "" {
			return fmt.Errorf("The argument %q holds %q, which is not a pattern; * and ? and [a-z] can be used.", name, g)
		}
		if matchAny(globs, "dnf") || matchAny(globs, "rpm") || matchAny(globs, "systemd") || matchAny(globs, "openssh-server") {
			if name == "allow_removal" {
				return fmt.Errorf("The argument \"allow_removal\" would let dnf, rpm, systemd or openssh-server be removed, and with them the way back. Write narrower patterns.")
			}
		}
	}
	if d.dist == "" && d.release == "" {
		return fmt.Errorf("One of the arguments \"release\" and \"dist\" is needed, to tell the target's packages from the old ones.")
	}
	return nil
}

func (d *distroSync) Results(r *schema.Results) {
	r.Int(&d.before, "packages", "Number of packages installed.")
	r.Strings(&d.leftovers, "leftovers", "Packages of the old distribution that were kept.")
}

func (d *distroSync) SetProgress(f func(string)) { d.progress = f }

// Solitary implements module.Solitary: resolving takes dnf's lock.
func (d *distroSync) Solitary() bool { return true }

// distTag is the dist tag of the target: 22.03-LTS-SP4 gives .oe2203sp4.
func (d *distroSync) distTag() string {
	if d.dist != "" {
		return d.dist
	}
	if strings.HasPrefix(d.release, "20.03") {
		return ".oe1"
	}
	s := strings.ToLower(d.release)
	for _, cut := range []string{".", "-lts", "-"} {
		s = strings.ReplaceAll(s, cut, "")
	}
	return ".oe" + s
}

// jobKey is the same for every run with these arguments, so that a run finds
// what an earlier one started.
func (d *distroSync) jobKey() string { return "distro-sync-" + strings.TrimPrefix(d.distTag(), ".") }

func (d *distroSync) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	if _, err := manager(ctx, r, "distro_sync needs dnf: yum cannot remove what stands in the way"); err != nil {
		return nil, err
	}
	// A transaction under way holds dnf's lock, and what the host shows is not
	// its end state: do not look, conclude it.
	if pending, err := r.JobPending(ctx, d.jobKey()); err != nil {
		return nil, err
	} else if pending {
		return module.Plan{{Argument: "transaction", To: "one that was started earlier is to be concluded"}}, nil
	}
	res, err := d.resolve(ctx, r)
	if errors.Is(err, errDNFBroken) && res.note != nil {
		return module.Plan{{Argument: "transaction", From: "ended so early that dnf cannot run", To: "completed by rpm from the packages that were downloaded and checked, then by dnf"}}, nil
	}
	if err != nil {
		return nil, err
	}
	return res.plan(), nil
}

func (d *distroSync) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	pending, err := h.JobPending(ctx, d.jobKey())
	if err != nil {
		return err
	}
	script := ":" // a job that is pending keeps its own script
	if !pending {
		res, err := d.prepare(ctx, h)
		if err != nil || res.converged() {
			return err
		}
		script = d.script(res)
	}
	job, err := h.Job(ctx, host.Job{Key: d.jobKey(), Script: script, Output: d.progress})
	if err != nil {
		return err
	}
	h.Forget()
	if pending && !job.Adopted {
		// What was pending had been killed with no result, so nothing was concluded:
		// the host is looked at like after any killed transaction.
		return d.Apply(ctx, h, nil)
	}
	return d.verify(ctx, h, job)
}
