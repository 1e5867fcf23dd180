package files

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ferry-ops/ferry/engine/host"
)

// stageScript makes the directory $1, with $2 owner, $3 group and $4 mode if it
// is new, and one in it for what is sent.
const stageScript = `umask 022
command -v tar >/dev/null || { echo 'tar is not installed on the host; install it with a task "package" first' >&2; exit 1; }
if [ ! -d "$1" ]; then
  mkdir -p -- "$1" || exit 1
  if [ -n "$2$3" ]; then chown -- "$2${3:+:$3}" "$1" || exit 1; fi
  if [ -n "$4" ]; then chmod -- "$4" "$1" || exit 1; fi
fi
mktemp -d -- "$1/.ferry.XXXXXXXX"`

// installScript unpacks the archive in the staging directory $2 and renames
// everything into the directory $1, file by file. $3 owner, $4 group.
const installScript = `set -e
` + host.FlushFunction + `
d=$1 s=$2
trap 'rm -rf -- "$s"' EXIT
mkdir -- "$s/t"
tar -xpf "$s/tar" -C "$s/t" --no-same-owner
if [ -n "$3$4" ]; then chown -hR -- "$3${4:+:$4}" "$s/t"; fi
flush -f "$s/t"
cd -- "$s/t"
find . -mindepth 1 -type d | LC_ALL=C sort | while IFS= read -r x; do
  [ -d "$d/$x" ] || { mkdir -- "$d/$x"; chmod --reference="$x" -- "$d/$x"; chown --reference="$x" -- "$d/$x" 2>/dev/null || :; }
done
find . -type d | while IFS= read -r x; do
  find "$x" -mindepth 1 -maxdepth 1 ! -type d -print0 | xargs -0 -r mv -f -t "$d/$x" --
done
flush -f "$d"
for r in /usr/sbin/restorecon /sbin/restorecon; do
  if [ -x $r ]; then $r -R -- "$d" 2>/dev/null || :; break; fi
done`

// send puts the entries that differ in place. What an interrupted one left in
// its staging directory is removed by the next.
func (t *tree) send(ctx context.Context, h host.Host, d *treeDiff) error {
	if len(d.send) == 0 && !d.absent {
		return nil
	}
	mode := ""
	if t.dir != 0 {
		mode = fmt.Sprintf("%04o", t.dir)
	}
	argv := []string{"/bin/sh", "-c", "rm -rf -- \"$1\"/.ferry.????????\n" + stageScript, "sh", t.path, t.owner, t.group, mode}
	res, err := h.Exec(ctx, host.Command{Argv: argv})
	if res, err = host.Must([]string{"mkdir", "-p", t.path}, res, err); err != nil {
		return err
	}
	stage := strings.TrimSuffix(string(res.Stdout), "\n")
	if err := h.Upload(ctx, stage+"/tar", t.src.Pack(d.send), host.Attr{Mode: 0o600}); err != nil {
		return err
	}
	argv = []string{"/bin/sh", "-c", installScript, "sh", t.path, stage, t.owner, t.group}
	res, err = h.Exec(ctx, host.Command{Argv: argv})
	_, err = host.Must([]string{"tar", "-x", "-C", t.path}, res, err)
	return err
}

// attributes sets what is not as it must be, each command over all paths that
// need it.
func (t *tree) attributes(ctx context.Context, h host.Host, d *treeDiff) error {
	groups := map[string][]string{}
	for _, a := range d.attrs {
		groups[a.arg+" "+a.to] = append(groups[a.arg+" "+a.to], a.path)
	}
	g, gctx := errgroup.WithContext(ctx)
	for key, paths := range groups {
		arg, to, _ := strings.Cut(key, " ")
		argv := map[string][]string{"owner": {"chown", "-h", "--", to}, "group": {"chgrp", "-h", "--", to}, "mode": {"chmod", "--", to}}[arg]
		g.Go(func() error { return t.each(gctx, h, paths, argv...) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("the files are there, but not all their attributes: %w", err)
	}
	return nil
}
