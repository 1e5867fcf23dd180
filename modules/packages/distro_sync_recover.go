package packages

import (
	"context"
	"fmt"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
)

// packageList is where a transaction notes the files it was downloaded as.
const packageList = `"${FERRY_STATE:-/var/lib/ferry}/distro-sync.packages"`

// rememberPackages is the part of the transaction's script that notes the
// downloaded packages, for the case that dnf cannot run after it.
func (d *distroSync) rememberPackages() string {
	var b strings.Builder
	b.WriteString("for d in")
	for _, r := range d.repos {
		b.WriteString(" /var/cache/dnf/" + host.Quote(r) + "-*/packages")
	}
	b.WriteString(`; do [ -d "$d" ] && find "$d" -name '*.rpm'; done >` + packageList + "\n")
	return b.String()
}

// recoverable reports whether the host has the packages of a transaction that
// was started.
func (d *distroSync) recoverable(ctx context.Context, r host.Reader) (bool, error) {
	argv := []string{"/bin/sh", "-c", "[ -s " + packageList + " ]"}
	res, err := r.Query(ctx, argv...)
	return res.OK(), err
}

// recoverScript completes the package set with rpm alone. Dependencies are not
// asked again: dnf resolved this very set, and in between nothing is complete.
const recoverScript = `export LC_ALL=C
list=%s
[ -s "$list" ] || { echo "ferry: no transaction was noted on this host" >&2; exit 3; }
set --; while read -r f; do [ -f "$f" ] && set -- "$@" "$f"; done <"$list" # one transaction, however many
# An exit code of 0 is no proof: a package without a signature has good digests.
# What rpm says of its database on standard error is not about a package.
rpm -K "$@" >"$list.checked"
if [ $? -ne 0 ] || grep -qviE '(signatures|pgp|gpg).* OK$' "$list.checked"; then
  echo "ferry: the signatures of the downloaded packages cannot be proven:" >&2
  grep -viE '(signatures|pgp|gpg).* OK$' "$list.checked" | head -n 5 >&2
  exit 4
fi
rpm -Uvh --replacepkgs --replacefiles --oldpackage --nodeps "$@"
`

// recover brings a host on which dnf cannot run so far that it can.
func (d *distroSync) recover(ctx context.Context, h host.Host) error {
	_, err := runJob(ctx, h, "the completion with rpm", host.Job{Key: d.jobKey() + "-recover", Script: fmt.Sprintf(recoverScript, packageList), Timeout: d.timeout, Output: d.progress})
	if err != nil {
		return fmt.Errorf("dnf cannot run on the host, and completing the interrupted transaction with rpm failed: %w", err)
	}
	h.Forget()
	return nil
}
