#!/bin/bash
# make demo: three hosts of the lab are migrated from CentOS to openEuler.
# Run again, it finds them migrated. `make lab-down` takes the lab away.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

if [ "$(id -u)" != 0 ]; then
  echo "The demo boots lab hosts in network namespaces, which needs root. Run:" >&2
  echo "    sudo make demo" >&2
  exit 1
fi

lab() { go run ./testenv/cmd/lab "$@" --name demo; }
inventory=/var/lib/ferry-lab/demo/inventory.hcl
playbook=playbooks/migrate/el-to-openeuler
ferry() { bin/ferry "$@" --inventory "$inventory" --state-dir /var/lib/ferry-lab/demo/state; }
page() { curl -fsS --max-time 10 "http://$(ferry inventory list el-1 --json | sed -n 's/.*"address": *"\([^"]*\)".*/\1/p' | head -1):8080/"; }

say "The lab: three hosts of a CentOS-like distribution (the first time, its two distributions are built: about a minute)"
if lab status >/dev/null 2>&1; then lab status; else lab up --hosts 3; fi

say "What the hosts are"
ferry facts all --only os_name,kernel,glibc,systemd,rpm_db
before=$(page)

say "What a migration would change (ferry plan writes nothing)"
ferry plan "$playbook" --var-file testenv/demo/vars.hcl --quiet

say "The migration (ferry run): one host first, then the others"
ferry run "$playbook" --var-file testenv/demo/vars.hcl --quiet

say "What the hosts are now"
ferry facts all --only os_name,kernel,glibc,systemd,rpm_db
if [ "$(page)" = "$before" ]; then
  echo "The site of el-1 serves the same page as before."
else
  echo "The site of el-1 serves another page than before." >&2
  exit 1
fi

say "Next"
cat <<'TEXT'
  make demo                                          again: every host is migrated, 0 changes
  go run ./testenv/cmd/lab ssh --name demo el-1      look around on a host
  make lab-down                                      remove the lab, and any other of this machine

To see ferry put something right, begin anew (make lab-down && make demo) and, while a host is at task.distro_sync,
do one of these in another terminal:
  go run ./testenv/cmd/lab cut --name demo el-2      take it off the network; "lab restore --name demo el-2" brings it
                                                     back, and the run goes on
  kill -9 $(pgrep -f 'bin/ferry run playbooks')      kill ferry; the transaction goes on without it, and
                                                     "bin/ferry resume --state-dir /var/lib/ferry-lab/demo/state"
                                                     concludes it
TEXT
