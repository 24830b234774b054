#!/usr/bin/env bash
# Runs a command beside Debian's PostgreSQL (.ci/postgres.sh) where Debian's PgBouncer is installed as well: tests start it
# themselves, on free ports. Leaves with 77 and says why, loudly, where it cannot be had: never with 0.
set -euo pipefail

cannot() {
  printf '\n!!! PgBouncer lane DID NOT RUN: %s\n' "$1" >&2
  exit 77
}

if [ ! -x /usr/sbin/pgbouncer ]; then
  command -v apt-get >/dev/null || cannot "no apt-get here; install Debian's pgbouncer by hand"
  [ "$(id -u)" = 0 ] || cannot "installing pgbouncer needs root"
  # RUNLEVEL=1 keeps the package from starting a service of its own.
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  apt-get update -qq || cannot "apt-get update failed"
  apt-get install -y -qq --no-install-recommends pgbouncer >/dev/null || cannot "apt-get could not install pgbouncer"
fi
exec "$(dirname "${BASH_SOURCE[0]}")/postgres.sh" "$@"
