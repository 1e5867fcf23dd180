package packages

import (
	"context"
	"fmt"
	"strings"

	"github.com/ferry-ops/ferry/engine/host"
)

// recoverScript completes the package set with rpm alone. Dependencies are not
// asked again: dnf resolved this very set, and in between nothing is complete.
const recoverScript = `export LC_ALL=C
note=%s
[ -s "$note" ] || { echo "ferry: no transaction was noted on this host" >&2; exit 3; }
set -- # one transaction, however many
while read -r p; do
  f=; base=${p%%-*:*}-${p#*:}
  for d in%s; do [ -f "$d/$base.rpm" ] && f=$d/$base.rpm; done
  if [ -n "$f" ]; then set -- "$@" "$f"
  elif ! rpm -q "$base" >/dev/null 2>&1; then
    echo "ferry: $base is neither installed nor in dnf's cache any more" >&2; lost=1
  fi
done <"$note"
[ -z "$lost" ] || { echo "ferry: copy these packages from the repositories into$(echo %[2]s), and run ferry again" >&2; exit 5; }
[ $# -gt 0 ] || { echo "ferry: every package of the transaction is installed, so rpm has nothing to complete" >&2; exit 6; }
# An exit code of 0 is no proof: a package without a signature has good digests.
# What rpm says of its database on standard error is not about a package.
rpm -K "$@" >"$note.checked"
if [ $? -ne 0 ] || grep -qviE '(signatures|pgp|gpg).* OK$' "$note.checked"; then
  echo "ferry: the signatures of the downloaded packages cannot be proven:" >&2
  grep -viE '(signatures|pgp|gpg).* OK$' "$note.checked" | head -n 5 >&2
  exit 4
fi
rm -f "$note.checked"
rpm -Uvh --replacepkgs --replacefiles --oldpackage --nodeps "$@"
`

// recover brings a host on which dnf cannot run, or refuses to complete the
// transaction, so far that it can. why is said before what went wrong.
func (d *distroSync) recover(ctx context.Context, h host.Host, why string) error {
	var dirs strings.Builder
	for _, r := range d.repos {
		dirs.WriteString(" /var/cache/dnf/" + host.Quote(r) + "-*/packages")
	}
	_, err := runJob(ctx, h, "the completion with rpm", host.Job{Key: d.jobKey() + "-recover", Script: fmt.Sprintf(recoverScript, host.Quote(d.notePath()), dirs.String()), Timeout: d.timeout, Output: d.progress})
	if err != nil {
		return fmt.Errorf("%s, and completing the interrupted transaction with rpm failed: %w", why, err)
	}
	h.Forget()
	return nil
}
