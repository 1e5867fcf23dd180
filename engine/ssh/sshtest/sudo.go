package sshtest

import (
	"strings"
)

// sudoScript is a sudo that behaves as so. It asks on the terminal if it has
// one and -S was not given, says what sudo says, and runs the command with the
// rights it has.
func sudoScript(so Sudo) string {
	quoted := "'" + strings.ReplaceAll(so.Password, "'", `'\''`) + "'"
	flag := func(on bool) string {
		if on {
			return "1"
		}
		return ""
	}
	return `#!/bin/sh
password=` + quoted + `; cached=` + flag(so.Cached) + `; tty=` + flag(so.RequireTTY) + `; denied=` + flag(so.Denied) + `
n= S= p='[sudo] password: ' u=root
while [ $# -gt 0 ]; do
  case $1 in
  -n) n=1;; -S) S=1;; -H|-k) ;; -p) p=$2; shift;; -u) u=$2; shift;; --) shift; break;; -*) echo "sudo: bad option $1" >&2; exit 1;; *) break;;
  esac
  shift
done
if [ -n "$tty" ] && ! [ -t 0 ]; then echo "sudo: sorry, you must have a tty to run sudo" >&2; exit 1; fi
if [ -n "$password" ] && [ -z "$cached" ]; then
  if [ -n "$n" ]; then echo "sudo: a password is required" >&2; exit 1; fi
  if [ -z "$S" ] && ! [ -t 0 ]; then echo "sudo: a terminal is required to read the password" >&2; exit 1; fi
  i=0
  while :; do
    printf %s "$p" >&2
    IFS= read -r got || { echo "sudo: no password was provided" >&2; exit 1; }
    [ "$got" = "$password" ] && break
    i=$((i+1)); [ $i -ge 3 ] && { echo "sudo: 3 incorrect password attempts" >&2; exit 1; }
    echo "Sorry, try again." >&2
  done
fi
if [ -n "$denied" ]; then echo "$USER is not in the sudoers file." >&2; exit 1; fi
USER=$u LOGNAME=$u exec "$@"
`
}
