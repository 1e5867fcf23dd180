package packages

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"

	"github.com/ferry-ops/ferry/modules/internal/rpm"
)

// errTestRefused is a transaction dnf found consistent and rpm did not.
var errTestRefused = errors.New("rpm's test refuses the transaction, since installed packages would lack what they need")

// rehearse downloads everything, checks signatures and lets rpm test the whole
// transaction. Nothing is installed. It is a job as well, since a download can
// take long and must not be lost with the connection.
func (d *distroSync) rehearse(ctx context.Context, h host.Host, res *resolution) error {
	argv := d.shell(res, "--setopt=tsflags=test")
	// The key names this very transaction: the result of another's rehearsal
	// would prove nothing.
	sum := sha256.Sum256([]byte(strings.Join(argv, "\x00")))
	key := fmt.Sprintf("%s-test-%x", d.jobKey(), sum[:4])
	job, err := h.Job(ctx, host.Job{Key: key, Script: shellLine(argv...), Timeout: d.timeout, Output: d.progress})
	if err != nil {
		return err
	}
	out := string(job.Log)
	if strings.Contains(out, "Transaction test succeeded") {
		return nil
	}
	if conflicts := fileConflicts(out); len(conflicts) > 0 {
		return fmt.Errorf("files of packages to be installed are in the way of these installed ones, which have no counterpart in the target:\n    %s\nNothing was changed. Add them to \"allow_removal\" if they may go. rpm says:\n    %s",
			strings.Join(conflicts, "\n    "), indent(host.Shorten(problems(out), 2000)))
	}
	// rpm's test asks what dnf's resolver does not: what installed packages need.
	var needs []string
	for line := range strings.Lines(out) {
		if strings.Contains(line, " is needed by ") && !strings.HasPrefix(line, "Error") {
			needs = append(needs, strings.TrimSpace(line))
		}
	}
	if len(needs) > 0 {
		return fmt.Errorf("%w, and nothing was changed. It says:\n    %s", errTestRefused, firstLines(strings.Join(needs, "\n"), 8))
	}
	for _, sign := range []string{"GPG check FAILED", "is not signed", "Public key", "not installed"} {
		if strings.Contains(out, sign) {
			return fmt.Errorf("the signatures of the target's packages cannot be proven, so nothing was changed. Import the target's key with the module \"repo_key\", or set \"gpgkey\" of the repository. dnf says:\n    %s", indent(lastText(out, 8)))
		}
	}
	return fmt.Errorf("the test of the transaction failed, so nothing was changed. Its log, kept on the host in /var/lib/ferry/jobs, ends with:\n%s", logTail(job.Log, 15))
}

// sshdRefused is the job's exit code for "synchronised, but the new sshd does
// not accept its configuration".
const sshdRefused = 41

// script is the transaction itself. dnf's exit code says nothing about a dnf
// shell, so the module looks at the host afterwards.
func (d *distroSync) script(res *resolution) string {
	var b strings.Builder
	b.WriteString("export LC_ALL=C\n")
	b.WriteString(res.note.with(res.t).script(d.notePath()))
	b.WriteString(shellLine(d.shell(res)...) + "\nended=$?")
	b.WriteString(noteEnd)
	if d.restartSSHD {
		fmt.Fprintf(&b, `
# The running sshd starts the new program for each login, and the two may not
# understand each other: restart it, but only with a configuration it accepts.
systemctl daemon-reload 2>/dev/null
sshd=$(command -v sshd || echo /usr/sbin/sshd)
if [ -x "$sshd" ]; then
  mkdir -p /run/sshd
  if "$sshd" -t; then
    for unit in sshd ssh; do
      if systemctl is-active --quiet $unit; then systemctl restart $unit; break; fi
    done
  else
    echo "ferry: the new sshd refuses /etc/ssh/sshd_config" >&2
    exit %d
  fi
fi
`, sshdRefused)
	}
	return b.String()
}

// verify looks at the host after the transaction. What it finds is an error
// with the end of the transaction's log, which says why.
func (d *distroSync) verify(ctx context.Context, h host.Host, job host.JobResult) error {
	after := ". The end of the transaction's log:\n" + logTail(job.Log, 15)
	if job.Code == noteRefused {
		return fmt.Errorf("the transaction was not begun, because what it brings cannot be noted on the host, where an interrupted one is completed from. Is its /var full or read-only? Nothing was changed%s", after)
	}
	if job.Code == sshdRefused {
		return fmt.Errorf("the packages were replaced, but the new sshd refuses /etc/ssh/sshd_config, so new logins will fail. This connection still works: correct the configuration before the reboot%s", after)
	}
	pkgs, err := rpm.List(ctx, h)
	if err != nil {
		// The command's own words come last: the engine shows them apart.
		return fmt.Errorf("looking at the packages after the transaction failed, as it does when the transaction was killed with the rpm database open. Run ferry again: the module \"rpm_db\" opens the database, and this one completes the transaction: %w", err)
	}
	if dup := rpm.Duplicates(pkgs); len(dup) > 0 {
		return fmt.Errorf("the transaction did not end: %s installed in two versions (%s). Run ferry again, which heals it%s", count(len(dup), "package"), strings.Join(dup[:min(5, len(dup))], ", "), after)
	}
	synced := 0
	for _, p := range pkgs {
		if rpm.HasDist(p.Release, []string{d.distTag()}) {
			synced++
		}
	}
	if synced == 0 {
		return fmt.Errorf("after the transaction no installed package carries the dist tag %s. Either the repositories hold another release than %q, or the transaction did nothing%s", d.distTag(), d.release, after)
	}
	argv := []string{"dnf", "-q", "-C", "check"}
	r, err := h.Ask(ctx, host.Command{Argv: argv, Limit: rpm.CheckLimit})
	if err != nil {
		return rpm.Explain(err)
	}
	switch text := strings.TrimSpace(string(r.Stdout)); {
	case r.Code != 0 && text == "":
		return fmt.Errorf("the packages were replaced, and whether their dependencies are complete cannot be told: %w", &host.CommandError{Argv: argv, Result: r})
	case r.Code != 0:
		return fmt.Errorf("the packages were replaced, but \"dnf check\" finds broken dependencies:\n    %s", indent(host.Shorten(text, 1500)))
	}
	return d.conclude(ctx, h, pkgs, after)
}
