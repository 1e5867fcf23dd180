package host

// What runs on the host for a job. Every text is for a POSIX shell and uses
// only what every host has; flags of systemd-run are those of systemd 219. Where
// the shell can do something itself no process is started for it: on a slow host
// that is most of what a short job costs.
//
// A job's directory appears whole, by rename; where mv does not run, the file
// "timeout" is the last to appear. Whoever finds it without a pid starts it; the
// runner claims it by creating that file, which only one can, so starting twice runs
// once.
//
// FERRY_STATE, FERRY_BOOT_ID and FERRY_SYSTEMD stand in for the real places in
// tests.

// jobCommon defines what the other texts use. Answers are given in variables: a
// command substitution would start a process for each.
//
// The file "pid" holds the runner's pid, when that process began, and the boot;
// "child" the first two of the script's. One that is empty was just created.
const jobCommon = `
jobs=${FERRY_STATE:-/var/lib/ferry}/jobs; dir=$jobs/$1; spare=${FERRY_STATE:-/run}/ferry-job-$1.result
since() { begun=; read -r s 2>/dev/null <"/proc/$1/stat" || return 1; s=${s##*) }; set -- $s; [ "$1" != Z ] || return 1; shift 19; begun=$1; }
lives() { [ -f "$1" ] && read -r p t was <"$1" && [ -n "$p" ] && since "$p" && [ "$begun" = "$t" ]; }
alive() { lives "$1/pid" || lives "$1/child"; }
rebooted() { was=; boot=; read -r p t was 2>/dev/null <"$1/pid"; read -r boot 2>/dev/null <"${FERRY_BOOT_ID:-/proc/sys/kernel/random/boot_id}"; [ -n "$was" ] && [ "$was" != "$boot" ]; }
move() { # a directory of files. In the middle of a transaction mv may not run, since it needs more libraries than others; ln does
  mv -T "$1" "$2" 2>/dev/null && return 0
  [ -d "$1" ] && [ ! -e "$2" ] && mkdir "$2" || return 1
  ln "$1"/* "$2"/ && rm -rf "$1" || { rm -rf "$2"; return 1; }
}
look() {
  if [ ! -d "$1" ]; then now=none
  elif [ -f "$1/result" ] || [ -f "${FERRY_STATE:-/run}/ferry-job-${1##*/}.result" ]; then now=done
  elif alive "$1"; then now=running
  elif [ ! -f "$1/pid" ] && [ ! -f "$1/timeout" ]; then now=none # that file is the last that ln makes
  elif [ ! -f "$1/pid" ] && [ -d "$1/claim" ]; then now=dead # the runner of an earlier ferry, which died at once
  elif [ ! -f "$1/pid" ]; then now=prepared
  elif rebooted "$1"; then now=rebooted
  elif [ ! -s "$1/pid" ] && [ -n "$(find "$1/pid" -prune -mmin -1 2>/dev/null)" ]; then now=starting
  else now=dead; fi
}
state() { # looks again, since files appear between one test and the next
  look "$1"; case $now in dead|rebooted) look "$1";; esac
}
archive() { # $1 is what tells this one from others of its key; 20 are kept, and tidying up is put off until it pays
  move "$dir" "$dir~$1.$$" 2>/dev/null || [ ! -d "$dir" ] || { echo "$dir cannot be renamed" >&2; return 1; } # or another has just done it
  [ ! -f "$spare" ] || rm -f "$spare"
  kept=0; for old in "$jobs"/*~*; do kept=$((kept+1)); done
  [ $kept -le 30 ] || ls -1dt "$jobs"/*~* | tail -n +21 | { set --; while read -r old; do set -- "$@" "$old"; done; rm -rf "$@"; }
}
`

// jobStart prepares and starts a job unless it exists.
//
//	$1 key  $2 bytes of its input that are the environment  $3 runner
//	$4 timeout in seconds, 0 for none  $5 the time, for the name of a dead job
//
// It prints the state after it has done its part, or "other KEY".
//
// Who owns the directory that systemd makes is root. A unit is there before its job only if an earlier one was killed: systemd-run
// says so, and only then is it reset. The last attempt is for a systemd that does
// not know the property.
const jobStart = jobCommon + `
umask 077; [ -d "$jobs" ] || mkdir -p "$jobs" || exit 1
for d in "$jobs"/*; do
  case $d in "$dir"|*~*|*.new.*) continue;; esac
  [ -d "$d" ] || continue
  state "$d"; case $now in running|starting) echo "other ${d##*/}"; exit 0;; esac
done
state "$dir"
case $now in
running|starting|done) echo "found $now"; exit 0;;
rebooted|dead) echo "again $now"; archive "$5" >&2;;
esac
files() {
  if [ "$2" = 0 ]; then input >"$new/script"; else input | { head -c "$2" >"$new/env" && cat >"$new/script"; }; fi &&
  printf %s "$3" >"$new/run" && echo "$4" >"$new/timeout" && true >"$new/log" &&
  printf 'PATH=%s; LC_ALL=C; HOME=%s; export PATH LC_ALL HOME\n' "'$PATH'" "'${HOME:-/}'" >"$new/environ" &&
  if [ -n "$FERRY_STATE" ]; then printf 'FERRY_STATE=%s; FERRY_BOOT_ID=%s; export FERRY_STATE FERRY_BOOT_ID\n' "'$FERRY_STATE'" "'$FERRY_BOOT_ID'" >>"$new/environ"; fi
}
if [ ! -f "$dir/timeout" ]; then
  [ ! -d "$dir" ] || rm -rf "$dir"
  new=$dir.new.$$; [ ! -e "$new" ] || rm -rf "$new"; mkdir "$new" || exit 1
  files "$@" || { rm -rf "$new"; exit 1; }
  move "$new" "$dir" || { rm -rf "$new"; [ -f "$dir/timeout" ] || exit 1; }
fi
unset FERRY
unit() { systemd-run --unit="ferry-job-$1" --description="ferry job $1" ${2:+"--property=$2"} /bin/sh "$dir/run" >&2 || [ -f "$dir/pid" ]; }
run_job() {
  if [ -O "${FERRY_SYSTEMD:-/run/systemd/system}" ] && command -v systemd-run >/dev/null 2>&1; then
    unit "$1" KillMode=process && return 0
    systemctl reset-failed "ferry-job-$1.service" >/dev/null 2>&1
    if unit "$1" KillMode=process || unit "$1"; then return 0; fi
  fi
  if command -v setsid >/dev/null 2>&1; then setsid nohup /bin/sh "$dir/run" </dev/null >/dev/null 2>&1 9<&- &
  else nohup /bin/sh "$dir/run" </dev/null >/dev/null 2>&1 9<&- &
  fi
}
run_job "$1" || exit 1
echo started
`

// jobRunner runs inside the job. It always exits 0: a failed transient unit
// would keep its name on an old systemd.
const jobRunner = `#!/bin/sh
trap '' HUP
dir=${0%/run}; key=${dir##*/}
. "$dir/environ"
began_at() { read -r s 2>/dev/null <"/proc/$1/stat" || return 1; s=${s##*) }; set -- $s; shift 19; at=$1; }
began_at $$; boot=; read -r boot 2>/dev/null <"${FERRY_BOOT_ID:-/proc/sys/kernel/random/boot_id}"
set -C; echo "$$ $at $boot" 2>/dev/null >"$dir/pid" || exit 0; set +C
cd /; umask 022
exec </dev/null >>"$dir/log" 2>&1
clock() { { [ -n "$BASH_VERSION" ] && printf -v now '%(%s)T' -1 2>/dev/null; } || now=$(date +%s); }
clock; began=$now
read -r limit <"$dir/timeout"
group=; command -v setsid >/dev/null 2>&1 && group=setsid
(
  FERRY_JOB=$key.; export FERRY_JOB
  if [ -f "$dir/env" ]; then . "$dir/env"; rm -f "$dir/env"; fi
  exec $group /bin/sh "$dir/script"
) &
child=$!
began_at $child && echo "$child $at" >"$dir/child"
found() { p=; for f in $(grep -l "FERRY_JOB=$key\." /proc/[0-9]*/environ 2>/dev/null); do f=${f#/proc/}; p="$p ${f%%/*}"; done; }
watch=
if [ "${limit:-0}" -gt 0 ]; then
  (
    trap 'kill $nap 2>/dev/null; exit 0' TERM
    sleep "$limit" & nap=$!
    wait $nap
    : >"$dir/timedout"
    found; kill -TERM -- -$child $p 2>/dev/null || kill -TERM $child $p 2>/dev/null
    sleep 10 & nap=$!
    wait $nap
    found; kill -KILL -- -$child $p 2>/dev/null || kill -KILL $child $p 2>/dev/null
  ) >/dev/null 2>&1 &
  watch=$!
fi
wait $child; code=$?
if [ -n "$watch" ]; then
  if [ -f "$dir/timedout" ]; then
    i=0; while found; [ -n "$p" ] && [ $i -lt 12 ]; do sleep 1; i=$((i+1)); done
  fi
  kill $watch 2>/dev/null
fi
note=ok; [ -f "$dir/timedout" ] && note=timeout
clock; line="$code $began $now $note"
appear() { mv -f "$1.new" "$1" 2>/dev/null || { ln -f "$1.new" "$1" && rm -f "$1.new"; }; } # see move
{ echo "$line" >"$dir/result.new" && { sync -f "$dir/result.new" 2>/dev/null || sync; } && appear "$dir/result"; } ||
  { echo "$line" >"${FERRY_STATE:-/run}/ferry-job-$key.result.new" && appear "${FERRY_STATE:-/run}/ferry-job-$key.result"; }
exit 0
`

// jobStatus prints what is known of a job: lines of a name and a value, an
// empty line, and the log from a byte offset on. From its beginning, the size is
// not told: what is less than asked for is all.
//
//	$1 key  $2 offset  $3 most bytes of log
//	$4 seconds to wait first for the end of the job, if it runs; it says "waited"
//	if it has: while a distribution is replaced, tail may not work
const jobStatus = jobCommon + `
if [ "$4" != 0.00 ] && [ ! -f "$dir/result" ] && lives "$dir/pid"; then
  timeout "$4" tail -s 0.1 --pid="$p" -f /dev/null >/dev/null 2>&1
  case $? in 0|124) echo waited;; esac
fi
state "$dir"; st=$now; off=$2; size=0
if [ ! -s "$dir/log" ]; then off=0
elif [ "$off" = 0 ]; then size=
else
  size=$(wc -c <"$dir/log")
  [ "$off" -ge 0 ] || { off=$((size-$3)); [ "$off" -gt 0 ] || off=0; }
fi
if [ "$st" = done ]; then
  res=; read -r res 2>/dev/null <"$dir/result" || read -r res 2>/dev/null <"$spare"
  if [ -n "$res" ]; then echo "result $res"; else st=none; fi # collected by another in this instant
fi
echo "state $st"
if [ "$st" = dead ]; then echo "disk $(df -P "$dir" 2>/dev/null | tail -n 1)"; fi
[ -z "$size" ] || echo "size $((size))"
echo "offset $off"
echo
if [ -z "$size" ]; then head -c "$3" "$dir/log"
elif [ "$off" -lt "$size" ]; then tail -c "+$((off+1))" "$dir/log" | head -c "$3"
fi
exit 0
`

// jobCollect puts a job that ended aside. It may run twice.
//
//	$1 key  $2 the time
const jobCollect = jobCommon + `
[ -d "$dir" ] || exit 0
state "$dir"; case $now in running|starting) echo "the job runs" >&2; exit 1;; esac
archive "$2"
`
