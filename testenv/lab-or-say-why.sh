#!/bin/bash
# Runs the lab tests, or says loudly why they cannot run here.
set -euo pipefail
cd "$(dirname "$0")/.."
why=
[ "$(id -u)" = 0 ] || why="they need root (namespaces, mounts); run: sudo make lab-test"
[ -e /etc/debian_version ] || why="they need Debian (apt, mmdebstrap)"
if [ -n "$why" ]; then
  printf '\n*** LAB TESTS NOT RUN: %s ***\n\n' "$why" >&2
  [ "${FERRY_REQUIRE_LAB:-}" = "" ] || exit 1
  exit 0
fi
make lab-test
