package packages

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"

	"github.com/ferry-ops/ferry/modules/internal/rpm"
)

// RPMDB converts and checks the rpm database.
func RPMDB() module.Info {
	return module.Info{
		Name:    "rpm_db",
		Summary: "Brings the rpm database to a format, without ever losing it.",
		Doc: `After a distro-sync the new rpm finds the database in the old one's format, often
one it can read and not write. This module converts it:

1. it counts the packages the database lists,
2. copies the whole database directory beside it (" .ferry-SECONDS" is added to its name),
3. rebuilds it in the format, as a detached job,
4. counts again: a rebuild that ends without an error and with fewer packages is
   a failure, and the copy is put back.

A program that was killed while it had a Berkeley database open leaves shared memory
(__db.* files) that keeps everybody out, or lets everybody wait for ever for a lock
that it held. That is repaired first: when no package manager is at work, the files are
removed and queries that hang are ended; the database itself is not touched.

Without "backend" the format that the host's rpm wants to write is taken.
The copy is kept; "keep_copy = false" removes it once the conversion is proven.`,
		Example: `task "rpm_db" "converted" {
  backend = "sqlite"
}
`,
		Effects: module.ChangesFacts,
		New:     func() module.Step { return &rpmDB{timeout: 30 * time.Minute, keepCopy: true, convert: true} },
	}
}

type rpmDB struct {
	backend  string
	keepCopy bool
	convert  bool
	rebuild  bool // also if the format is the wanted one: its indexes may be torn
	timeout  time.Duration

	packages int
	copy     string
	progress func(string)
}

var (
	_ module.Step     = (*rpmDB)(nil)
	_ module.Reporter = (*rpmDB)(nil)
	_ module.Progress = (*rpmDB)(nil)
)

func (d *rpmDB) Schema(b *schema.Block) {
	b.String(&d.backend, "backend", "Format to have.", schema.OneOf("sqlite", "ndb", "bdb"))
	b.Bool(&d.convert, "convert", "Bring the database to the format. With false, only one that cannot be opened is repaired.")
	b.Bool(&d.keepCopy, "keep_copy", "Keep the copy made before the conversion.")
	b.Duration(&d.timeout, "job_timeout", "How long the rebuild may take on the host.")
}

func (d *rpmDB) Results(r *schema.Results) {
	r.Int(&d.packages, "packages", "Number of packages the database lists.")
	r.String(&d.copy, "copy", "Directory of the copy, empty if none was made.")
}

func (d *rpmDB) SetProgress(f func(string)) { d.progress = f }

func (d *rpmDB) jobKey() string { return strings.TrimSuffix("rpm-db-"+d.backend, "-") }

// look learns the present and the wanted format and counts packages.
func (d *rpmDB) look(ctx context.Context, r host.Reader) (have, want string, err error) {
	f, err := r.Facts(ctx, "rpm_db")
	if err != nil {
		return "", "", err
	}
	have, want = f.String("rpm_db"), d.backend
	if want == "" {
		argv := []string{"rpm", "-E", "%{?_db_backend}"}
		res, err := r.Query(ctx, argv...)
		if res, err = host.Must(argv, res, err); err != nil {
			return "", "", err
		}
		if want = strings.TrimSpace(string(res.Stdout)); want == "" {
			want = have // an rpm that knows one format only
		}
	}
	pkgs, err := rpm.List(ctx, r)
	d.packages = len(pkgs)
	return have, want, err
}

func (d *rpmDB) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	if pending, err := r.JobPending(ctx, d.jobKey()); err != nil {
		return nil, err
	} else if pending {
		return module.Plan{{Argument: "backend", To: "a conversion that was started is to be concluded"}}, nil
	}
	if shut, err := shutOut(ctx, r); err != nil {
		return nil, err
	} else if shut {
		return module.Plan{{Argument: "database", From: "shut by the shared memory of a program that was killed", To: "open"}}, nil
	}
	have, want, err := d.look(ctx, r)
	if err != nil || have == want || !d.convert {
		return nil, err
	}
	return module.Plan{{Argument: "backend", From: have, To: fmt.Sprintf("%s (%d packages, with a copy first)", want, d.packages)}}, nil
}

// convertScript is the job. Every way out leaves a database with all packages
// at its place; the copy is made under another name first and renamed, so that
// a copy that exists is complete.
const convertScript = `set -eu
export LC_ALL=C
want=%s keep=%s
db=$(rpm -E %%_dbpath)
count() { timeout -k 5 600 rpm --dbpath "$1" -qa 2>/dev/null | wc -l; }
names() { timeout -k 5 600 rpm --dbpath "$1" -qa --qf '%%{NAME}\n' 2>/dev/null | sort -u | wc -l; }
before=$(count "$db")
# A copy that lists more was made by a conversion that was cut off: what is here
# is the torso. Names are counted, since a copy of a host on which a transaction
# was interrupted has many packages twice.
for old in $(ls -dt "$(readlink -f "$db")".ferry-[0-9]* 2>/dev/null | head -n 1); do
  case $old in *.part) continue;; esac
  had=$(names "$old") has=$(names "$db")
  if [ "$has" -lt $((had * 9 / 10)) ]; then
    echo "ferry: the database lists $has names of packages, and its copy $old lists $had: an earlier conversion was cut off. Nothing was changed; put the copy back: rm -rf $db && cp -a $old $db" >&2
    exit 7
  fi
done
[ "$before" -gt 0 ] || { echo "ferry: rpm lists no package before the conversion; nothing was changed" >&2; exit 3; }
need=$(du -sk "$db/." | cut -f1); free=$(df -Pk "$db/.." | awk 'NR==2{print $4}')
[ "$free" -gt $((need * 3)) ] || { echo "ferry: $free KiB are free beside $db, and copy and conversion need $((need * 3)); nothing was changed" >&2; exit 4; }
copy=$(readlink -f "$db").ferry-$(date +%%s)
cp -a "$db/." "$copy.part" && sync && mv "$copy.part" "$copy"
[ "$(count "$copy")" = "$before" ] || { echo "ferry: the copy $copy lists another number of packages; nothing was changed" >&2; exit 5; }
echo "ferry: $before packages, copy in $copy"
back() {
  echo "ferry: $1; putting the copy back" >&2
  find "$db/." -mindepth 1 -delete; cp -a "$copy/." "$db/"; sync
  echo "ferry: $(count "$db") packages after putting it back" >&2
  exit 6
}
rpm ${want:+--define "_db_backend $want"} --rebuilddb || back "the rebuild failed"
after=$(count "$db")
[ "$after" = "$before" ] || back "the rebuilt database lists $after packages instead of $before"
echo "ferry: $after packages after the conversion"
[ "$keep" = true ] || rm -rf "$copy"
echo "copy=$copy"
`

func (d *rpmDB) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	shut, err := shutOut(ctx, h)
	if err != nil {
		return err
	}
	if shut {
		argv := []string{"/bin/sh", "-c", openScript}
		res, err := h.Exec(ctx, host.Command{Argv: argv, Repeatable: true}) // twice is once
		if _, err = host.Must(argv, res, err); err != nil {
			return err
		}
	}
	pending, err := h.JobPending(ctx, d.jobKey())
	if err != nil {
		return err
	}
	if !pending { // a conversion that was started is concluded in any case
		if have, want, err := d.look(ctx, h); err != nil || (have == want && !d.rebuild) || !d.convert {
			return err
		}
	}
	res, err := runJob(ctx, h, "the conversion of the rpm database", host.Job{
		Key: d.jobKey(), Timeout: d.timeout, Output: d.progress,
		Script: fmt.Sprintf(convertScript, host.Quote(d.backend), host.Quote(fmt.Sprint(d.keepCopy))),
	})
	h.Forget()
	for line := range strings.Lines(string(res.Log)) {
		if dir, ok := strings.CutPrefix(strings.TrimSpace(line), "copy="); ok && d.keepCopy {
			d.copy = dir
		}
	}
	return err
}

// openScript removes the shared memory of a Berkeley database. It waits for no
// one: where a package manager runs, the memory is in use. A query of rpm's that is
// under way hangs, since nobody gets in, and is deaf to TERM. What changes packages
// holds another lock, which is looked for last. Programs in containers have databases
// of their own. The memory is removed twice: what was let in by the first time and
// ended then may have begun to make it anew.
const openScript = `db=$(rpm -E %_dbpath) me=$(readlink /proc/self/ns/mnt)
here() { for p in $(pgrep -x "$1"); do [ "$(readlink "/proc/$p/ns/mnt")" != "$me" ] || echo "$p"; done; }
at_work() { echo "a package manager is at work ($1); the database is left as it is. Run again when it has ended. Should it have stood still since the kill (no CPU time in ps, nothing new in /var/log/dnf.rpm.log), it waits for the database too; then end it with kill -9" >&2; exit 1; }
for n in dnf dnf-3 dnf-automatic microdnf yum yum-cron packagekitd; do set -- $(here $n); [ $# = 0 ] || at_work "$n, process $1"; done
hang=$(here rpm)
for fd in $(find /proc/[0-9]*/fd -lname '*/.rpm.lock' 2>/dev/null); do
  p=${fd#/proc/}; p=${p%%/*}; [ "$(readlink "/proc/$p/ns/mnt")" != "$me" ] || at_work "process $p"
done
rm -f "$db"/__db.*
[ -z "$hang" ] || { kill -9 $hang 2>/dev/null; sleep 1; rm -f "$db"/__db.*; }
:`

// openLimit is how long rpm may take to open its database and look up one name, which
// takes a small part of a second. The memory of a database that nobody changes may be
// removed at any time: on a host that is only slow nothing is lost.
const openLimit = 20 * time.Second

// shutOut reports whether rpm cannot open its database because a program that
// had it open was killed.
func shutOut(ctx context.Context, r host.Reader) (bool, error) {
	argv := []string{"rpm", "-q", "rpm"}
	res, err := r.Ask(ctx, host.Command{Argv: argv, Limit: openLimit})
	var late *host.LimitError
	if errors.As(err, &late) {
		f, err := r.Facts(ctx, "rpm_db")
		if err != nil {
			return false, errors.Join(late, err)
		}
		if have := f.String("rpm_db"); have != "bdb" {
			err = fmt.Errorf("rpm does not answer: %w. Its database (%s) is not Berkeley's, which a killed program can shut, so see what it waits for on the host: the disk, or a program that has the database open (fuser -v /var/lib/rpm/*)", late, cmp.Or(have, "of no known format"))
		}
		return err == nil, err
	}
	if err != nil || res.OK() {
		return false, err
	}
	for _, sign := range []string{"DB_RUNRECOVERY", "Thread died in Berkeley DB library"} {
		if strings.Contains(string(res.Stderr), sign) {
			return true, nil
		}
	}
	failed := &host.CommandError{Argv: argv, Result: res}
	if strings.Contains(string(res.Stderr), "error while loading shared libraries") {
		return false, fmt.Errorf("rpm itself does not run, because a library is missing: a transaction was killed in the moment it was replaced. The new package that has the library is in /var/cache/dnf/*/packages on the host. Copy it to a machine with rpm, take the library out of it there (rpm2cpio FILE | cpio -idm), copy that to its place on the host, and run again: %w", failed)
	}
	return false, failed
}
