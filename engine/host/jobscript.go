package host

// What runs on the host for a job. Every text is for a POSIX shell and uses
// only what every host has; flags of systemd-run are those of systemd 219.
//
// A job's directory appears whole, by rename. Whoever finds it without a claim
// starts it; the runner claims it by mkdir, so starting twice runs once.
//
// FERRY_STATE and FERRY_BOOT_ID stand in for the real places in tests.

// jobCommon defines what the other texts use. Answers are given in variables: a
// command substitution would start a process for each.
const jobCommon = `
jobs=${FERRY_STATE:-/var/lib/ferry}/jobs; dir=$jobs/$1
since() { begun=; read -r s 2>/dev/null <"/proc/$1/stat" || return 1; s=${s##*) }; set -- $s; [ "$1" != Z ] || return 1; shift 19; begun=$1; }
lives() { [ -f "$1" ] && read -r p t <"$1" && [ -n "$p" ] && since "$p" && [ "$begun" = "$t" ]; }
alive() { lives "$1/pid" || lives "$1/child"; }
rebooted() { was=; boot=; read -r was 2>/dev/null <"$1/boot"; read -r boot 2>/dev/null <"${FERRY_BOOT_ID:-/proc/sys/kernel/random/boot_id}"; [ "$was" != "$boot" ]; }
look() {
  if [ ! -d "$1" ]; then now=none
  elif [ -f "$1/result" ] || [ -f "${FERRY_STATE:-/run}/ferry-job-${1##*/}.result" ]; then now=done
  elif alive "$1"; then now=running
  elif [ ! -d "$1/claim" ]; then now=prepared
  elif [ -f "$1/boot" ] && rebooted "$1"; then now=rebooted
  elif [ ! -f "$1/pid" ] && [ -n "$(find "$1/claim" -prune -mmin -1 2>/dev/null)" ]; then now=starting
  else now=dead; fi
}
state() { # looks again, since files appear between one test and the next
  look "$1"; case $now in dead|rebooted) look "$1";; esac
}
archive() {
  mv "$dir" "$dir~$(date -u +%Y%m%dT%H%M%SZ).$$" && rm -f "${FERRY_STATE:-/run}/ferry-job-$1.result"
  ls -1dt "$jobs"/*~* 2>/dev/null | tail -n +21 | while read -r old; do rm -rf "$old"; done
}
`

// jobStart prepares and starts a job unless it exists.
//
//	$1 key  $2 bytes of standard input that are the environment  $3 runner
//	$4 timeout in seconds, 0 for none
//
// It prints the state after it has done its part, or "other KEY".
const jobStart = jobCommon + `
umask 077; mkdir -p "$jobs" || exit 1
for d in "$jobs"/*; do
  case $d in "$dir"|*~*|*.new.*) continue;; esac
  [ -d "$d" ] || continue
  state "$d"; case $now in running|starting) echo "other ${d##*/}"; exit 0;; esac
done
state "$dir"
case $now in
running|starting|done) echo "found $now"; exit 0;;
rebooted|dead) echo "again $now"; archive "$1" >&2;;
esac
if [ ! -d "$dir" ]; then
  new=$dir.new.$$; rm -rf "$new"; mkdir "$new" || exit 1
  head -c "$2" >"$new/env" && cat >"$new/script" && printf %s "$3" >"$new/run" && echo "$4" >"$new/timeout" && : >"$new/log" &&
    printf 'PATH=%s; LC_ALL=C; HOME=%s; export PATH LC_ALL HOME\n' "'$PATH'" "'${HOME:-/}'" >"$new/environ" &&
    if [ -n "$FERRY_STATE" ]; then printf 'FERRY_STATE=%s; FERRY_BOOT_ID=%s; export FERRY_STATE FERRY_BOOT_ID\n' "'$FERRY_STATE'" "'$FERRY_BOOT_ID'" >>"$new/environ"; fi || { rm -rf "$new"; exit 1; }
  mv -T "$new" "$dir" 2>/dev/null || { rm -rf "$new"; [ -d "$dir" ] || exit 1; }
fi
unset FERRY
run_job() {
  if [ -d "${FERRY_SYSTEMD:-/run/systemd/system}" ] && [ "$(id -u)" = 0 ] && command -v systemd-run >/dev/null 2>&1; then
    systemctl reset-failed "ferry-job-$1.service" >/dev/null 2>&1
    systemd-run --unit="ferry-job-$1" --description="ferry job $1" -p KillMode=process /bin/sh "$dir/run" >&2 && return 0
    [ -d "$dir/claim" ] && return 0
    systemd-run --unit="ferry-job-$1" /bin/sh "$dir/run" >&2 && return 0
    [ -d "$dir/claim" ] && return 0
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
mkdir "$dir/claim" 2>/dev/null || exit 0
. "$dir/environ"
cd /; umask 022
exec </dev/null >>"$dir/log" 2>&1
cat "${FERRY_BOOT_ID:-/proc/sys/kernel/random/boot_id}" >"$dir/boot.new" 2>/dev/null && mv -f "$dir/boot.new" "$dir/boot"
read -r s </proc/$$/stat; s=${s##*) }; set -- $s; shift 19
echo "$$ $1" >"$dir/pid.new" && mv -f "$dir/pid.new" "$dir/pid"
began=$(date +%s)
read -r limit <"$dir/timeout"
group=; command -v setsid >/dev/null 2>&1 && group=setsid
(
  FERRY_JOB=$key.; export FERRY_JOB
  . "$dir/env"; rm -f "$dir/env"
  exec $group /bin/sh "$dir/script"
) &
child=$!
if read -r s 2>/dev/null </proc/$child/stat; then
  s=${s##*) }; set -- $s; shift 19
  echo "$child $1" >"$dir/child.new" && mv -f "$dir/child.new" "$dir/child"
fi
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
line="$code $began $(date +%s) $note"
{ echo "$line" >"$dir/result.new" && { sync -f "$dir/result.new" 2>/dev/null || sync; } && mv -f "$dir/result.new" "$dir/result"; } ||
  { echo "$line" >"${FERRY_STATE:-/run}/ferry-job-$key.result.new" && mv -f "${FERRY_STATE:-/run}/ferry-job-$key.result.new" "${FERRY_STATE:-/run}/ferry-job-$key.result"; }
exit 0
`

// jobStatus prints what is known of a job: lines of a name and a value, an
// empty line, and the log from a byte offset on.
//
//	$1 key  $2 offset  $3 most bytes of log
//	$4 seconds to wait first for the end of the job, if it runs; it says "waited"
//	if it has: while a distribution is replaced, tail may not work
const jobStatus = jobCommon + `
if [ "$4" != 0.00 ] && lives "$dir/pid"; then
  timeout "$4" tail -s 0.1 --pid="$p" -f /dev/null >/dev/null 2>&1
  case $? in 0|124) echo waited;; esac
fi
state "$dir"; st=$now; size=0
[ -f "$dir/log" ] && size=$(wc -c <"$dir/log")
off=$2; [ "$off" -ge 0 ] || { off=$((size-$3)); [ "$off" -gt 0 ] || off=0; }
if [ "$st" = done ]; then
  res=$(cat "$dir/result" 2>/dev/null || cat "${FERRY_STATE:-/run}/ferry-job-$1.result" 2>/dev/null)
  if [ -n "$res" ]; then echo "result $res"; else st=none; fi # collected by another in this instant
fi
echo "state $st"
if [ "$st" = dead ]; then echo "disk $(df -P "$dir" 2>/dev/null | tail -n 1)"; fi
echo "size $((size))"
echo "offset $off"
echo
[ "$off" -lt "$size" ] && tail -c "+$((off+1))" "$dir/log" | head -c "$3"
exit 0
`

// jobCollect puts a job that ended aside. It may run twice.
const jobCollect = jobCommon + `
[ -d "$dir" ] || exit 0
state "$dir"; case $now in running|starting) echo "the job runs" >&2; exit 1;; esac
archive "$1"
`
