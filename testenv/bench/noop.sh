#!/bin/bash
# Times a converged play of 50 tasks on 20 real lab hosts: what ferry costs where
# nothing has to change. Prints the run's own figure for each repetition.
#
# usage: testenv/bench/noop.sh [HOSTS] [TASKS] [RUNS]
set -euo pipefail
cd "$(dirname "$0")/../.."
hosts=${1:-20} tasks=${2:-50} runs=${3:-5}

make -s build
go run ./testenv/cmd/lab down --name bench >/dev/null
go run ./testenv/cmd/lab up --name bench --hosts "$hosts" --no-web >/dev/null 2>&1
trap 'go run ./testenv/cmd/lab down --name bench >/dev/null; rm -rf "$dir"' EXIT
dir=$(mktemp -d)
{
  echo 'play "noop" {'
  echo '  hosts  = "all"'
  echo '  become = true'
  for i in $(seq "$tasks"); do
    case $((i % 5)) in
      0) printf '  task "service" "s%s" {\n    unit  = "sshd"\n    state = "running"\n  }\n' "$i" ;;
      1) echo "  task \"file\" \"f$i\" { path = \"/etc/passwd\" }" ;;
      2) printf '  task "line" "l%s" {\n    path = "/etc/hosts"\n    line = "127.0.0.1 localhost"\n  }\n' "$i" ;;
      3) printf '  task "command" "c%s" {\n    argv      = ["/bin/true"]\n    read_only = true\n  }\n' "$i" ;;
      4) echo "  task \"package\" \"p$i\" { names = [\"sudo\"] }" ;;
    esac
  done
  echo '}'
} >"$dir/main.hcl"
args=("$dir" --inventory /var/lib/ferry-lab/bench/inventory.hcl --state-dir "$dir/state" --parallel "$hosts" --quiet)
bin/ferry run "${args[@]}" >"$dir/warm-up" || { cat "$dir/warm-up"; exit 1; }
for _ in $(seq "$runs"); do
  /usr/bin/env bash -c 'TIMEFORMAT="wall %R s, controller cpu %U+%S s"; time "$@" | grep -E "hosts? done"' -- bin/ferry run "${args[@]}"
done
