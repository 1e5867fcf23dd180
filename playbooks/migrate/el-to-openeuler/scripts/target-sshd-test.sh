#!/bin/sh
# Asks the sshd of the target distribution, before anything is replaced, whether
# it accepts this host's configuration. It is installed with what it needs into
# a directory of its own, which is removed again, and run there with a copy of
# /etc/ssh.
#
# usage: target-sshd-test.sh REPOSITORY...
set -u
LC_ALL=C; export LC_ALL
mkdir -p /var/lib/ferry
root=$(mktemp -d /var/lib/ferry/target.XXXXXX) || exit 1
trap 'rm -rf "$root"' EXIT

enable=
for r in "$@"; do enable="$enable --enablerepo=$r"; done
# Scripts of packages are not run: only the files are wanted.
if ! dnf -y -q --installroot="$root" --releasever=/ --disablerepo='*' $enable --disableexcludes=all \
    --setopt=install_weak_deps=False --setopt=tsflags=noscripts --setopt=cachedir=/var/cache/dnf \
    install openssh-server >"$root/dnf.log" 2>&1; then
  echo "the target's openssh-server cannot be unpacked for the test:" >&2
  tail -n 5 "$root/dnf.log" >&2
  exit 1
fi
for d in bin sbin lib lib64; do
  if [ ! -e "$root/$d" ] && [ -d "$root/usr/$d" ]; then ln -s "usr/$d" "$root/$d"; fi
done
mkdir -p "$root/etc/ssh" "$root/dev" "$root/run/sshd" "$root/var/empty/sshd"
: >"$root/dev/null"
cp -a /etc/ssh/. "$root/etc/ssh/" && cp -a /etc/passwd /etc/group "$root/etc/" || exit 1
chmod go-rwx "$root"/etc/ssh/ssh_host_*_key 2>/dev/null

if ! chroot "$root" /usr/sbin/sshd -t; then
  echo "The lines above would keep the new sshd from starting. Correct them, or add a pattern to the variable sshd_remove." >&2
  exit 1
fi
