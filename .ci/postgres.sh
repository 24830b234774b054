#!/usr/bin/env bash
# Runs a command beside Debian's PostgreSQL: a cluster of this script alone, in a temporary folder, on a socket of its own, not
# durable. No system service and no cluster of the machine is touched. Ends it with the command.
#   .ci/postgres.sh COMMAND [ARGUMENT...]
# The command finds ATELIER_TEST_POSTGRES (the folder of the socket: the test suites then use this PostgreSQL in place of the
# embedded one) and ATELIER_DEBIAN_POSTGRES (the folder of initdb and pg_ctl, for tests that make clusters of their own).
# Leaves with 77 and says why, loudly, where PostgreSQL cannot be had: never with 0.
set -euo pipefail

cannot() {
  printf '\n!!! PostgreSQL lane DID NOT RUN: %s\n' "$1" >&2
  exit 77
}

newest_programs() {
  ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1
}

install_postgres() {
  if [ -n "$(newest_programs)" ]; then return; fi
  command -v apt-get >/dev/null || cannot "no apt-get here; install Debian's postgresql by hand"
  [ "$(id -u)" = 0 ] || cannot "installing postgresql needs root"
  # No cluster and no service of the machine's own: postgresql-common makes one unless it is told not to.
  mkdir -p /etc/postgresql-common/createcluster.d
  printf 'create_main_cluster = false\n' >/etc/postgresql-common/createcluster.d/atelier-lane.conf
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  apt-get update -qq || cannot "apt-get update failed"
  apt-get install -y -qq --no-install-recommends postgresql >/dev/null || cannot "apt-get could not install postgresql"
}

as_postgres() {
  if [ "$(id -u)" = 0 ]; then (cd / && setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@"); else "$@"; fi
}

install_postgres
programs=$(newest_programs)
# Short: a socket's path has 107 bytes.
folder=$(mktemp -d /tmp/atelier-pg-XXXXXX)
stop() {
  as_postgres "$programs/pg_ctl" stop --pgdata "$folder/data" --mode immediate --silent >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap stop EXIT
[ "$(id -u)" != 0 ] || chown postgres:postgres "$folder"
chmod 755 "$folder"
as_postgres "$programs/initdb" --pgdata="$folder/data" --username=atelier --encoding=UTF8 --auth=trust --no-sync >/dev/null
settings="-c listen_addresses= -c unix_socket_directories=$folder -c fsync=off -c synchronous_commit=off -c max_connections=200"
as_postgres "$programs/pg_ctl" start --pgdata "$folder/data" --wait --silent --log "$folder/log" -o "$settings" >/dev/null ||
  { cat "$folder/log" >&2; exit 1; }
"$programs/postgres" --version

export ATELIER_TEST_POSTGRES=$folder ATELIER_DEBIAN_POSTGRES=$programs
"$@"
