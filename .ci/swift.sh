#!/usr/bin/env bash
# Runs a command beside a real S3 server: OpenStack Swift with s3api, from Debian's packages, as processes of this script
# alone, in a temporary folder, on loopback. Ends them with the command.
#   .ci/swift.sh COMMAND [ARGUMENT...]      with S3_ENDPOINT, S3_BUCKET, S3_REGION and the two keys in its environment
# Leaves with 77 and says why, loudly, where Swift cannot be had: never with 0.
set -euo pipefail

readonly access_key="test:tester" secret_key="swift-lane-secret" bucket="atelier"
readonly packages=(swift-proxy swift-account swift-container swift-object memcached)

cannot() {
  printf '\n!!! Swift lane DID NOT RUN: %s\n' "$1" >&2
  exit 77
}

install_swift() {
  if command -v swift-proxy-server swift-account-server swift-container-server swift-object-server memcached >/dev/null; then return; fi
  command -v apt-get >/dev/null || cannot "no apt-get here; install ${packages[*]} by hand"
  [ "$(id -u)" = 0 ] || cannot "installing ${packages[*]} needs root"
  # RUNLEVEL=1 keeps the packages from starting services of their own.
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  apt-get update -qq || cannot "apt-get update failed"
  apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null || cannot "apt-get could not install ${packages[*]}"
}

free_ports() {
  python3 - "$1" <<'PYTHON'
import socket, sys
sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for one in sockets: one.bind(("127.0.0.1", 0))
print(*[one.getsockname()[1] for one in sockets])
PYTHON
}

folder=$(mktemp -d)
pids=()
stop() {
  for pid in "${pids[@]}"; do kill -KILL -- "-$pid" 2>/dev/null || true; done
  rm -rf "$folder"
}
trap stop EXIT

# Each in a process group of its own, so that its children end with it.
start() {
  local name=$1
  shift
  setsid "$@" >"$folder/$name.log" 2>&1 &
  pids+=($!)
  disown
}

# One replica on one device: what is tested is the S3 protocol, not Swift's own redundancy.
make_rings() {
  local kind port
  for kind in account:$account_port container:$container_port object:$object_port; do
    port=${kind#*:} kind=${kind%%:*}
    swift-ring-builder "$folder/$kind.builder" create 4 1 1 >/dev/null
    swift-ring-builder "$folder/$kind.builder" add "r1z1-127.0.0.1:$port/disk" 1 >/dev/null
    swift-ring-builder "$folder/$kind.builder" rebalance >/dev/null
  done
}

storage_conf() {
  cat >"$folder/$1.conf" <<CONF
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $2
workers = 0
user = $(id -un)
swift_dir = $folder
devices = $folder/devices
mount_check = false
recon_cache_path = $folder
log_address = $folder/no-syslog
[pipeline:main]
pipeline = $1-server
[app:$1-server]
use = egg:swift#$1
fallocate_reserve = 0
disable_fallocate = true
CONF
}

proxy_conf() {
  cat >"$folder/proxy.conf" <<CONF
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $proxy_port
workers = 0
user = $(id -un)
swift_dir = $folder
log_address = $folder/no-syslog
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache listing_formats bulk s3api tempauth slo dlo versioned_writes proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:$memcached_port
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
s3_acl = false
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = $secret_key .admin
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
CONF
}

wait_until_up() {
  local tries
  for tries in $(seq 200); do
    if curl -sf "http://127.0.0.1:$proxy_port/healthcheck" >/dev/null; then return; fi
    sleep 0.1
  done
  tail -n 20 "$folder"/*.log >&2
  echo "Swift's proxy did not come up" >&2
  exit 1
}

install_swift
command -v curl >/dev/null || cannot "curl is not installed"
python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.atelier", b"1")' "$folder" 2>/dev/null ||
  cannot "$folder holds no extended attributes, which Swift keeps its metadata in; set TMPDIR to a folder that does"
read -r account_port container_port object_port proxy_port memcached_port < <(free_ports 5)
mkdir -p "$folder/devices/disk"
printf '[swift-hash]\nswift_hash_path_suffix = lane\nswift_hash_path_prefix = lane\n[storage-policy:0]\nname = lane\ndefault = yes\n' >"$folder/swift.conf"
make_rings
storage_conf account "$account_port"
storage_conf container "$container_port"
storage_conf object "$object_port"
proxy_conf
start memcached memcached -l 127.0.0.1 -p "$memcached_port" -m 16 -u "$(id -un)"
for kind in account container object proxy; do start "$kind" "swift-$kind-server" "$folder/$kind.conf" -v; done
wait_until_up

export S3_ENDPOINT="http://127.0.0.1:$proxy_port" S3_REGION=us-east-1 S3_BUCKET=$bucket
export S3_ACCESS_KEY_ID=$access_key S3_SECRET_ACCESS_KEY=$secret_key
node "$(dirname "${BASH_SOURCE[0]}")/make-bucket.mjs"
"$@"
